/** A server as `yunkai serve` runs it, and projects that are deployed to it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run, serve, temporaryFolder } from './server.mjs';
import { binary, testStore } from './settings.mjs';
import { request } from './wire.mjs';

/** @typedef {import('./server.mjs').Server} Server */

/**
 * Starts `yunkai serve` on an empty data directory.
 * @param {import('./server.mjs').Owner} owner
 * @returns {Promise<Server>}
 */
export async function serveEmpty(owner) {
  const dir = await temporaryFolder(owner);
  const config = path.join(dir, 'yunkai.toml');
  const data = path.join(dir, 'data');
  const store = testStore ? `store = "${testStore}"\n` : '';
  await writeFile(config, `listen = "127.0.0.1:0"\ndata = "${data}"\n${store}`);
  return serve(owner, '', { data, config });
}

/**
 * `yunkai deploy`, which must succeed; the report.
 * @param {Server} server
 * @param {string} dir
 * @param {string[]} [args]
 * @returns {Promise<any>}
 */
export async function deploy(server, dir, args = []) {
  const { code, output } = await tryDeploy(server, dir, args);
  assert.equal(code, 0, output);
  return JSON.parse(output);
}

/**
 * `yunkai deploy`.
 * @param {Server} server
 * @param {string} dir
 * @param {string[]} [args]
 */
export function tryDeploy(server, dir, args = []) {
  const { apiKey } = server.credentials();
  return run(['deploy', dir, '--server', server.url, '--key', apiKey, '--json', ...args]);
}

/**
 * A `yunkai functions` command that must succeed; what it printed.
 * @param {Server} server
 * @param {...string} args
 * @returns {Promise<string>}
 */
export async function functions(server, ...args) {
  const { apiKey } = server.credentials();
  const { code, output } = await run([
    'functions',
    ...args,
    '--server',
    server.url,
    '--key',
    apiKey,
  ]);
  assert.equal(code, 0, output);
  return output;
}

/**
 * What a function returns to `yunkai functions invoke`.
 * @param {Server} server
 * @param {string} name
 * @param {...string} args
 * @returns {Promise<any>}
 */
export async function invoke(server, name, ...args) {
  return JSON.parse(await functions(server, 'invoke', name, ...args));
}

/**
 * A request to the administrator's API.
 * @param {Server} server
 * @param {string} method
 * @param {string} place
 * @param {unknown} [body]
 */
export function api(server, method, place, body) {
  const headers = { authorization: `Bearer ${server.credentials().apiKey}` };
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  return request(`${server.url}/_api/${place}`, init);
}

/**
 * Runs a command with a text on its standard input.
 * @param {Server} server
 * @param {string} input
 * @param {string[]} args
 */
export async function withInput(server, input, args) {
  const child = spawn(binary(), [...args, '--data-dir', server.data], {
    env: { ...process.env, LANG: 'en_US.UTF-8' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, output };
}
