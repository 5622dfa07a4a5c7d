/** The literal `{openid}` in a client's condition and in its data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('{openid} stands for the caller', async (t) => {
  const yunkai = { collections: { rooms: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  const base = { collectionName: 'rooms' };
  for (const caller of [alice, bob]) {
    await caller.web('database.addDocument', {
      ...base,
      data: { left: { openid: '{openid}', score: 0 }, players: ['{openid}', 'x'], n: 1 },
    });
  }
  const db = nodeSdk(server).database();
  const { data } = await db.collection('rooms').where({ _openid: alice.openid }).get();
  assert.equal(data[0].left.openid, alice.openid);

  const find = async (/** @type {Caller} */ caller, /** @type {any} */ query) =>
    (await caller.web('database.queryDocument', { ...base, queryType: 'WHERE', query })).list;
  /** @type {[string, any, number][]} */
  const rows = [
    ['a literal', { _openid: '{openid}' }, 1],
    ['a nested path', { 'left.openid': '{openid}' }, 1],
    ['inside an operator', { 'left.openid': { $ne: '{openid}' } }, 1],
    ['inside $in', { _openid: { $in: ['{openid}', 'nobody'] } }, 1],
    ['inside $or', { $or: [{ _openid: '{openid}' }, { n: 5 }] }, 1],
    ['a part of a longer word is left alone', { _openid: 'x{openid}' }, 0],
  ];
  for (const [title, query, count] of rows) {
    await t.test(title, async () => {
      const list = await find(alice, query);
      assert.equal(list.length, count);
      if (title === 'a literal') assert.equal(list[0]._openid, alice.openid);
    });
  }
});
