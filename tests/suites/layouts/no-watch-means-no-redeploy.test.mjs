/** With `--no-watch` a save changes nothing until the server starts again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('--no-watch: a save waits for the next start', async (t) => {
  const made = await project(t);
  await made.write('cloudfunctions/v/index.js', "exports.main = () => 'old';\n");
  const server = await serve(t, made.dir, { args: ['--no-watch'] });
  let caller = await Caller.signIn(server, 'alice');
  assert.equal(await caller.call('v'), 'old');
  await made.write('cloudfunctions/v/index.js', "exports.main = () => 'new';\n");
  for (let n = 0; n < 20; n += 1) assert.equal(await caller.call('v'), 'old');
  await server.stop();
  await server.start();
  caller = await Caller.signIn(server, 'alice');
  await eventually('the new answer', async () => (await caller.call('v')) === 'new');
});
