/** `/v1/functions/{name}`: the body is the data, the answer the result, the status the outcome. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

test('functions are called through the gateway', async (t) => {
  const { dir } = await project(t, {
    functions: { site: { from: 'site', sdk: '^4.0.2' }, echo: 'echo', failing: 'failing' },
    yunkai: { functions: { site: { timeout: 2 } } },
  });
  const server = await serve(t, dir);
  const alice = await Caller.signIn(server, 'alice');
  /** @type {(name: string, body?: unknown, init?: RequestInit) => Promise<any>} */
  const call = (name, body, init = {}) =>
    request(`${server.url}/v1/functions/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...init,
    });

  const echoed = await call('echo', { a: 1, envName: '' });
  assert.equal(echoed.status, 200);
  assert.equal(echoed.body.a, 1);
  assert.equal(echoed.body.envName, undefined);
  assert.equal(echoed.body.userInfo.openId, alice.openid);
  assert.ok(echoed.headers.get('x-request-id'));
  const headers = { authorization: `Bearer ${alice.accessToken}` };
  const asked = await call('echo?a=1&b=2', undefined, { method: 'GET', headers });
  assert.equal(asked.body.b, '2');
  const text = await call('site', { path: '/text' });
  assert.equal(text.body, '<h1>雪</h1>');
  assert.match(text.headers.get('content-type'), /^text\/plain/);
  assert.equal((await call('site', { path: '/nothing' })).body, null);

  /** @type {[string, unknown, RequestInit, number, string][]} */
  const rows = [
    ['nowhere', {}, {}, 404, 'FUNCTION_NOT_FOUND'],
    ['site', { path: '/throws' }, {}, 500, 'FUNCTION_INVOCATION_FAILED'],
    ['site', { path: '/slow' }, {}, 504, 'FUNCTION_TIME_LIMIT_EXCEEDED'],
    ['echo', {}, { headers: {} }, 401, 'CHECK_LOGIN_FAILED'],
    ['echo', {}, { body: '{' }, 400, 'INVALID_PARAM'],
  ];
  for (const [name, body, init, status, code] of rows) {
    const reply = await call(name, body, init);
    assert.deepEqual([reply.status, reply.body.code], [status, code], `${name}: ${status}`);
    assert.equal(reply.body.requestId, reply.headers.get('x-request-id'));
  }
});
