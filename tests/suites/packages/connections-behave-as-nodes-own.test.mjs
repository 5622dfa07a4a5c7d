/** Connections through the server's gate: their events, ends, errors and addresses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/**
 * @param {import('node:test').TestContext} owner
 * @param {import('node:net').Server} server
 * @param {string} [host]
 */
async function listening(owner, server, host = '127.0.0.1') {
  server.listen(0, host);
  await once(server, 'listening');
  owner.after(async () => void server.close());
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

test('connections of a function', async (t) => {
  const { dir } = await project(t, {
    functions: { network: 'network' },
    yunkai: { functions: { network: { timeout: 120 } } },
  });
  const caller = await Caller.signIn(await serve(t, dir), 'alice');
  const does = (/** @type {Record<string, unknown>} */ event) => caller.call('network', event);
  // Answers when the other side has ended its half.
  const late = () =>
    net.createServer({ allowHalfOpen: true }, (socket) => {
      let heard = '';
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        heard += bytes;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
  const port = await listening(t, late());
  const six = await listening(t, late(), '::1').catch(() => null);
  const unused = net.createServer();
  const closed = await listening(t, unused);
  await new Promise((resolve) => unused.close(resolve));

  await t.test('an address', async () => {
    const seen = await does({ way: 'own', host: '127.0.0.1', port });
    assert.equal(seen.text, 'heard done', JSON.stringify(seen));
    assert.deepEqual(seen.events, ['connect', 'end']);
    assert.equal(seen.remote, `127.0.0.1 ${port}`);
  });
  await t.test('a name', async () => {
    for (const autoSelectFamily of [true, false]) {
      const seen = await does({ way: 'own', host: 'localhost', port, family: 4, autoSelectFamily });
      assert.equal(seen.text, 'heard done', JSON.stringify(seen));
      assert.deepEqual(seen.events, ['lookup', 'connect', 'end']);
    }
    const seen = await does({ way: 'own', host: 'localhost', port, autoSelectFamily: true });
    assert.equal(seen.text, 'heard done', JSON.stringify(seen));
  });
  if (six !== null) {
    await t.test('an address of IPv6', async () => {
      const seen = await does({ way: 'own', host: '::1', port: six });
      assert.equal(seen.text, 'heard done', JSON.stringify(seen));
      assert.equal(seen.remote, `::1 ${six}`);
    });
  }
  await t.test('a port at which nobody listens', async () => {
    const seen = await does({ way: 'own', host: '127.0.0.1', port: closed });
    const code = 'ECONNREFUSED';
    const message = `connect ${code} 127.0.0.1:${closed}`;
    const error = { code, message, address: '127.0.0.1', port: closed, syscall: 'connect' };
    assert.deepEqual(seen, { events: [], text: '', error });
    const named = await does({ way: 'own', host: 'localhost', port: closed });
    assert.equal(named.error.code, code, JSON.stringify(named));
    const fetched = await does({ way: 'fetch', url: `http://127.0.0.1:${closed}/` });
    assert.equal(fetched.refused, code);
  });
  await t.test('many at once', async () => {
    const upstream = http.createServer(({ url }, response) =>
      response.end('x'.repeat(url === '/small' ? 1 : 100_000)),
    );
    const url = `http://127.0.0.1:${await listening(t, upstream)}/`;
    assert.equal(await does({ way: 'many', url, count: 100 }), 100);
    assert.equal((await does({ way: 'fetch', url })).length, 100_000);
    assert.equal(await does({ way: 'oneByOne', url: `${url}small`, count: 700 }), 700);
  });
  await t.test('connections that are given up', async () => {
    assert.equal(await does({ way: 'abandoned', host: '127.0.0.1', port, count: 100 }), 100);
    assert.equal((await does({ way: 'own', host: '127.0.0.1', port })).text, 'heard done');
  });
  await t.test('a datagram gets no answer', async () => {
    assert.match(await does({ way: 'datagram', host: '192.0.2.9', port: 123 }), /ECONNREF|silence/);
  });
});
