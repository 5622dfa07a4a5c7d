/** Collections, server-only actions and match-all deletes are refused to clients. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('a client cannot do what is not for clients', async (t) => {
  const yunkai = { collections: { notes: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const db = nodeSdk(server).database();
  await alice.web('database.addDocument', { collectionName: 'notes', data: { a: 1 } });
  /** @type {[string, any][]} */
  const rows = [
    ['database.addCollection', { collectionName: 'fresh' }],
    ['database.deleteDocument', { collectionName: 'notes', queryType: 'WHERE', multi: true }],
    ['database.queryDocument', { collectionName: 'system.files', queryType: 'WHERE', query: {} }],
    ['auth.getUserInfoForAdmin', { uuid: 'x' }],
    ['wx.openApi', { apiName: 'wxacode.getUnlimited' }],
    ['no.such.action', {}],
    ['', {}],
  ];
  for (const [action, params] of rows) {
    await t.test(action || 'an empty action', async () => {
      const body = await alice.raw(action, params);
      assert.ok(body.code, `accepted: ${JSON.stringify(body)}`);
      assert.ok(body.message);
    });
  }
  assert.equal((await db.collection('notes').count()).total, 1);
  await assert.rejects(db.collection('fresh').get());
});
