/** Metadata addresses, the function's own lists, and the API of administrators. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Ground } from '../../harness/hostile.mjs';

/**
 * The port of a listener on loopback.
 * @param {import('node:test').TestContext} owner
 * @returns {Promise<number>}
 */
async function listener(owner) {
  const server = createServer((socket) => socket.end());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  owner.after(async () => void server.close());
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

test('a function does not reach what is closed', async (t) => {
  const [open, shut] = [await listener(t), await listener(t)];
  const deny = [`127.0.0.0/8:${shut}`, 'denied.invalid'];
  const ground = await Ground.open(t, { network: { deny } });
  /** @param {{ host: string, port: number }} to */
  const connect = (to) => ground.does('connect', { to });

  for (const host of ['169.254.169.254', '100.100.100.200', 'fd00:ec2::254', '169.254.0.23']) {
    await t.test(`metadata at ${host}`, async () => {
      assert.deepEqual(await connect({ host, port: 80 }), { refused: 'EACCES' });
    });
  }
  await t.test('its deny list', async () => {
    assert.equal(await connect({ host: '127.0.0.1', port: open }), 'connected');
    for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1']) {
      assert.deepEqual(await connect({ host, port: shut }), { refused: 'EACCES' }, host);
    }
  });
  await t.test('its allow list', async () => {
    const other = await Ground.open(t, { network: { allow: [`localhost:${open}`] } });
    const to = (/** @type {string} */ host, /** @type {number} */ port) =>
      other.does('connect', { to: { host, port } });
    assert.equal(await to('localhost', open), 'connected');
    assert.deepEqual(await to('localhost', shut), { refused: 'EACCES' });
    assert.deepEqual(await to('127.0.0.1', open), { refused: 'EACCES' });
  });
  await t.test('the API of administrators over its own socket', async () => {
    const { apiKey } = ground.server.credentials();
    const { status, text } = await ground.does('api', { host: ground.server.host });
    assert.ok(status >= 400, `${status} ${text}`);
    assert.ok(!text.includes(apiKey));
  });
});
