/** Functions of the kind `http`: raw requests, streams, upgrades, many at once, who asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { connect } from '../../harness/socket.mjs';
import { request } from '../../harness/wire.mjs';

test('a function has a server of its own', async (t) => {
  const made = await project(t, {
    functions: {
      shop: { from: 'shop-server', sdk: '^4.0.2' },
      context: { from: 'context', sdk: '^4.0.2' },
    },
    yunkai: {
      routes: [{ path: '/shop', function: 'shop' }],
      functions: { shop: { kind: 'http', timeout: 3 } },
    },
  });
  const server = await serve(t, made.dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  /** @type {(path: string, init?: RequestInit) => Promise<any>} */
  const ask = (path, init = {}) => request(`${server.url}/shop${path}`, init);
  const by = (/** @type {Caller} */ caller) => ({
    headers: { authorization: `Bearer ${caller.accessToken}` },
  });

  await t.test('requests are passed on raw', async () => {
    const reply = await ask('/a/%E9%9B%AA?x=1&y=%2F', {
      method: 'PUT',
      body: new Uint8Array([0, 255]),
      headers: { 'x-mine': 'yes', 'x-wx-openid': 'forged', 'x-yunkai-request': 'forged' },
    });
    assert.equal(reply.status, 200);
    assert.equal(reply.body.method, 'PUT');
    assert.equal(reply.body.url, '/a/%E9%9B%AA?x=1&y=%2F');
    assert.equal(reply.body.body, 'AP8=');
    assert.equal(reply.body.main, true);
    const { headers } = reply.body;
    assert.equal(headers['x-mine'], 'yes');
    assert.equal(headers['x-wx-openid'], undefined);
    assert.equal(headers['x-yunkai-request'], undefined);
    assert.equal(headers['x-real-ip'], '127.0.0.1');
    assert.equal(headers['x-request-id'], reply.headers.get('x-request-id'));
    const about = (await ask('/about')).body;
    assert.equal(about.GREETING, 'hello there');
    assert.equal(about.PORT, '9000');
    assert.deepEqual(about.values, ['--flag']);
    assert.equal(about.address.port, 9000);
  });

  await t.test('many requests are answered at once by one server', async () => {
    const met = await Promise.all([ask('/meet'), ask('/meet')]);
    assert.deepEqual(
      met.map(({ body }) => body),
      ['met', 'met'],
    );
    const many = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(`/x?n=${n}`)));
    many.forEach(({ body }, n) => {
      assert.equal(body.url, `/x?n=${n}`);
    });
  });

  await t.test('answers are streamed', async () => {
    const response = await fetch(`${server.url}/shop/events`);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const first = await reader.read();
    assert.equal(new TextDecoder().decode(first.value), 'data: 1\n\n');
    assert.equal((await ask('/next')).body, 'sent');
    const second = await reader.read();
    assert.equal(new TextDecoder().decode(second.value), 'data: 2\n\n');
    assert.ok((await reader.read()).done);
  });

  await t.test('a websocket is passed on', async () => {
    const { socket } = await connect(t, `${server.url}/shop/ws`, by(alice).headers);
    assert.ok(socket);
    assert.deepEqual(await socket.received(1), [alice.openid]);
    socket.send('anything');
    await socket.gone();
  });

  await t.test('requests of several users at once keep their identities', async () => {
    const callers = Array.from({ length: 12 }, (_, n) => (n % 2 ? alice : bob));
    const answers = await Promise.all(callers.map((caller) => ask('/who', by(caller))));
    answers.forEach(({ body }, n) => {
      assert.equal(body.header, callers[n].openid);
      assert.equal(body.nested.OPENID, callers[n].openid);
      assert.equal(body.nested.SOURCE, 'wx_http,scf');
    });
  });

  await t.test('the gateway passes on what is below a function', async () => {
    const url = `${server.url}/v1/functions/shop/x/y?webfn=true`;
    const headers = { ...by(alice).headers, 'x-tcb-webfn': 'true' };
    const reply = await request(url, { method: 'DELETE', headers });
    assert.equal(reply.body.url, '/x/y?webfn=true');
    assert.equal(reply.body.headers['x-wx-openid'], alice.openid);
    assert.equal((await request(url, { method: 'DELETE' })).status, 401);
    const below = `${server.url}/v1/functions/context/x`;
    assert.equal((await request(below, by(alice))).status, 404);
  });

  await t.test('what fails is said, and the next request has a new server', async () => {
    const late = await ask('/silent');
    assert.deepEqual([late.status, late.body.code], [504, 'FUNCTION_TIME_LIMIT_EXCEEDED']);
    const gone = await ask('/exit');
    assert.deepEqual([gone.status, gone.body.code], [500, 'FUNCTION_INVOCATION_FAILED']);
    assert.equal((await ask('/about')).status, 200);
  });
});

test('a program that is none is said', async (t) => {
  const made = await project(t, {
    functions: { odd: 'echo' },
    yunkai: {
      routes: [{ path: '/odd', function: 'odd' }],
      functions: { odd: { kind: 'http' } },
    },
    files: { 'cloudfunctions/odd/scf_bootstrap': '#!/bin/bash\npython3 app.py\n' },
  });
  const server = await serve(t, made.dir);
  const odd = await request(`${server.url}/odd`, {});
  assert.equal(odd.status, 500);
  assert.match(odd.body.message, /scf_bootstrap, line 2: .*python3 app\.py/);
});
