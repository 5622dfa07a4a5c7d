/** A simulated user keeps the openid: at the next sign-in, after a restart, in a new directory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';

test('the same name is the same openid for ever', async (t) => {
  const { dir } = await project(t);
  const server = await serve(t, dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  assert.ok(alice.openid.length >= 20, alice.openid);
  assert.notEqual(alice.openid, bob.openid);
  assert.equal((await Caller.signIn(server, 'alice')).openid, alice.openid);

  const profile = await alice.profile();
  assert.ok(profile.sub);
  assert.deepEqual(
    profile.providers.map((/** @type {any} */ one) => one.id),
    [appId],
  );
  assert.equal((await (await Caller.signIn(server, 'alice')).profile()).sub, profile.sub);

  await server.stop();
  await server.start();
  assert.equal((await Caller.signIn(server, 'alice')).openid, alice.openid);
  assert.equal((await alice.profile()).sub, profile.sub, 'the old token still holds');

  const other = await serve(t, dir);
  assert.equal((await Caller.signIn(other, 'alice')).openid, alice.openid);
  assert.equal((await Caller.signIn(other, '阿丽')).openid.length > 0, true);
});
