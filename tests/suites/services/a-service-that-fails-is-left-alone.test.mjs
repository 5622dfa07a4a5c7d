/** Time limits, repeated requests and the circuit breaker of a service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { legacy } from '../../harness/legacy.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

test('a service that fails is left alone, and tried again', async (t) => {
  let broken = true;
  const system = await legacy(t, ({ url }, response) => {
    if (url === '/silent') return;
    if (url === '/cut') return void response.destroy();
    if (broken) response.statusCode = 503;
    response.end('here');
  });
  const once = { url: system.url, retries: 0, breakerFailures: 2, breakerOpenMs: 1500 };
  const made = await project(t, {
    yunkai: {
      services: {
        patient: { url: system.url, timeoutMs: 300, breakerFailures: 0 },
        fragile: once,
        absent: { url: 'http://127.0.0.1:9', breakerFailures: 0 },
      },
    },
  });
  const server = await serve(t, made.dir);
  const alice = await Caller.signIn(server, 'alice');
  const headers = { authorization: `Bearer ${alice.accessToken}` };
  /** @type {(path: string, method?: string) => Promise<any>} */
  const ask = (path, method = 'GET') =>
    request(`${server.url}/v1/cloudrun/${path}`, { method, headers });

  await t.test('an answer that does not come is a timeout, asked for once', async () => {
    const reply = await ask('patient/silent');
    assert.deepEqual([reply.status, reply.body.code], [504, 'SERVICE_TIMEOUT']);
    assert.equal(system.seen.filter(({ url }) => url === '/silent').length, 1);
  });

  await t.test('what may be repeated is, when the connection breaks', async () => {
    const count = () => system.seen.filter(({ url }) => url === '/cut').length;
    const reply = await ask('patient/cut');
    assert.deepEqual([reply.status, reply.body.code], [503, 'SERVICE_UNAVAILABLE']);
    assert.equal(count(), 3);
    await ask('patient/cut', 'POST');
    assert.equal(count(), 4);
    assert.equal((await ask('absent/x')).body.code, 'SERVICE_UNAVAILABLE');
    assert.doesNotMatch((await ask('absent/x')).body.message, /127\.0\.0\.1/);
  });

  await t.test('after failures in a row nothing is asked for a while, then one', async () => {
    for (let n = 0; n < 2; n += 1) assert.equal((await ask('fragile/x')).body, 'here');
    const asked = system.seen.length;
    const refused = await ask('fragile/x');
    assert.deepEqual([refused.status, refused.body.code], [503, 'SERVICE_UNAVAILABLE']);
    assert.equal(system.seen.length, asked);
    const { apiKey } = server.credentials();
    const listed = await request(`${server.url}/_api/services`, {
      headers: { authorization: `Bearer ${apiKey}` },
    });
    assert.equal(
      listed.body.services.find((/** @type {any} */ it) => it.name === 'fragile').breaker,
      'open',
    );
    broken = false;
    await eventually(
      'the service is tried again',
      async () => (await ask('fragile/x')).status === 200,
    );
    assert.equal((await ask('fragile/x')).status, 200);
  });
});
