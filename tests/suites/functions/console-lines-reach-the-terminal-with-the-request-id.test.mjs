/** Everything a function says is on the terminal, each line with the id of its request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('console lines reach the terminal with the request id', async (t) => {
  const { dir } = await project(t, { functions: { noisy: 'noisy', failing: 'failing' } });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  const calls = await Promise.all(
    ['one', 'two', 'three'].map(async (word) => ({
      word,
      ...(await caller.invoke('noisy', { word })),
    })),
  );
  assert.equal(new Set(calls.map((one) => one.requestId)).size, 3);
  for (const { word, requestId } of calls) {
    for (const how of ['log', 'info', 'warn', 'error', 'stdout']) {
      const line = await server.said(new RegExp(`${how} says ${word}\\b`));
      assert.ok(line.includes(requestId), `no request id ${requestId} in: ${line}`);
      assert.ok(line.includes('noisy'), `no function name in: ${line}`);
    }
  }
  await t.test('an error of a function is on the terminal with its stack', async () => {
    const error = await refusal(caller.call('failing', { how: 'throw an error' }));
    const line = await server.said(/the shop is closed/);
    assert.ok(line.includes(error.requestId), line);
    await server.said(/index\.js:\d+/);
  });
});
