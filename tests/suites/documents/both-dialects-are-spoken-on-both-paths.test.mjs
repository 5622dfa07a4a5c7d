/** Family A and Family B, on `/admin` and on `/web`: the reply has the shape of its action. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { admin } from '../../harness/wire.mjs';

test('both dialects are spoken on both paths', async (t) => {
  const yunkai = { collections: { c: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const caller = await Caller.signIn(server, 'alice');

  /** @type {[string, (action: string, params: any) => Promise<any>][]} */
  const paths = [
    ['/admin', async (action, params) => (await admin(server, { action, ...params })).body],
    ['/web', (action, params) => caller.raw(action, params)],
  ];
  for (const [path, send] of paths) {
    await t.test(`Family A on ${path}`, async () => {
      const added = await send('database.addDocument', {
        collectionName: 'c',
        data: { n: 1, at: { $date: 86400000 }, path, family: 'A' },
      });
      const _id = added.data?._id;
      assert.ok(_id, JSON.stringify(added));
      const found = await send('database.queryDocument', {
        collectionName: 'c',
        queryType: 'WHERE',
        query: { path, family: 'A', n: { $gte: 1 } },
        order: [{ field: 'n', direction: 'desc' }],
        projection: { n: 1, at: 1 },
        limit: 5,
        offset: 0,
      });
      assert.deepEqual(found.data.list, [{ _id, n: 1, at: { $date: 86400000 } }]);
      const counted = await send('database.countDocument', {
        collectionName: 'c',
        queryType: 'WHERE',
        query: { path, family: 'A' },
      });
      assert.equal(counted.data.total, 1);
      const updated = await send('database.updateDocument', {
        collectionName: 'c',
        queryType: 'DOC',
        query: { _id },
        data: { $inc: { n: 1 } },
        multi: false,
        merge: true,
        upsert: false,
      });
      assert.equal(updated.data.updated, 1);
      const deleted = await send('database.deleteDocument', {
        collectionName: 'c',
        queryType: 'DOC',
        query: { _id },
        multi: false,
      });
      assert.equal(deleted.data.deleted, 1);
    });
    await t.test(`Family B on ${path}`, async () => {
      const document = { n: { $numberInt: '1' }, at: { $date: { $numberLong: '86400000' } } };
      const added = await send('database.insertDocument', {
        collectionName: 'c',
        data: [JSON.stringify({ ...document, path, family: 'B' })],
      });
      const [_id] = added.data?.insertedIds ?? [];
      assert.ok(_id, JSON.stringify(added));
      const found = await send('database.getDocument', {
        collectionName: 'c',
        queryType: 'WHERE',
        query: JSON.stringify({ path, family: 'B', n: { $gte: { $numberInt: '1' } } }),
        order: JSON.stringify({ n: { $numberInt: '-1' } }),
        projection: JSON.stringify({ n: 1, at: 1 }),
        limit: 5,
      });
      assert.deepEqual(
        found.data.list.map((/** @type {string} */ text) => JSON.parse(text)),
        [{ _id, ...document }],
      );
      const counted = await send('database.calculateDocument', {
        collectionName: 'c',
        queryType: 'WHERE',
        query: JSON.stringify({ path, family: 'B' }),
      });
      assert.equal(counted.data.total, 1);
      const updated = await send('database.modifyDocument', {
        collectionName: 'c',
        queryType: 'DOC',
        query: JSON.stringify({ _id }),
        data: JSON.stringify({ $inc: { n: { $numberInt: '1' } } }),
        multi: false,
        merge: true,
        upsert: false,
      });
      assert.equal(updated.data.updated, 1);
      const removed = await send('database.removeDocument', {
        collectionName: 'c',
        queryType: 'DOC',
        query: JSON.stringify({ _id }),
        multi: false,
      });
      assert.equal(removed.data.deleted, 1);
    });
  }
});
