/** A project as the CloudBase CLI lays it out: handler, timeout, memory, variables. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { copyPackage } from '../../harness/modules.mjs';
import { copyOf } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('a project in the layout of the CloudBase CLI is served', async (t) => {
  const { dir } = await copyOf(t, 'cli');
  // The package travels with the function, as it does after `npm install` in its folder.
  const modules = path.join(dir, 'functions', 'hello', 'node_modules');
  await copyPackage('node-sdk-3', modules, '@cloudbase/node-sdk');
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  const settings = await caller.call('settings', { a: 1 });
  assert.equal(settings.colour, '红');
  assert.equal(settings.size, '10');
  assert.equal(settings.limit, 9000);
  assert.equal(settings.memory, 128);
  assert.equal(settings.event.a, 1);
  const hello = await caller.call('hello', { name: '云开' });
  assert.equal(hello.by, '云开');
  assert.equal(hello.limit, 5000);
  assert.equal(hello.user.openId, caller.openid);
});
