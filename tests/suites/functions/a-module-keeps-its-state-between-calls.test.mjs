/** A warm worker keeps module state; one process never runs two invocations at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('a module keeps its state between calls', async (t) => {
  // A worker that a deploy prepares may come after the first call: one at the most, and it is told.
  const { dir } = await project(t, {
    functions: { counter: 'counter' },
    yunkai: { functions: { counter: { maxInstances: 1 } } },
  });
  const server = await serve(t, dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  const seen = [];
  for (const caller of [alice, bob, alice, bob]) seen.push((await caller.call('counter')).calls);
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test('one process runs one invocation at a time', async (t) => {
  const made = await project(t);
  await made.write(
    'cloudfunctions/alone/index.js',
    `let inside = 0;
exports.main = async () => {
  inside += 1;
  const seen = inside;
  await new Promise((resolve) => setTimeout(resolve, 20));
  inside -= 1;
  return { seen, pid: process.pid };
};
`,
  );
  const caller = await Caller.signIn(await serve(t, made.dir), 'alice');
  const calls = await Promise.all(Array.from({ length: 30 }, () => caller.call('alone')));
  assert.deepEqual([...new Set(calls.map((one) => one.seen))], [1]);
});
