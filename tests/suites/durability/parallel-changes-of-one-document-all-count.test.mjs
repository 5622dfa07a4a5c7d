/** Twenty parallel inc are +20, twenty parallel addToSet of one value are one element. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks, wxServerSdk } from '../../harness/vendor.mjs';

const twenty = Array.from({ length: 20 }, (_, n) => n);

test('parallel changes of one document all count', async (t) => {
  const yunkai = { collections: { c: { acl: 'ADMINONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const db = nodeSdk(server).database();
  const c = db.collection('c');
  /** @type {[string, any, (data: any) => any][]} */
  const clients = [
    ...nodeSdks.map((name) => {
      const client = nodeSdk(server, name).database();
      return /** @type {[string, any, any]} */ ([name, client, (/** @type {any} */ d) => d]);
    }),
    ['wx-server-sdk', wxServerSdk(server).database(), (data) => ({ data })],
  ];
  for (const [name, client, wrap] of clients) {
    const _ = client.command;
    const _id = name;
    await c.add({ _id, n: 0, set: [], list: [] });
    const document = client.collection('c').doc(_id);
    await t.test(`${name}: inc`, async () => {
      await Promise.all(twenty.map(() => document.update(wrap({ n: _.inc(1) }))));
      assert.equal((await c.doc(_id).get()).data[0].n, 20);
    });
    await t.test(`${name}: addToSet`, async () => {
      await Promise.all(twenty.map(() => document.update(wrap({ set: _.addToSet('one') }))));
      assert.deepEqual((await c.doc(_id).get()).data[0].set, ['one']);
    });
    await t.test(`${name}: push`, async () => {
      await Promise.all(twenty.map((n) => document.update(wrap({ list: _.push(n) }))));
      const { list } = (await c.doc(_id).get()).data[0];
      assert.deepEqual(
        [...list].sort((a, b) => a - b),
        twenty,
      );
    });
  }
  await t.test('one id is added once by twenty', async () => {
    const results = await Promise.allSettled(twenty.map((n) => c.add({ _id: 'lock', n })));
    const won = results.filter((one) => one.status === 'fulfilled');
    assert.equal(won.length, 1);
  });
  await t.test('twenty sets of one new id make one document', async () => {
    await Promise.all(twenty.map((n) => c.doc('set').set({ n })));
    assert.equal((await c.where({ _id: 'set' }).count()).total, 1);
  });
});
