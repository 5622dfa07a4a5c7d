/** What `@cloudbase/node-sdk` hands to its user after each operation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

for (const generation of nodeSdks) {
  test(`result shapes of ${generation}`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const db = nodeSdk(server, generation).database();
    const _ = db.command;
    await db.createCollection('shapes');
    const c = db.collection('shapes');

    const one = await c.add({ _id: 'one', n: 1, at: new Date(0) });
    assert.equal(one.id, 'one');
    assert.equal(typeof one.requestId, 'string');
    const made = await c.add({ n: 2 });
    assert.match(made.id, /^[0-9a-f]{32}$/);
    const several = await c.add([{ n: 3 }, { _id: 'four', n: 4 }]);
    assert.equal(several.ids.length, 2);
    assert.match(several.ids[0], /^[0-9a-f]{32}$/);
    assert.equal(several.ids[1], 'four');

    const document = await c.doc('one').get();
    assert.deepEqual(document.data, [{ _id: 'one', n: 1, at: new Date(0) }]);
    assert.deepEqual((await c.doc('nobody').get()).data, []);
    assert.deepEqual((await c.where({ n: 99 }).get()).data, []);
    assert.equal((await c.count()).total, 4);

    assert.equal((await c.doc('one').update({ n: 1 })).updated, 0);
    assert.equal((await c.doc('one').update({ n: 9 })).updated, 1);
    assert.equal((await c.doc('nobody').update({ n: 9 })).updated, 0);
    assert.equal((await c.where({ n: _.gte(3) }).update({ m: 1 })).updated, 3);

    const created = await c.doc('two').set({ a: 1 });
    assert.equal(created.upsertedId, 'two');
    const replaced = await c.doc('two').set({ b: 2 });
    assert.equal(replaced.updated, 1);
    assert.ok(!replaced.upsertedId);
    assert.deepEqual((await c.doc('two').get()).data, [{ _id: 'two', b: 2 }]);

    assert.equal((await c.doc('two').remove()).deleted, 1);
    assert.equal((await c.doc('two').remove()).deleted, 0);
    assert.equal((await c.where({ m: 1 }).remove()).deleted, 3);
    assert.equal((await c.count()).total, 1);
  });
}
