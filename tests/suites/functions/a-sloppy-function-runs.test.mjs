/** Implicit globals, a synchronous main, no environment in `init`: as much real code is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('a function without strict mode and without awaiting runs', async (t) => {
  const { dir } = await project(t, {
    functions: { sloppy: { from: 'sloppy', sdk: '~2.1.2' } },
    yunkai: { collections: { things: { acl: 'ADMINONLY' } } },
  });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  const seen = await caller.call('sloppy', { collection: 'things' });
  assert.equal(seen.total, 3);
  assert.equal(seen.res.total, 0);
  assert.equal(seen.res.errMsg, 'collection.count:ok');
});
