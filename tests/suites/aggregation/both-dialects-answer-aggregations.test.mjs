/** Envelopes by hand and the SDKs outside: stage values, result shapes, limits, what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { jsSdk } from '../../harness/js-sdk.mjs';
import { client } from '../../harness/library.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';
import { admin, request } from '../../harness/wire.mjs';

/** @param {[string, string][]} stages */
const spelled = (stages) => stages.map(([stageKey, stageValue]) => ({ stageKey, stageValue }));

test('both dialects answer aggregations', async (t) => {
  const collections = { c: { acl: 'READONLY' } };
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const db = nodeSdk(server).database();
  const documents = Array.from({ length: 150 }, (_, n) => ({ _id: n, n, odd: n % 2 === 1 }));
  await db.collection('c').add(documents);
  const ask = async (/** @type {string} */ name, /** @type {object} */ params) =>
    (await admin(server, { action: `database.${name}`, collectionName: 'c', ...params })).body;

  await t.test('values are texts of EJSON, of JSON, scalars, or as they are', async () => {
    const ways = [
      spelled([
        ['$match', '{"n":{"$lt":{"$numberInt":"2"}}}'],
        ['$sort', '{"n":-1}'],
      ]),
      spelled([
        ['$sort', '{"n":1}'],
        ['$limit', '2'],
        ['$sort', '{"n":-1}'],
      ]),
      [{ stageKey: '$match', stageValue: { n: { $lt: 2 } } }, { $sort: { n: -1 } }],
    ];
    for (const stages of ways) {
      const b = (await ask('aggregateDocuments', { stages })).data.list;
      assert.deepEqual(b.map(JSON.parse)[0].n, { $numberInt: '1' });
      assert.equal(b.length, 2);
      const a = (await ask('aggregate', { stages })).data.list;
      assert.equal(typeof a, 'string');
      assert.deepEqual(JSON.parse(a), b);
    }
    const counted = spelled([
      ['$sortByCount', '"$odd"'],
      ['$count', '"kinds"'],
    ]);
    const { data } = await ask('aggregateDocuments', { stages: counted });
    assert.deepEqual(data.list.map(JSON.parse), [{ kinds: { $numberInt: '2' } }]);
  });

  await t.test('100 without a limit, 1000 with one, 20 through the drop-in client', async () => {
    await db.collection('c').add(Array.from({ length: 950 }, (_, n) => ({ _id: 1000 + n })));
    const size = async (/** @type {any} */ pipeline) => (await pipeline.end()).data.length;
    for (const generation of nodeSdks) {
      const c = nodeSdk(server, generation).database().collection('c');
      assert.equal(await size(c.aggregate().match({})), 100);
      assert.equal(await size(c.aggregate().limit(120)), 120);
      assert.equal(await size(c.aggregate().limit(5000)), 1000);
    }
    const app = jsSdk(server);
    await app.auth({ persistence: 'none' }).anonymousAuthProvider().signIn();
    assert.equal(await size(app.database().collection('c').aggregate().match({})), 100);
    const mini = (await client(server, 'alice')).database().collection('c').aggregate();
    const { list, errMsg } = await mini.match({ n: 1 }).end();
    assert.deepEqual(list, [{ _id: 1, n: 1, odd: true }]);
    assert.equal(errMsg, 'collection.aggregate:ok');
    assert.equal((await mini.match({}).end()).list.length, 20);
    assert.equal((await mini.limit(120).end()).list.length, 120);
  });

  await t.test('what is wrong is refused with its place', async () => {
    /** @type {[any, string, RegExp][]} */
    const rows = [
      [undefined, 'INVALID_PARAM', /stages/],
      [{}, 'INVALID_PARAM', /stages/],
      [[5], 'INVALID_PARAM', /stages/],
      [[{ stageKey: '$match' }], 'INVALID_PARAM', /stages/],
      [spelled([['$match', '{"a":']]), 'INVALID_PARAM', /stages\[0\]\.\$match/],
      [spelled([['$no', '{}']]), 'DATABASE_INVALID_OPERRATOR', /\$no/],
      [spelled([['$out', '"d"']]), 'DATABASE_INVALID_OPERRATOR', /\$out/],
      [spelled([['$merge', '{"into":"d"}']]), 'DATABASE_INVALID_OPERRATOR', /\$merge/],
      [spelled([['$limit', '0']]), 'DATABASE_INVALID_OPERRATOR', /\$limit/],
      [spelled([['$match', '{"a":{"$nope":1}}']]), 'DATABASE_INVALID_OPERRATOR', /\$nope/],
    ];
    for (const [stages, code, words] of rows) {
      const refused = await ask('aggregateDocuments', { stages });
      assert.equal(refused.code, code, JSON.stringify(refused));
      assert.match(refused.message, words);
    }
  });

  await t.test('the API answers all results', async () => {
    const { apiKey } = server.credentials();
    const url = `${server.url}/_api/database/collections/c/aggregate`;
    const { body } = await request(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ pipeline: [{ $project: { _id: 1 } }] }),
    });
    assert.equal(body.documents.length, 1100);
  });
});

test('an aggregation reads what its caller may read', async (t) => {
  const collections = {
    open: { acl: 'READONLY' },
    own: { acl: 'PRIVATE' },
    shut: { acl: 'ADMINONLY' },
  };
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const db = nodeSdk(server).database();
  await db.collection('open').add({ _id: 1 });
  await db.collection('own').add([
    { _id: 'a', _openid: alice.openid, n: 1 },
    { _id: 'b', _openid: 'somebody', n: 1 },
  ]);
  await db.collection('shut').add({ _id: 's' });
  const run = async (/** @type {string} */ collectionName, /** @type {object[]} */ pipeline) => {
    const stages = pipeline.flatMap((stage) =>
      Object.entries(stage).map(([stageKey, value]) => ({
        stageKey,
        stageValue: JSON.stringify(value),
      })),
    );
    const reply = await alice.raw('database.aggregate', { collectionName, stages });
    return reply.code ?? JSON.parse(reply.data.list).map(JSON.parse);
  };
  const lookup = (/** @type {string} */ from) => ({
    $lookup: { from, pipeline: [{ $project: { _id: 1 } }], as: 'found' },
  });
  const ids = (/** @type {any[]} */ list) => list.map((one) => one._id);
  assert.deepEqual(ids(await run('own', [])), ['a'], 'only her own');
  assert.deepEqual(ids(await run('own', [{ $match: { _openid: '{openid}' } }])), ['a']);
  assert.deepEqual((await run('open', [lookup('own')]))[0].found, [{ _id: 'a' }]);
  const union = [{ $unionWith: { coll: 'own', pipeline: [] } }, { $match: { n: 1 } }];
  assert.deepEqual(ids(await run('open', union)), ['a']);
  const facet = [{ $facet: { x: [lookup('own')] } }];
  assert.deepEqual((await run('open', facet))[0].x[0].found, [{ _id: 'a' }]);
  for (const hidden of [
    await run('shut', []),
    await run('open', [lookup('shut')]),
    await run('open', [{ $unionWith: 'shut' }]),
    await run('open', [{ $facet: { x: [{ $unionWith: 'shut' }] } }]),
    await run('open', [{ $lookup: { from: 'own', pipeline: [lookup('shut')], as: 'x' } }]),
  ]) {
    assert.equal(hidden, 'DATABASE_PERMISSION_DENIED');
  }
  assert.equal(await run('open', [lookup('system.accounts')]), 'INVALID_PARAM');
  assert.equal(await run('system.accounts', []), 'INVALID_PARAM');
});
