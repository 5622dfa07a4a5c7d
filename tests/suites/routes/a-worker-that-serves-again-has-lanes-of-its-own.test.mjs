/**
 * A worker serves, ends, and serves again before the lanes of the first time are closed: it opens
 * new ones, and opens one again that was closed unused. The platform's side is played here.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { temporaryFolder } from '../../harness/server.mjs';

const { Server } = createRequire(import.meta.url)('../../../crates/functions/runtime/server.js');

test('a worker that serves again has lanes of its own', async (t) => {
  const socketPath = path.join(await temporaryFolder(t), 'platform.sock');
  /** @type {{ serving: string, target: string, socket: import('node:stream').Duplex }[]} */
  const lanes = [];
  const platform = http.createServer();
  platform.on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.on('error', () => {});
    const serving = String(request.headers['x-yunkai-invocation']);
    lanes.push({ serving, target: String(request.url), socket });
  });
  await new Promise((resolve) => platform.listen(socketPath, () => resolve(null)));
  t.after(() => {
    for (const { socket } of lanes) socket.destroy();
    platform.close();
  });
  const open = (/** @type {string} */ serving) =>
    lanes.filter((it) => it.serving === serving && it.target === '/_lane' && !it.socket.destroyed);
  const end = (/** @type {string} */ serving) =>
    lanes.find((it) => it.serving === serving && it.target === '/_lane?end')?.socket;

  const worker = new Server({ store: new AsyncLocalStorage(), socketPath });
  const first = worker.serve({ requestId: 'first' });
  await eventually('four lanes', () => open('first').length === 4 && end('first'));
  end('first')?.end('over');
  assert.equal(await first, null);
  const second = worker.serve({ requestId: 'second' });
  await eventually('four lanes again', () => open('second').length === 4 && end('second'));
  for (const { socket } of open('first')) socket.destroy();

  for (const { socket } of open('second')) socket.destroy();
  await eventually('those that were closed are back', () => open('second').length === 4);
  end('second')?.end('over');
  assert.equal(await second, null);
});
