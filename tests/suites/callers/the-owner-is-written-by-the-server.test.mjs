/** `_openid` comes from the token; a client can neither choose nor change it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('the owner of a document is written by the server', async (t) => {
  const yunkai = { collections: { notes: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  const notes = nodeSdk(server).database().collection('notes');
  const base = { collectionName: 'notes' };

  await t.test('at an insert', async () => {
    const { _id } = await alice.web('database.addDocument', { ...base, data: { text: 'x' } });
    const [one] = (await notes.doc(_id).get()).data;
    assert.deepEqual(one, { _id, text: 'x', _openid: alice.openid });
  });
  await t.test('at a set that makes the document', async () => {
    await alice.web('database.updateDocument', {
      ...base,
      queryType: 'DOC',
      query: { _id: 'made' },
      data: { text: 'y' },
      multi: false,
      merge: false,
      upsert: true,
    });
    const [one] = (await notes.doc('made').get()).data;
    assert.deepEqual(one, { _id: 'made', text: 'y', _openid: alice.openid });
  });
  await t.test('a set keeps the owner', async () => {
    await alice.web('database.updateDocument', {
      ...base,
      queryType: 'DOC',
      query: { _id: 'made' },
      data: { text: 'z' },
      multi: false,
      merge: false,
      upsert: true,
    });
    const [one] = (await notes.doc('made').get()).data;
    assert.deepEqual(one, { _id: 'made', text: 'z', _openid: alice.openid });
  });
  await t.test('a client that names an owner is refused', async () => {
    for (const owner of [bob.openid, alice.openid]) {
      const data = { _id: `named ${owner}`, _openid: owner };
      const error = await refusal(alice.web('database.addDocument', { ...base, data }));
      assert.equal(error.code, 'DATABASE_PERMISSION_DENIED');
      assert.deepEqual((await notes.doc(data._id).get()).data, []);
    }
  });
  /** @type {[string, any][]} */
  const changes = [
    ['$set', { $set: { _openid: bob.openid } }],
    ['$unset', { $unset: { _openid: '' } }],
    ['$rename', { $rename: { _openid: 'was' } }],
    ['a path into it', { $set: { '_openid.x': 1 } }],
  ];
  for (const [title, data] of changes) {
    await t.test(`a client cannot change the owner by ${title}`, async () => {
      const change = alice.web('database.updateDocument', {
        ...base,
        queryType: 'DOC',
        query: { _id: 'made' },
        data,
        multi: false,
        merge: true,
        upsert: false,
      });
      assert.ok((await refusal(change)).code);
      assert.equal((await notes.doc('made').get()).data[0]._openid, alice.openid);
    });
  }
  await t.test('an administrator writes what it likes', async () => {
    await notes.add({ _id: 'gift', _openid: bob.openid });
    assert.equal((await notes.doc('gift').get()).data[0]._openid, bob.openid);
    await notes.add({ _id: 'bare' });
    assert.deepEqual((await notes.doc('bare').get()).data, [{ _id: 'bare' }]);
  });
});
