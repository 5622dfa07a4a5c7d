/**
 * A function that ships without node_modules: the server installs what package.json declares. The
 * package comes from a server of this test, so no registry is asked.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { testsDir } from '../../harness/settings.mjs';

const index = "exports.main = () => require('dayjs').extend(() => {})('2024-02-29').year()\n";

test('dayjs is installed, once for two functions', async (t) => {
  const folder = await temporaryFolder(t);
  const source = path.join(testsDir, 'node_modules', 'dayjs');
  const pack = ['pack', '--json', '--ignore-scripts', source];
  const packed = await promisify(execFile)('npm', pack, { cwd: folder });
  const [{ filename }] = Object.values(JSON.parse(packed.stdout));
  const archive = await readFile(path.join(folder, filename));
  let fetched = 0;
  const registry = http.createServer((request, response) => {
    if (request.url !== '/dayjs.tgz') return void response.writeHead(404).end();
    fetched += 1;
    response.end(archive);
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  t.after(() => void registry.close());
  const { port } = /** @type {import('node:net').AddressInfo} */ (registry.address());
  const manifest = (/** @type {string} */ name) =>
    JSON.stringify({ dependencies: { dayjs: `http://127.0.0.1:${port}/${name}.tgz` } });

  const made = await project(t, {
    files: {
      'cloudfunctions/first/index.js': index,
      'cloudfunctions/first/package.json': manifest('dayjs'),
      'cloudfunctions/second/index.js': `${index}// another\n`,
      'cloudfunctions/second/package.json': manifest('dayjs'),
      'cloudfunctions/absent/index.js': index,
      'cloudfunctions/absent/package.json': manifest('nowhere'),
    },
  });
  const server = await serve(t, made.dir);
  const caller = await Caller.signIn(server, 'alice');
  assert.equal(await caller.call('first'), 2024);
  assert.equal(await caller.call('second'), 2024);
  assert.ok(fetched >= 1);
  // The one that cannot be installed is not there, and why is said where it was started.
  assert.ok(await refusal(caller.call('absent')));
  await server.said(/npm .*404/);
});
