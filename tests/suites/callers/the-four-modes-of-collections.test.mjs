/**
 * READONLY, PRIVATE, ADMINWRITE, ADMINONLY: read, create, update and delete of a client, on its
 * own document and on another one's, over `/web` in Family A.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/** @type {{ acl: string, reads: 'all' | 'own' | 'none', writes: boolean }[]} */
const modes = [
  { acl: 'READONLY', reads: 'all', writes: true },
  { acl: 'PRIVATE', reads: 'own', writes: true },
  { acl: 'ADMINWRITE', reads: 'all', writes: false },
  { acl: 'ADMINONLY', reads: 'none', writes: false },
];

test('the four modes of collections', async (t) => {
  const collections = Object.fromEntries(modes.map(({ acl }) => [acl.toLowerCase(), { acl }]));
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  const db = nodeSdk(server).database();

  for (const { acl, reads, writes } of modes) {
    const collectionName = acl.toLowerCase();
    const collection = db.collection(collectionName);
    await collection.add([
      { _id: 'a', _openid: alice.openid, n: 1 },
      { _id: 'b', _openid: bob.openid, n: 1 },
      { _id: 'nobody', n: 1 },
    ]);
    /** @type {(caller: Caller, action: string, params: any) => Promise<any>} */
    const send = (caller, action, params) =>
      caller.web(`database.${action}`, { collectionName, ...params });
    const denied = async (/** @type {Promise<any>} */ promise) =>
      assert.equal((await refusal(promise)).code, 'DATABASE_PERMISSION_DENIED');
    /** @type {Record<string, string[]>} */
    const visible = { all: ['a', 'b', 'nobody'], own: ['a'], none: [] };

    await t.test(`${acl}: read`, async () => {
      const all = { queryType: 'WHERE', query: {}, order: [{ field: '_id', direction: 'asc' }] };
      if (reads === 'none') {
        await denied(send(alice, 'queryDocument', all));
        await denied(send(alice, 'countDocument', all));
        await denied(send(alice, 'queryDocument', { queryType: 'DOC', query: { _id: 'a' } }));
        return;
      }
      const { list } = await send(alice, 'queryDocument', all);
      assert.deepEqual(
        list.map((/** @type {any} */ one) => one._id),
        visible[reads],
      );
      assert.equal((await send(alice, 'countDocument', all)).total, visible[reads].length);
      for (const _id of ['a', 'b', 'nobody']) {
        const found = await send(alice, 'queryDocument', { queryType: 'DOC', query: { _id } });
        assert.equal(found.list.length, visible[reads].includes(_id) ? 1 : 0, _id);
      }
      const pinned = { queryType: 'WHERE', query: { _openid: bob.openid } };
      const foreign = await send(alice, 'queryDocument', pinned);
      assert.equal(foreign.list.length, reads === 'all' ? 1 : 0);
    });
    await t.test(`${acl}: create`, async () => {
      const added = send(alice, 'addDocument', { data: { _id: 'new', n: 1 } });
      if (!writes) return denied(added);
      await added;
      const [one] = (await collection.doc('new').get()).data;
      assert.equal(one._openid, alice.openid);
      await collection.doc('new').remove();
    });
    const update = (/** @type {any} */ query, /** @type {string} */ queryType) =>
      send(alice, 'updateDocument', {
        queryType,
        query,
        data: { $inc: { n: 1 } },
        multi: queryType === 'WHERE',
        merge: true,
        upsert: false,
      });
    await t.test(`${acl}: update`, async () => {
      if (!writes) {
        await denied(update({ _id: 'a' }, 'DOC'));
        await denied(update({}, 'WHERE'));
      } else {
        assert.equal((await update({ _id: 'a' }, 'DOC')).updated, 1);
        assert.equal((await update({ _id: 'b' }, 'DOC')).updated, 0);
        assert.equal((await update({ _id: 'nobody' }, 'DOC')).updated, 0);
        assert.equal((await update({ n: { $gte: 0 } }, 'WHERE')).updated, 1);
      }
      const { data } = await collection.orderBy('_id', 'asc').get();
      assert.deepEqual(
        data.map((/** @type {any} */ one) => one.n),
        [writes ? 3 : 1, 1, 1],
      );
    });
    await t.test(`${acl}: set over a foreign document`, async () => {
      const set = send(alice, 'updateDocument', {
        queryType: 'DOC',
        query: { _id: 'b' },
        data: { stolen: true },
        multi: false,
        merge: false,
        upsert: true,
      });
      await set.catch(() => undefined);
      const [b] = (await collection.doc('b').get()).data;
      assert.deepEqual(b, { _id: 'b', _openid: bob.openid, n: 1 });
    });
    await t.test(`${acl}: delete`, async () => {
      const remove = (/** @type {any} */ query, /** @type {string} */ queryType) =>
        send(alice, 'deleteDocument', { queryType, query, multi: queryType === 'WHERE' });
      if (!writes) {
        await denied(remove({ _id: 'a' }, 'DOC'));
        await denied(remove({ n: { $gte: 0 } }, 'WHERE'));
        assert.equal((await collection.count()).total, 3);
        return;
      }
      assert.equal((await remove({ _id: 'b' }, 'DOC')).deleted, 0);
      assert.equal((await remove({ n: { $gte: 0 } }, 'WHERE')).deleted, 1);
      const { data } = await collection.orderBy('_id', 'asc').get();
      assert.deepEqual(
        data.map((/** @type {any} */ one) => one._id),
        ['b', 'nobody'],
      );
    });
  }
});

test('a collection that nobody described is the creator’s alone', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  await nodeSdk(server).database().createCollection('plain');
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  const plain = { collectionName: 'plain' };
  await alice.web('database.addDocument', { ...plain, data: { a: 1 } });
  const query = { ...plain, queryType: 'WHERE', query: {} };
  assert.equal((await alice.web('database.queryDocument', query)).list.length, 1);
  assert.deepEqual((await bob.web('database.queryDocument', query)).list, []);
});
