/** Folders and links that are no functions: left alone, and a link leads nowhere outside. */
import assert from 'node:assert/strict';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Caller, Refused } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';

test('a link out of the package does not carry foreign files into it', async (t) => {
  const outside = await temporaryFolder(t);
  await writeFile(path.join(outside, 'secret.txt'), 'not yours');
  const made = await project(t, { functions: { counter: 'counter' } });
  await made.write(
    'cloudfunctions/nosy/index.js',
    `const fs = require('fs');
exports.main = async ({ names }) => names.map((name) => {
  try { return fs.readFileSync(name, 'utf8'); } catch (error) { return error.code; }
});
`,
  );
  await cp(
    path.join(made.dir, 'cloudfunctions', 'nosy'),
    path.join(made.dir, 'cloudfunctions', 'linked'),
    { recursive: true },
  );
  const linked = path.join(made.dir, 'cloudfunctions', 'linked');
  await symlink(path.join(outside, 'secret.txt'), path.join(linked, 'link.txt'));
  await symlink(outside, path.join(linked, 'dir'));
  await mkdir(path.join(made.dir, 'cloudfunctions', 'odd name; rm -rf'), { recursive: true });
  await made.write('cloudfunctions/odd name; rm -rf/index.js', 'exports.main = () => 1;\n');
  await made.write('cloudfunctions/.hidden/index.js', 'exports.main = () => 1;\n');
  const server = await serve(t, made.dir);
  const caller = await Caller.signIn(server, 'alice');
  const credentials = path.join(server.data, 'credentials.json');
  const absolute = [path.join(outside, 'secret.txt'), credentials];
  const read = await caller.call('nosy', { names: absolute });
  for (const [index, text] of read.entries()) {
    assert.match(text, /^E[A-Z]+$/, `${absolute[index]} was read`);
  }
  await t.test('a package with a link that leads out is refused or reads nothing', async () => {
    const names = ['link.txt', 'dir/secret.txt'];
    const outcome = await caller.call('linked', { names }).catch((error) => error);
    if (outcome instanceof Refused) assert.match(outcome.text, /link\.txt|dir|symbolic|链接/);
    else for (const text of outcome) assert.match(text, /^E[A-Z]+$/);
  });
  assert.equal((await caller.call('counter')).calls, 1);
});
