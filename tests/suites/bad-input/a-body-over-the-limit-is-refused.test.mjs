/** Envelopes and events over their limits: the platform's code, and the server goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { admin, web } from '../../harness/wire.mjs';

const codes = /^(EXCEED_MAX_PAYLOAD_SIZE|EXCEED_REQUEST_SIZE_LIMIT)$/;

test('a body over the limit is refused', async (t) => {
  const { dir } = await project(t, {
    functions: { counter: 'counter' },
    yunkai: { collections: { c: { acl: 'READONLY' } } },
  });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');

  await t.test('an event of 7 MB', async () => {
    const error = await refusal(caller.call('counter', { text: 'x'.repeat(7_000_000) }));
    assert.match(error.code, codes);
  });
  await t.test('an envelope beyond 100 MB', async () => {
    const huge = `{"action":"database.addDocument","x":"${'x'.repeat(101 * 1024 * 1024)}"}`;
    for (const send of [admin, web]) {
      const reply = await send(server, huge);
      assert.match(reply.body.code, codes);
    }
  });
  await t.test('a document beyond 16 MB', async () => {
    const c = nodeSdk(server).database().collection('c');
    const error = await refusal(c.add({ text: 'x'.repeat(17 * 1024 * 1024) }));
    assert.ok(error.code, String(error));
    assert.equal((await c.count()).total, 0);
  });
  await t.test('the server goes on', async () => {
    assert.equal((await caller.call('counter')).calls, 1);
  });
});
