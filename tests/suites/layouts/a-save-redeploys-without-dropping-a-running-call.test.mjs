/** Saving a file changes the answer of the next call; a call that is running ends as it began. */
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/**
 * A function that answers its version, at once or when the gate in the database opens.
 * @param {string} version
 */
const source = (version) => `const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
exports.main = async ({ wait }) => {
  if (!wait) return { version: '${version}' };
  await db.collection('gates').add({ data: { _id: 'inside' } });
  for (;;) {
    const { total } = await db.collection('gates').where({ _id: 'open' }).count();
    if (total > 0) return { version: '${version}' };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
`;

test('a save redeploys without dropping a running call', async (t) => {
  const made = await project(t, {
    yunkai: {
      collections: { gates: { acl: 'ADMINONLY' } },
      functions: { version: { timeout: 60 } },
    },
  });
  const manifest = { name: 'version', dependencies: { 'wx-server-sdk': 'latest' } };
  await made.write('cloudfunctions/version/package.json', JSON.stringify(manifest));
  await made.write('cloudfunctions/version/index.js', source('old'));
  const server = await serve(t, made.dir);
  const db = nodeSdk(server).database();
  const caller = await Caller.signIn(server, 'alice');
  assert.deepEqual(await caller.call('version', {}), { version: 'old' });

  const running = caller.call('version', { wait: true });
  await eventually('the long call is inside', async () => {
    return (await db.collection('gates').where({ _id: 'inside' }).count()).total === 1;
  });
  await made.write('cloudfunctions/version/index.js', source('new'));
  await eventually('the new answer', async () => {
    return (await caller.call('version', {})).version === 'new';
  });
  await db.collection('gates').add({ _id: 'open' });
  assert.deepEqual(await running, { version: 'old' });

  await t.test('an editor that writes a new file and renames it', async () => {
    await made.write('cloudfunctions/version/index.js.swp', source('renamed'));
    const folder = path.join(made.dir, 'cloudfunctions', 'version');
    await rename(path.join(folder, 'index.js.swp'), path.join(folder, 'index.js'));
    await eventually('the renamed answer', async () => {
      return (await caller.call('version', {})).version === 'renamed';
    });
  });
  await t.test('a new function folder is served', async () => {
    await made.addFunction('late', 'counter');
    await eventually('it answers', async () => (await caller.call('late')).calls > 0);
  });
  await t.test('a removed function folder is not', async () => {
    await made.remove('cloudfunctions/late');
    await eventually('it is gone', async () => {
      const error = await refusal(caller.call('late'));
      return /NOT_FOUND|REQUEST_FAIL/.test(error.code);
    });
  });
});
