/** Every kind of value a document can hold, through both generations of the node SDK. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

/** @type {[string, any, any?][]} title, value, and what comes back when it differs */
const rows = [
  ['zero', 0],
  ['a negative integer', -5],
  ['the largest 32-bit integer', 2 ** 31 - 1],
  ['the smallest 32-bit integer', -(2 ** 31)],
  ['an integer beyond 32 bits', 2 ** 40],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['a time stamp in milliseconds', 1795161344000],
  ['a fraction', 1.5],
  ['a small fraction', 1e-7],
  ['a large double', 1e21],
  ['infinity', Number.POSITIVE_INFINITY],
  ['not a number', Number.NaN],
  ['a string', 'text'],
  ['an empty string', ''],
  ['Chinese, emoji and controls', '照片📷\u0000\n\t"\\/'],
  ['true', true],
  ['null', null],
  ['a date', new Date('2024-02-29T12:34:56.789Z')],
  ['a date before 1970', new Date(-86400000)],
  ['an array', [1, 'two', null, [3]]],
  ['an empty array', []],
  ['an object', { a: { b: { c: [{ d: 1 }] } } }],
  ['an empty object', {}],
  ['an object without its undefined', { a: 1, b: undefined }, { a: 1 }],
  ['a key with spaces and Chinese', { 'a key': 1, 键: 2 }],
];

for (const generation of nodeSdks) {
  test(`values come back as they went through ${generation}`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const db = nodeSdk(server, generation).database();
    await db.createCollection('values');
    for (const [title, value, back = value] of rows) {
      await t.test(title, async () => {
        const { id } = await db.collection('values').add({ value, in: { deep: [value] } });
        const { data } = await db.collection('values').doc(id).get();
        assert.deepEqual(data, [{ _id: id, value: back, in: { deep: [back] } }]);
      });
    }
    await t.test('the order of fields', async () => {
      const document = { z: 1, a: 2, m: { y: 1, b: 2 } };
      const { id } = await db.collection('values').add(document);
      const { data } = await db.collection('values').doc(id).get();
      const { _id, ...rest } = data[0];
      assert.equal(JSON.stringify(rest), JSON.stringify(document));
    });
    await t.test('a number as id', async () => {
      await db.collection('values').add({ _id: 42, by: 'number' });
      const { data } = await db.collection('values').where({ _id: 42 }).get();
      assert.deepEqual(data, [{ _id: 42, by: 'number' }]);
      assert.deepEqual((await db.collection('values').where({ _id: '42' }).get()).data, []);
    });
  });
}
