/**
 * Depth, size, numbers, `_id` changes, unknown operators, exploding expressions and pipelines that
 * would hold everything: each refused with its code and its place, and nothing half written.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { admin } from '../../harness/wire.mjs';

const long = 'a'.repeat(40);

/** @type {[string, string, Record<string, unknown>, string, RegExp][]} */
const rows = [
  ['an unknown operator', 'getDocument', { query: '{"a.b":{"$no":1}}' }, 'OPERATOR', /\$no.*a\.b/],
  ['one at the top', 'getDocument', { query: '{"$no":1}' }, 'OPERATOR', /\$no/],
  ['one inside a logic', 'getDocument', { query: '{"$or":[{"a":{"$no":1}}]}' }, 'OPERATOR', /\$no/],
  ['an expression of text', 'getDocument', { query: '{"$text":{"$search":"x"}}' }, 'ANY', /\$text/],
  ['code', 'getDocument', { query: '{"$where":"1"}' }, 'OPERATOR', /\$where/],
  ['a pattern that is none', 'getDocument', { query: '{"a":{"$regex":"("}}' }, 'ANY', /\(|a/],
  [
    'an unknown change',
    'modifyDocument',
    { merge: true, data: '{"$no":{"a":1}}' },
    'OPERATOR',
    /\$no/,
  ],
  ['another _id', 'modifyDocument', { merge: true, data: '{"$set":{"_id":"z"}}' }, 'ANY', /_id/],
  ['no _id', 'modifyDocument', { merge: true, data: '{"$unset":{"_id":""}}' }, 'ANY', /_id/],
  [
    'an _id that grows',
    'modifyDocument',
    { merge: true, data: '{"$inc":{"_id":1}}' },
    'ANY',
    /_id/,
  ],
  [
    'an _id of another',
    'modifyDocument',
    { merge: false, data: '{"_id":"z","a":1}' },
    'ANY',
    /_id/,
  ],
  ['text that grows', 'modifyDocument', { merge: true, data: '{"$inc":{"s":1}}' }, 'ANY', /s/],
  [
    'two changes of one field',
    'modifyDocument',
    { merge: true, data: '{"$set":{"a":1,"a.b":2}}' },
    'ANY',
    /a/,
  ],
  ['an _id that is a list', 'insertDocument', { data: ['{"_id":[1]}'] }, 'ANY', /_id/],
  [
    'an _id that is an expression',
    'insertDocument',
    { data: ['{"_id":{"$regex":"a"}}'] },
    'ANY',
    /_id/,
  ],
  [
    'two of one _id',
    'insertDocument',
    { data: ['{"_id":"q"}', '{"_id":"q"}'] },
    'ANY',
    /duplicate key/,
  ],
  ['more than a thousand', 'insertDocument', { data: Array(1001).fill('{}') }, 'ANY', /1000/],
];

test('a query that asks too much is refused', async (t) => {
  const collections = { c: { acl: 'READONLY' } };
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const db = nodeSdk(server).database();
  const c = db.collection('c');
  const whole = { _id: 'd', s: 'text', a: { b: 1 } };
  await c.add(whole);

  for (const [title, action, params, code, words] of rows) {
    await t.test(title, async () => {
      const envelope = { action: `database.${action}`, collectionName: 'c', queryType: 'WHERE' };
      const query = action === 'modifyDocument' ? { query: '{"_id":"d"}' } : {};
      const { body } = await admin(server, { ...envelope, ...query, ...params });
      assert.ok(body.code, JSON.stringify(body));
      if (code === 'OPERATOR') assert.equal(body.code, 'DATABASE_INVALID_OPERRATOR');
      else assert.match(body.code, /^(DATABASE_|INVALID_PARAM$)/);
      assert.match(body.message, words);
    });
  }

  await t.test('nothing was written by any of them', async () => {
    assert.deepEqual((await c.get()).data, [whole]);
  });

  await t.test('an expression that explodes is given up', async () => {
    await c.add({ _id: 'long', text: `${long}!` });
    const query = JSON.stringify({ text: { $regex: '^(a|a?)+\\1$' } });
    const envelope = { action: 'database.getDocument', collectionName: 'c', query };
    const { body } = await admin(server, { ...envelope, queryType: 'WHERE' });
    assert.ok(body.code, JSON.stringify(body));
    assert.equal((await c.count()).total, 2, 'the server goes on');
    await c.doc('long').remove();
  });

  await t.test('a pipeline that holds everything is refused', async () => {
    const big = 'x'.repeat(1024 * 1024);
    const documents = Array.from({ length: 12 }, (_, n) => ({ _id: `big${n}`, big }));
    await c.add(documents);
    // Every document beside every other one: 12 × 12 MB in one place.
    const stages = [
      { $lookup: { from: 'c', pipeline: [], as: 'all' } },
      { $group: { _id: null, everything: { $push: '$$ROOT' } } },
    ];
    const envelope = { action: 'database.aggregateDocuments', collectionName: 'c', stages };
    const { body } = await admin(server, envelope);
    assert.ok(body.code, 'refused');
    assert.match(body.message, /\$group|\$lookup|memory|bytes/);
    for (const { _id } of documents) await c.doc(_id).remove();
  });

  await t.test('a client’s request has 512 KB, a server’s document 16 MB', async () => {
    const alice = await Caller.signIn(server, 'alice');
    const add = (/** @type {number} */ size) =>
      alice.web('database.addDocument', { collectionName: 'c', data: { text: 'x'.repeat(size) } });
    assert.ok((await add(500_000))._id);
    assert.equal((await refusal(add(600_000))).code, 'EXCEED_MAX_PAYLOAD_SIZE');
    assert.ok((await c.add({ text: 'x'.repeat(15 * 1024 * 1024) })).id);
    assert.ok((await refusal(c.add({ text: 'x'.repeat(17 * 1024 * 1024) }))).code);
  });

  await t.test('depth has an end', async () => {
    const nested = (/** @type {number} */ depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const add = async (/** @type {number} */ depth) =>
      (
        await admin(server, {
          action: 'database.insertDocument',
          collectionName: 'c',
          data: [nested(depth)],
        })
      ).body;
    assert.equal((await add(90)).data.insertedIds.length, 1);
    assert.ok((await add(101)).code);
  });
});
