/** `@cloudbase/node-sdk` from outside: `runTransaction`, `startTransaction`, and many at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

for (const generation of nodeSdks) {
  test(`${generation} runs transactions`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const db = nodeSdk(server, generation).database();
    const _ = db.command;
    await db.createCollection('c');
    const c = db.collection('c');
    await c.add({ _id: 'a', n: 0 });
    const n = async () => (await c.doc('a').get()).data[0].n;

    await t.test('a callback and its result', async () => {
      const result = await db.runTransaction(async (/** @type {any} */ transaction) => {
        const one = transaction.collection('c').doc('a');
        const { data } = await one.get();
        const seen = data[0] ?? data;
        await one.update({ n: seen.n + 1 });
        const added = await transaction.collection('c').add({ _id: 'b', n: 5 });
        assert.equal(added.id, 'b');
        return seen.n;
      });
      assert.equal(result, 0);
      assert.equal(await n(), 1);
    });

    await t.test('a rollback with a reason', async () => {
      const reason = await refusal(
        db.runTransaction(async (/** @type {any} */ transaction) => {
          await transaction.collection('c').doc('a').update({ n: 100 });
          await transaction.rollback({ why: 'no' });
        }),
      );
      assert.deepEqual(reason, { why: 'no' });
      assert.equal(await n(), 1);
    });

    await t.test('a conflict has its code, and a transaction that ended is no more', async () => {
      const transaction = await db.startTransaction();
      const one = transaction.collection('c').doc('a');
      await one.get();
      await c.doc('a').update({ n: _.inc(1) });
      await one.update({ n: 50 });
      assert.equal((await refusal(transaction.commit())).code, 'DATABASE_TRANSACTION_CONFLICT');
      assert.equal((await refusal(transaction.commit())).code, 'DATABASE_REQUEST_FAILED');
      assert.equal((await refusal(one.get())).code, 'DATABASE_REQUEST_FAILED');
      assert.equal(await n(), 2);
    });

    await t.test('a query is part of what was read', async () => {
      const transaction = await db.startTransaction();
      const counted = await transaction
        .collection('c')
        .where({ n: _.gt(100) })
        .get();
      assert.deepEqual(counted.data, []);
      await c.add({ _id: 'phantom', n: 101 });
      await transaction.collection('c').doc('b').update({ n: 0 });
      assert.equal((await refusal(transaction.commit())).code, 'DATABASE_TRANSACTION_CONFLICT');
    });

    await t.test('increments by reading and writing are not lost', async () => {
      const before = await n();
      let done = 0;
      const increment = async () => {
        for (;;) {
          try {
            await db.runTransaction(async (/** @type {any} */ transaction) => {
              const one = transaction.collection('c').doc('a');
              const { data } = await one.get();
              await one.update({ n: (data[0] ?? data).n + 1 });
            });
            done += 1;
            return;
          } catch (error) {
            const { code } = /** @type {any} */ (error);
            assert.equal(code, 'DATABASE_TRANSACTION_CONFLICT');
          }
        }
      };
      await Promise.all(Array.from({ length: 12 }, increment));
      assert.equal(await n(), before + done);
    });
  });
}
