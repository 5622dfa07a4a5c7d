/** orderBy, skip, limit and field, alone and together, and the limits when none is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/** @param {any} result */
const ids = (result) => result.data.map((/** @type {any} */ one) => one._id);

test('a page of documents', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const db = nodeSdk(server).database();
  const _ = db.command;
  await db.createCollection('pages');
  const c = db.collection('pages');
  const documents = Array.from({ length: 130 }, (_none, n) => ({
    _id: `p${String(n).padStart(3, '0')}`,
    n,
    odd: n % 2,
    o: { a: n, b: -n },
    list: [n, n + 1],
  }));
  await c.add(documents);

  await t.test('the limit of a server SDK is 100 when none is given', async () => {
    assert.equal((await c.get()).data.length, 100);
  });
  await t.test('a limit up to 1000 is honoured', async () => {
    assert.equal((await c.limit(1000).get()).data.length, 130);
    assert.equal((await c.limit(7).get()).data.length, 7);
  });
  await t.test('descending', async () => {
    const page = await c.orderBy('n', 'desc').limit(3).get();
    assert.deepEqual(ids(page), ['p129', 'p128', 'p127']);
  });
  await t.test('two keys, the first one first', async () => {
    const page = await c.orderBy('odd', 'desc').orderBy('n', 'asc').limit(3).get();
    assert.deepEqual(ids(page), ['p001', 'p003', 'p005']);
    const other = await c.orderBy('odd', 'asc').orderBy('n', 'desc').limit(3).get();
    assert.deepEqual(ids(other), ['p128', 'p126', 'p124']);
  });
  await t.test('a nested key', async () => {
    assert.deepEqual(ids(await c.orderBy('o.b', 'asc').limit(2).get()), ['p129', 'p128']);
  });
  await t.test('skip and limit', async () => {
    const page = await c.orderBy('n', 'asc').skip(10).limit(2).get();
    assert.deepEqual(ids(page), ['p010', 'p011']);
    assert.deepEqual(ids(await c.orderBy('n', 'asc').skip(129).get()), ['p129']);
    assert.deepEqual(ids(await c.orderBy('n', 'asc').skip(500).get()), []);
  });
  await t.test('where, orderBy, skip, limit and field together', async () => {
    const query = c
      .where({ n: _.gt(100), odd: 1 })
      .orderBy('n', 'desc')
      .skip(1)
      .limit(2);
    const page = await query.field({ n: true }).get();
    assert.deepEqual(page.data, [
      { _id: 'p127', n: 127 },
      { _id: 'p125', n: 125 },
    ]);
  });
  const first = c.where({ _id: 'p001' });
  await t.test('field keeps what is named', async () => {
    const { data } = await first.field({ n: true, 'o.a': true }).get();
    assert.deepEqual(data, [{ _id: 'p001', n: 1, o: { a: 1 } }]);
  });
  await t.test('field drops what is refused', async () => {
    const { data } = await first.field({ o: false, list: false }).get();
    assert.deepEqual(data, [{ _id: 'p001', n: 1, odd: 1 }]);
  });
  await t.test('field can drop the id', async () => {
    const { data } = await first.field({ _id: false, n: true }).get();
    assert.deepEqual(data, [{ n: 1 }]);
  });
  await t.test('field can cut an array', async () => {
    const { data } = await first.field({ list: _.project.slice(1) }).get();
    assert.deepEqual(data[0].list, [1]);
  });
  await t.test('count takes no notice of limit', async () => {
    assert.equal((await c.where({ odd: 1 }).count()).total, 65);
  });
});
