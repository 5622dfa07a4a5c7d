/**
 * Ports for servers of the tests. A server that starts again on its port must find it free, so the
 * ports lie below those that the system gives to listeners without one and to outgoing connections
 * (32768 and above on Linux), and every test process draws from a part of its own.
 */
import { once } from 'node:events';
import net from 'node:net';

const first = 10_000;
const perProcess = 100;
const processes = 220;

let drawn = 0;

/**
 * A port that nobody listens on and that no other test process draws.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let tried = 0; tried < perProcess; tried++) {
    const port = first + (process.pid % processes) * perProcess + (drawn++ % perProcess);
    if (await isFree(port)) return port;
  }
  throw new Error('every port of this test process is in use');
}

/** @param {number} port */
async function isFree(port) {
  const probe = net.createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
