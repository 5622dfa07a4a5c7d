/**
 * Kernels that offer no network namespaces, and functions that ask for the machine's own network: the
 * lists are kept in Node, and whoever should know is told.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Caller } from '../../harness/caller.mjs';
import { deploy, invoke, serveEmpty } from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { binary } from '../../harness/settings.mjs';

/** Runs a program where the kernel makes no network namespaces. */
const without = [
  'unshare',
  '--user',
  '--map-root-user',
  'sh',
  '-c',
  'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"',
  'sh',
];

/** @param {import('node:test').TestContext} owner */
async function greeter(owner) {
  const server = createServer((socket) => void socket.on('error', () => {}).end('hello'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  owner.after(async () => void server.close());
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

test('a kernel without network namespaces', async (t) => {
  const [program, ...values] = [...without, binary(), 'doctor'];
  const env = { ...process.env, LANG: 'en_US.UTF-8' };
  const { stdout } = await promisify(execFile)(program, values, { env });
  assert.match(stdout, /^partly +network .*inside Node, not by the kernel \(unshare: /m);

  const port = await greeter(t);
  const { dir } = await project(t, {
    functions: { network: 'network' },
    yunkai: { functions: { network: { network: { deny: [`127.0.0.1:${port}`] } } } },
  });
  const server = await serve(t, dir, { through: without });
  const caller = await Caller.signIn(server, 'alice');
  const to = { host: '127.0.0.1', port };
  const { error } = await caller.call('network', { way: 'own', ...to });
  assert.equal(error.code, 'EACCES');
  assert.equal(await caller.call('network', { way: 'bash', ...to }), 'hello');
});

test('a function that asks for the network of the machine', async (t) => {
  const port = await greeter(t);
  const server = await serveEmpty(t);
  const { dir } = await project(t, {
    functions: { direct: 'network', usual: 'network' },
    yunkai: { functions: { direct: { network: { direct: true } } } },
  });
  const report = JSON.stringify(await deploy(server, dir));
  assert.match(report, /network\.direct: its workers use the network of the machine/);
  const data = (/** @type {string} */ way) => JSON.stringify({ way, host: '127.0.0.1', port });
  assert.equal(await invoke(server, 'direct', '--data', data('bash')), 'hello');
  assert.match(await invoke(server, 'usual', '--data', data('bash')), /^code /);
  const { error } = await invoke(server, 'direct', '--data', data('own'));
  assert.equal(error.code, 'EACCES');
});
