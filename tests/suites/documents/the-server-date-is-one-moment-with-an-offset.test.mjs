/** `serverDate` is set by the server, once per operation, and an offset is added to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

const hour = 3_600_000;

for (const generation of nodeSdks) {
  test(`serverDate through ${generation}`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const db = nodeSdk(server, generation).database();
    await db.createCollection('times');
    const c = db.collection('times');
    const before = Date.now();
    const { id } = await c.add({
      now: db.serverDate(),
      later: db.serverDate({ offset: hour }),
      list: [{ earlier: db.serverDate({ offset: -hour }) }],
    });
    const after = Date.now();
    const [one] = (await c.doc(id).get()).data;
    assert.ok(one.now instanceof Date);
    // One machine, one clock; a second of tolerance is for a clock that is being corrected.
    assert.ok(before - 1000 <= one.now.getTime() && one.now.getTime() <= after + 1000);
    assert.equal(one.later - one.now, hour);
    assert.equal(one.now - one.list[0].earlier, hour);

    await c.doc(id).update({ changed: db.serverDate(), o: { deep: db.serverDate({ offset: 1 }) } });
    const [changed] = (await c.doc(id).get()).data;
    assert.equal(changed.o.deep - changed.changed, 1);
    assert.ok(changed.changed >= changed.now);

    const _ = db.command;
    const recent = await c.where({ now: _.gt(db.serverDate({ offset: -hour })) }).count();
    assert.equal(recent.total, 1);
    const future = await c.where({ now: _.gt(db.serverDate({ offset: hour })) }).count();
    assert.equal(future.total, 0);
  });
}

test('serverDate of a client, in Family A', async (t) => {
  const yunkai = { collections: { times: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const { _id } = await alice.web('database.addDocument', {
    collectionName: 'times',
    data: { now: { $date: { offset: 0 } }, later: { $date: { offset: hour } } },
  });
  const { list } = await alice.web('database.queryDocument', {
    collectionName: 'times',
    queryType: 'DOC',
    query: { _id },
  });
  assert.equal(list[0].later.$date - list[0].now.$date, hour);
});
