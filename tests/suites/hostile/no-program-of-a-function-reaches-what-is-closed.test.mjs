/**
 * Programs that a function starts, threads and native code know nothing of the lists in Node: what
 * holds them back is that a worker has no network but the server's gate.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import os from 'node:os';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { deploy, invoke, serveEmpty } from '../../harness/deploying.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { ask } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

const GREETING = 'hello';
const PROGRAMS = ['bash', 'node', 'thread'];

/**
 * Another program of this machine that greets whoever connects.
 * @param {import('node:test').TestContext} owner
 * @param {string} [host]
 */
async function greeter(owner, host = '127.0.0.1') {
  const seen = { port: 0, connections: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.on('error', () => {});
    socket.end(GREETING);
  });
  await new Promise((resolve) => server.listen(0, host, () => resolve(null)));
  owner.after(async () => void server.close());
  seen.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  return seen;
}

/**
 * A listener that has a name in the kernel and no place on the disk.
 * @param {import('node:test').TestContext} owner
 */
async function abstractListener(owner) {
  const name = `yunkai-test-${process.pid}`;
  const code = `require('net').createServer((s) => s.end()).listen('\\0${name}', () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  owner.after(async () => void child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return name;
}

/** The addresses of this machine on its networks. */
const ownAddresses = () =>
  Object.values(os.networkInterfaces())
    .flat()
    .filter((it) => it && !it.internal && it.family === 'IPv4')
    .map((it) => /** @type {os.NetworkInterfaceInfo} */ (it).address);

/**
 * What the log of a function says about connections that were refused.
 * @param {import('../../harness/server.mjs').Server} server
 * @param {string} name
 * @param {number} count at least so many
 * @returns {Promise<string[]>}
 */
function refusals(server, name, count) {
  return eventually('the refusals are in the log', async () => {
    const { entries } = await ask(server, 'logs', { function: name, text: 'was refused' });
    return entries.length >= count && entries.map((/** @type {any} */ it) => it.text);
  });
}

test('under serve, this machine is closed to all of them', async (t) => {
  const server = await serveEmpty(t);
  const functions = { network: 'network' };
  const yunkai = { functions: { network: { timeout: 20 } } };
  await deploy(server, (await project(t, { functions, yunkai })).dir);
  /** @param {Record<string, unknown>} event */
  const does = (event) => invoke(server, 'network', '--data', JSON.stringify(event));
  const [listener, everywhere] = [await greeter(t), await greeter(t, '0.0.0.0')];

  for (const way of PROGRAMS) {
    for (const [host, port] of [
      ['169.254.169.254', 80],
      ['127.0.0.1', listener.port],
      ['127.0.0.1', server.port],
      ['127.9.9.9', everywhere.port],
      ['0.0.0.0', everywhere.port],
      ...ownAddresses().map((address) => [address, everywhere.port]),
    ]) {
      const seen = await does({ way, host, port });
      assert.match(seen, /^(ECONN|E.*UNREACH|code )/, `${way} ${host}:${port}`);
    }
  }
  for (const to of ['127.0.0.1', '::1', '169.254.169.254']) {
    assert.equal(await does({ way: 'rebound', to, port: listener.port }), 'EACCES', to);
  }
  const name = await abstractListener(t);
  assert.match(await does({ way: 'abstract', name }), /^(ECONNREFUSED|EPERM|EACCES)$/);
  assert.deepEqual([listener.connections, everywhere.connections], [0, 0]);
  const said = await refusals(server, 'network', 1);
  const closed = said.find((text) => text.includes('169.254.169.254:80'));
  assert.match(String(closed), /link-local and metadata addresses are closed.* \/ .*元数据/);
});

test('under dev, lists hold for all of them', async (t) => {
  const [open, shut] = [await greeter(t), await greeter(t)];
  const { dir } = await project(t, {
    functions: { denied: 'network', allowed: 'network' },
    yunkai: {
      functions: {
        denied: { network: { deny: [`127.0.0.0/8:${shut.port}`] } },
        allowed: { network: { allow: [`localhost:${open.port}`] } },
      },
    },
  });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  const host = '127.0.0.1';
  for (const name of ['denied', 'allowed']) {
    for (const way of PROGRAMS) {
      assert.equal(await caller.call(name, { way, host, port: open.port }), GREETING, way);
      const seen = await caller.call(name, { way, host, port: shut.port });
      assert.match(seen, /^(ECONN|code )/, `${name} ${way}`);
      const metadata = await caller.call(name, { way, host: '169.254.169.254', port: 80 });
      assert.match(metadata, /^(ECONN|code )/, `${name} ${way}`);
    }
  }
  assert.equal(shut.connections, 0);
  const rules = [`network.deny of the function has "127.0.0.0/8:${shut.port}"`, 'network.allow of'];
  for (const [name, rule] of [
    ['denied', rules[0]],
    ['allowed', rules[1]],
  ]) {
    const said = await refusals(server, name, 2);
    const at = `${host}:${shut.port} was refused: ${rule}`;
    assert.ok(
      said.some((text) => text.includes(at)),
      `${at}: ${said}`,
    );
  }
});

test('the error names the rule in both languages', async (t) => {
  const { dir } = await project(t, {
    functions: { network: 'network' },
    yunkai: { functions: { network: { network: { deny: ['10.0.0.0/8'] } } } },
  });
  const caller = await Caller.signIn(await serve(t, dir), 'alice');
  const { error } = await caller.call('network', { way: 'own', host: '10.1.2.3', port: 80 });
  assert.equal(error.code, 'EACCES');
  assert.match(error.message, /network\.deny has "10\.0\.0\.0\/8" \/ .*network\.deny 中有“10/);
});
