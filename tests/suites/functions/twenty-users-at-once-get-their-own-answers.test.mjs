/** Twenty users in parallel, several rounds: nobody ever sees another one's identity. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('twenty users at once get their own answers', async (t) => {
  const functions = { context: { from: 'context', sdk: '^4.0.2' } };
  const server = await serve(t, (await project(t, { functions })).dir);
  const callers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => Caller.signIn(server, `user${n}`)),
  );
  const calls = callers.flatMap((caller, who) =>
    Array.from({ length: 5 }, async (_, round) => {
      const seen = await caller.call('context', { who, round });
      assert.equal(seen.wx.OPENID, caller.openid);
      assert.equal(seen.event.userInfo.openId, caller.openid);
      assert.deepEqual([seen.event.who, seen.event.round], [who, round]);
    }),
  );
  await Promise.all(calls);
});
