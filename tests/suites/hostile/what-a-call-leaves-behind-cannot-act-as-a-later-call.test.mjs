/** A program that alice's call left behind asks the platform while bob's call runs: it is nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('what a call leaves behind cannot act as a later call', async (t) => {
  const { dir } = await project(t, {
    functions: { hostile: 'hostile', who: 'login' },
    yunkai: { functions: { hostile: { timeout: 60 } } },
  });
  const server = await serve(t, dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  assert.equal(await alice.call('hostile', { how: 'haunt' }), 'haunted');
  const heard = await bob.call('hostile', { how: 'listen', lines: 5 });
  for (const line of heard) {
    assert.match(line, /INVALID_CONTEXT/);
    assert.ok(!line.includes(bob.openid) && !line.includes(alice.openid), line);
  }
  assert.equal((await bob.call('who', {})).openid, bob.openid);
});
