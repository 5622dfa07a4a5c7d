/** Envelopes by hand: the results of each dialect, and ids that are nobody else's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { jsSdk } from '../../harness/js-sdk.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { admin } from '../../harness/wire.mjs';

test('both dialects speak of transactions', async (t) => {
  const collections = { c: { acl: 'READONLY' }, own: {}, shut: { acl: 'ADMINONLY' } };
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const ask = async (/** @type {string} */ name, /** @type {object} */ params = {}) =>
    (await admin(server, { action: `database.${name}`, ...params })).body;
  const db = nodeSdk(server).database();

  await t.test('Family A: results stand beside the request id, as texts of EJSON', async () => {
    const { transactionId, requestId, ...rest } = await ask('startTransaction');
    assert.ok(transactionId && requestId);
    assert.deepEqual(rest, {});
    const inside = { collectionName: 'c', transactionId };
    const one = { ...inside, query: { _id: { $eq: 'x' } } };
    assert.equal((await ask('getInTransaction', one)).data, 'null');
    const added = await ask('insertDocInTransaction', { ...inside, _id: 'x', data: '{"n":1}' });
    assert.equal(added.inserted, '1');
    assert.equal(added.ok, '1');
    assert.equal(added._id, 'x');
    const found = await ask('getInTransaction', one);
    assert.deepEqual(JSON.parse(found.data), { _id: 'x', n: { $numberInt: '1' } });
    const inc = { ...one, data: '{"$inc":{"n":{"$numberInt":"2"}}}' };
    const updated = await ask('updateDocInTransaction', inc);
    assert.equal(updated.updated, '1');
    assert.equal(updated.upserted, undefined);
    const other = { ...inside, query: { _id: { $eq: 'y' } }, data: '{"n":9}', upsert: true };
    const upserted = await ask('updateDocInTransaction', other);
    assert.equal(upserted.updated, '0');
    assert.deepEqual(JSON.parse(upserted.upserted), [{ index: 0, _id: 'y' }]);
    assert.equal((await ask('deleteDocInTransaction', one)).deleted, '1');
    assert.deepEqual(Object.keys(await ask('commitTransaction', { transactionId })), ['requestId']);
    assert.deepEqual((await db.collection('c').get()).data, [{ _id: 'y', n: 9 }]);
  });

  await t.test('an id is nobody else’s, ends once, and must be one', async () => {
    const alice = await Caller.signIn(server, 'alice');
    const bob = await Caller.signIn(server, 'bob');
    const { transactionId } = await alice.raw('database.startTransaction', {});
    const commit = (/** @type {string} */ id) => ({ transactionId: id });
    const foreign = await refusal(bob.web('database.commitTransaction', commit(transactionId)));
    assert.equal(foreign.code, 'DATABASE_REQUEST_FAILED');
    const byKey = await ask('commitTransaction', commit(transactionId));
    assert.equal(byKey.code, 'DATABASE_REQUEST_FAILED');
    await alice.web('database.abortTransaction', commit(transactionId));
    const again = await refusal(alice.web('database.abortTransaction', commit(transactionId)));
    assert.match(again.text, /not open/);
    for (const id of ['', 'x', '00000000-00', transactionId.replace(/^./, 'z'), 'é-1']) {
      const refused = await ask('getDocument', { collectionName: 'c', transactionId: id });
      if (id === '') assert.ok(refused.data, 'no transaction');
      else assert.equal(refused.code, 'DATABASE_REQUEST_FAILED', id);
    }
    assert.equal((await ask('commitTransaction', {})).code, 'INVALID_PARAM');
    assert.equal((await ask('getInTransaction', { collectionName: 'c' })).code, 'INVALID_PARAM');
  });

  await t.test('a client is held to its permissions inside, and to ten at once', async () => {
    const carol = await Caller.signIn(server, 'carol');
    const { transactionId } = await carol.raw('database.startTransaction', {});
    const shut = { collectionName: 'shut', transactionId, query: { _id: { $eq: 'a' } } };
    const denied = await carol.raw('database.getInTransaction', shut);
    assert.equal(denied.code, 'DATABASE_PERMISSION_DENIED');
    const foreign = { collectionName: 'c', transactionId, query: { _id: { $eq: 'y' } } };
    const change = { ...foreign, data: '{"$set":{"n":0}}' };
    assert.equal((await carol.raw('database.updateDocInTransaction', change)).updated, '0');
    const mine = { collectionName: 'own', transactionId, data: '{"n":1}' };
    assert.equal((await carol.raw('database.insertDocInTransaction', mine)).inserted, '1');
    await carol.web('database.commitTransaction', { transactionId });
    const [document] = (await db.collection('own').get()).data;
    assert.equal(document._openid, carol.openid);
    const open = Array.from({ length: 11 }, () => carol.raw('database.startTransaction', {}));
    const codes = (await Promise.all(open)).map((reply) => reply.code).filter(Boolean);
    assert.deepEqual(codes, ['EXCEED_CONCURRENT_REQUEST_LIMIT']);
  });

  await t.test('the vendor’s client SDK', async () => {
    const app = jsSdk(server);
    await app.auth({ persistence: 'none' }).anonymousAuthProvider().signIn();
    const client = app.database();
    const result = await client.runTransaction(async (/** @type {any} */ transaction) => {
      const own = transaction.collection('own');
      await own.add({ _id: 'js', n: 1 });
      await own.doc('js').update({ n: 2 });
      return (await own.doc('js').get()).data.n;
    });
    assert.equal(result, 2);
    assert.equal((await db.collection('own').doc('js').get()).data[0].n, 2);
  });
});
