/** Events and results up to the documented sizes; beyond them a code instead of a hang. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('large events and results', async (t) => {
  const made = await project(t, { functions: { echo: 'echo' } });
  await made.write(
    'cloudfunctions/grow/index.js',
    "exports.main = ({ bytes }) => ({ text: 'x'.repeat(bytes) });\n",
  );
  const caller = await Caller.signIn(await serve(t, made.dir), 'alice');
  await t.test('an event of 60 KB comes back whole', async () => {
    const text = '字'.repeat(20_000);
    assert.equal((await caller.call('echo', { text })).text, text);
  });
  await t.test('a result of 5 MB', async () => {
    const { text } = await caller.call('grow', { bytes: 5_000_000 });
    assert.equal(text.length, 5_000_000);
  });
  await t.test('a result beyond 6 MB is refused', async () => {
    const error = await refusal(caller.call('grow', { bytes: 7_000_000 }));
    assert.match(error.code, /^(FUNCTIONS?_|EXCEED_)/);
  });
  await t.test('the function goes on', async () => {
    assert.equal((await caller.call('grow', { bytes: 3 })).text, 'xxx');
  });
});
