/** `wx-server-sdk` inside a function: the habits of real projects (field study, habit 22). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

const late = new Date('2024-01-01T18:00:00Z'); // the next day in Shanghai
const early = new Date('2024-01-01T02:00:00Z');

const posts = [
  { _id: 'p1', n: 3, author: 'u1', tags: ['a', 'b'], at: late, secret: { code: 1, hint: 'x' } },
  { _id: 'p2', n: 1, author: 'u1', tags: ['a'], parent: 'p1', at: early },
  { _id: 'p3', n: 2, author: 'gone', tags: ['a', 'b', 'c'], parent: 'p1', at: early },
];

const expected = {
  orphans: [{ n: 2 }],
  childless: [{ _id: 'p2' }, { _id: 'p3' }],
  byArray: [{ _id: 'p1', names: ['Alpha', 'Beta'] }],
  joined: [
    {
      _id: 'p1',
      name: 'Ann',
      n: 3,
      author: 'u1',
      tags: ['a', 'b'],
      at: late.toISOString(),
      secret: { hint: 'x' },
    },
  ],
  piped: [{ _id: 'u1', name: 'Ann', posts: [{ n: 3 }] }],
  days: [
    { _id: '2024-01-01', total: 3, list: ['p2', 'p3'], most: 2 },
    { _id: '2024-01-02', total: 3, list: ['p1'], most: 3 },
  ],
  unwound: [{ _id: 'b', count: 2 }],
  none: [],
  some: [{ total: 2 }],
  near: [{ _id: 'here' }, { _id: 'there' }],
  bucketed: [
    { _id: 0, count: 1 },
    { _id: 2, count: 2 },
  ],
};

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`aggregations of real projects give their results with ${range}`, async (t) => {
    const functions = { statistics: { from: 'statistics', sdk: range } };
    const server = await serve(t, (await project(t, { functions })).dir);
    const db = nodeSdk(server).database();
    for (const name of ['posts', 'users', 'tags', 'places']) await db.createCollection(name);
    await db.collection('posts').add(posts);
    await db.collection('users').add({ _id: 'u1', name: 'Ann' });
    await db.collection('tags').add([
      { _id: 'a', name: 'Alpha' },
      { _id: 'b', name: 'Beta' },
    ]);
    await db.collection('places').add([
      { _id: 'there', at: new db.Geo.Point(114, 23) },
      { _id: 'here', at: new db.Geo.Point(113, 23) },
      { _id: 'far', at: new db.Geo.Point(10, 50) },
    ]);
    const caller = await Caller.signIn(server, 'alice');
    const call = (/** @type {string} */ pipeline) => caller.call('statistics', { pipeline });
    for (const [name, list] of Object.entries(expected)) {
      const seen = await call(name);
      assert.deepEqual({ name, ...seen }, { name, list, errMsg: 'collection.aggregate:ok' });
    }
    assert.equal((await call('sampled')).list.length, 2);
    const missing = await call('missing');
    assert.match(missing.errMsg, /Db or Table not exist/);
    const wrong = await call('wrong');
    // Version 4 has no numbers for the errors of aggregations.
    if (range.startsWith('~2'))
      assert.deepEqual([missing.errCode, wrong.errCode], [-502005, -502002]);
    assert.match(wrong.errMsg, /\$nope/);
  });
}
