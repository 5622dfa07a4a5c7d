/** What functions may ask for as `node` or `runtime`, as `yunkai doctor` shows it. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run, temporaryFolder } from '../../harness/server.mjs';

/**
 * A program that says a version, where a version manager would put it.
 * @param {string} folder
 * @param {string} version
 */
async function install(folder, version) {
  const file = path.join(folder, 'bin', 'node');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\necho ${version}\n`);
  await chmod(file, 0o755);
}

test('the versions of nvm and n are found, the newest of each', async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o755);
  const nvm = path.join(folder, 'nvm');
  const n = path.join(folder, 'prefix');
  await install(path.join(nvm, 'versions/node/v18.9.0'), 'v18.9.0');
  await install(path.join(nvm, 'versions/node/v18.20.1'), 'v18.20.1');
  await install(path.join(n, 'n/versions/node/24.2.0'), 'v22.0.0');
  const { code, output } = await run(['doctor'], { env: { NVM_DIR: nvm, N_PREFIX: n } });
  assert.equal(code, 0, output);
  assert.match(output, /^on +node 18 .*v18\.20\.1/m);
  assert.match(output, /^off +node 24 .*is Node\.js v22\.0\.0/m);
});
