/** Transactions inside functions with the vendor's SDKs: shapes, retries, rollbacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`a function commits all or nothing with wx-server-sdk ${range}`, async (t) => {
    const { dir } = await project(t, { functions: { ledger: { from: 'ledger', sdk: range } } });
    const server = await serve(t, dir);
    const alice = await Caller.signIn(server, 'alice');
    const db = nodeSdk(server).database();
    await db.createCollection('accounts');
    await db.collection('accounts').add([
      { _id: 'a', balance: 100 },
      { _id: 'b', balance: 0 },
    ]);
    const account = async (/** @type {string} */ id) =>
      (await db.collection('accounts').doc(id).get()).data[0];

    await t.test('results have their usual shapes', async () => {
      const seen = await alice.call('ledger', { step: 'shapes' });
      assert.deepEqual(seen.get.data, { _id: 'old', n: 1, tag: 'x' });
      assert.equal(seen.get.errMsg, 'document.get:ok');
      assert.equal(seen.add._id, 'new');
      assert.equal(seen.add.errMsg, 'collection.add:ok');
      assert.deepEqual(seen.update.stats, { updated: 1 });
      // The vendor's SDK forgets inside a transaction that a document was made.
      assert.deepEqual(seen.set.stats, { updated: 0, created: 0 });
      assert.deepEqual(
        seen.where.data.map((/** @type {any} */ one) => one._id),
        ['third', 'new', 'old'],
      );
      // The vendor's SDK counts outside of the transaction.
      assert.equal(seen.count.total, 0);
      assert.deepEqual(seen.remove.stats, { removed: 1 });
      assert.equal(seen.outside.total, 1, 'nobody outside sees anything before the commit');
      assert.match(seen.missing.error, /does not exist/);
      assert.deepEqual(seen.after.data, [
        { _id: 'old', n: 2, tag: 'x' },
        { _id: 'third', n: 3, tag: 'x' },
      ]);
    });

    await t.test('a transfer, and one that is rolled back with a reason', async () => {
      const done = await alice.call('ledger', { step: 'transfer', from: 'a', to: 'b', amount: 30 });
      assert.deepEqual(done, { left: 70 });
      const refused = { step: 'transfer', from: 'a', to: 'b', amount: 300 };
      assert.deepEqual(await alice.call('ledger', refused), { thrown: 'not enough' });
      assert.equal((await account('a')).balance, 70);
      assert.equal((await account('b')).balance, 30);
    });

    await t.test('a conflict is tried again by the SDK', async () => {
      assert.deepEqual(await alice.call('ledger', { step: 'retried' }), {
        runs: 2,
        result: 'done',
      });
      assert.equal((await account('a')).note, 'meanwhile');
    });

    await t.test('an error inside keeps nothing', async () => {
      const { outcome, after } = await alice.call('ledger', { step: 'thrown' });
      assert.match(JSON.stringify(outcome.error), /the shop is closed/);
      assert.equal(after.broken, undefined);
    });

    await t.test('a rollback keeps nothing', async () => {
      assert.equal((await alice.call('ledger', { step: 'rolledBack' })).broken, undefined);
    });

    await t.test('twenty transfers at once keep the sum', async () => {
      const transfer = async () => {
        // The SDK tries four times; a busy account may need more.
        for (;;) {
          const event = { step: 'transfer', from: 'b', to: 'a', amount: 1 };
          const outcome = await alice.call('ledger', event);
          if (outcome.left !== undefined) return;
          assert.match(JSON.stringify(outcome.thrown), /conflict/i);
        }
      };
      await Promise.all(Array.from({ length: 20 }, transfer));
      assert.equal((await account('a')).balance, 90);
      assert.equal((await account('b')).balance, 10);
    });
  });
}
