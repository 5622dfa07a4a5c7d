/** Collections named in `yunkai.json` are made at deploy, and a saved `yunkai.json` adds more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('collections of yunkai.json exist with their modes', async (t) => {
  const first = { collections: { open: { acl: 'READONLY' }, shut: { acl: 'ADMINONLY' }, own: {} } };
  const made = await project(t, { yunkai: first });
  const server = await serve(t, made.dir);
  const db = nodeSdk(server).database();
  for (const name of ['open', 'shut', 'own']) {
    assert.equal((await db.collection(name).count()).total, 0);
  }
  const caller = await Caller.signIn(server, 'alice');
  const count = (/** @type {string} */ collectionName) =>
    caller.web('database.countDocument', { collectionName, queryType: 'WHERE', query: {} });
  assert.equal((await count('open')).total, 0);
  assert.equal((await refusal(count('shut'))).code, 'DATABASE_PERMISSION_DENIED');

  const more = { collections: { ...first.collections, shut: { acl: 'READONLY' }, later: {} } };
  await made.write('yunkai.json', JSON.stringify(more));
  await eventually('the new collection exists', async () => {
    return (await db.collection('later').count()).total === 0;
  });
  await eventually('the changed mode holds', async () => (await count('shut')).total === 0);
});
