/** What `wx-server-sdk` hands to a function after each operation, to the letter of `errMsg`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`result shapes of wx-server-sdk ${range}`, async (t) => {
    const { dir } = await project(t, { functions: { shapes: { from: 'shapes', sdk: range } } });
    const caller = await Caller.signIn(await serve(t, dir), 'alice');
    const seen = await caller.call('shapes');
    const epoch = new Date(0).toISOString();
    const { requestId, ...created } = seen.createCollection;
    assert.equal(typeof requestId, 'string');
    assert.deepEqual(created, { errMsg: 'createCollection:ok' });
    assert.deepEqual(seen.add, { _id: 'one', errMsg: 'collection.add:ok' });
    assert.match(seen.addWithoutId._id, /^[0-9a-f]{32}$/);
    assert.deepEqual(seen.get, {
      data: [{ _id: 'one', n: 1, at: epoch }],
      errMsg: 'collection.get:ok',
    });
    assert.equal(seen.dateIsDate, true);
    assert.deepEqual(seen.docGet, {
      data: { _id: 'one', n: 1, at: epoch },
      errMsg: 'document.get:ok',
    });
    assert.deepEqual(seen.count, { total: 2, errMsg: 'collection.count:ok' });
    assert.deepEqual(seen.update, { stats: { updated: 1 }, errMsg: 'document.update:ok' });
    assert.deepEqual(seen.updateNothing, { stats: { updated: 0 }, errMsg: 'document.update:ok' });
    assert.deepEqual(seen.updateWhere, { stats: { updated: 2 }, errMsg: 'collection.update:ok' });
    const set = { _id: 'two', errMsg: 'document.set:ok' };
    assert.deepEqual(seen.setNew, { ...set, stats: { updated: 0, created: 1 } });
    assert.deepEqual(seen.setOld, { ...set, stats: { updated: 1, created: 0 } });
    assert.deepEqual(seen.afterSet.data, { _id: 'two', b: 2 });
    assert.deepEqual(seen.remove, { stats: { removed: 1 }, errMsg: 'document.remove:ok' });
    assert.deepEqual(seen.removeNothing, { stats: { removed: 0 }, errMsg: 'document.remove:ok' });
    assert.deepEqual(seen.removeWhere, { stats: { removed: 2 }, errMsg: 'collection.remove:ok' });
    assert.equal(seen.missing.errCode, -1);
    assert.match(seen.missing.errMsg, /^document\.get:fail .*nobody does not exist/);
    assert.deepEqual(seen.missingGently, { data: null, errMsg: 'document.get:ok' });
  });
}
