/** A project as WeChat DevTools lays it out, with its `config.json` files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { copyOf } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';

test('a project in the layout of WeChat DevTools is served', async (t) => {
  const { dir } = await copyOf(t, 'devtools');
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  const login = await caller.call('login', { x: 1 });
  assert.equal(login.openid, caller.openid);
  assert.equal(login.appid, appId);
  assert.equal(login.event.x, 1);
  const quick = await caller.call('quickstart', { type: 'getOpenId' });
  assert.deepEqual(quick, { openid: caller.openid, appid: appId });
  assert.deepEqual(await caller.call('quickstart', { type: 'time' }), { limit: 7000 });
  assert.equal(await caller.call('quickstart', { type: 'other' }), null);
});
