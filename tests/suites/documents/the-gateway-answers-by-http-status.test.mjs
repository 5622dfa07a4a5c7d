/** `/v1/database/…`: documents, transactions and aggregations for the gateway generation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

const base = '/v1/database/instances/(default)/databases/(default)';
const one = (/** @type {number} */ n) => ({ $numberInt: String(n) });

test('the gateway answers by http status', async (t) => {
  const collections = { c: { acl: 'READONLY' }, shut: { acl: 'ADMINONLY' } };
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const { apiKey } = server.credentials();
  const alice = await Caller.signIn(server, 'alice');
  /** @type {(method: string, path: string, body?: unknown, token?: string, more?: any) => Promise<any>} */
  const ask = async (method, path, body, token = apiKey, more = {}) =>
    request(server.url + base + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'x-request-id': 'mine', ...more },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const ok = async (/** @type {[string, string, unknown?]} */ ...args) => {
    const reply = await ask(...args);
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    assert.equal(reply.headers.get('x-request-id'), 'mine');
    return reply.body;
  };

  const documents = '/collections/c/documents';
  const data = [
    { _id: 'a', n: 1, at: { $date: 5 } },
    { _id: 'b', n: 2 },
  ];
  assert.deepEqual(await ok('POST', documents, { data }), { insertedIds: ['a', 'b'] });
  const query = encodeURIComponent('{"n":{"$gt":{"$numberInt":"0"}}}');
  const order = encodeURIComponent('[{"field":"n","direction":"desc"}]');
  const projection = encodeURIComponent('{"n":1}');
  const found = await ok(
    'GET',
    `${documents}?query=${query}&order=${order}&projection=${projection}&limit=5&`,
  );
  assert.deepEqual(found.list, [
    { _id: 'b', n: one(2) },
    { _id: 'a', n: one(1) },
  ]);
  assert.deepEqual(await ok('GET', `${documents}?count=true&query=${query}`), { total: 2 });
  const escaped = base.replaceAll('(', '%28').replaceAll(')', '%29');
  const headers = { authorization: `Bearer ${apiKey}` };
  const plain = await request(`${server.url}${escaped}${documents}/a`, { headers });
  assert.deepEqual(plain.body, { _id: 'a', n: one(1), at: { $date: { $numberLong: '5' } } });
  assert.equal((await ask('GET', `${documents}/nobody`)).status, 404);

  const change = { query: '{"_id":"a"}', data: { n: 7 }, multi: false, replaceMode: false };
  assert.equal((await ok('PATCH', documents, change)).updated, 1);
  const override = { 'x-http-method-override': 'PATCH' };
  const set = { query: '{"_id":"z"}', data: { n: 9 }, upsert: true };
  const upserted = await ask('POST', documents, set, apiKey, override);
  assert.equal(upserted.body.upserted_id, 'z');
  const returned = await ok('PATCH', `${documents}/a`, { data: { m: 1 }, returnDoc: true });
  assert.deepEqual(returned.doc.m, one(1));
  const pipeline = [{ $match: { n: { $gte: 7 } } }, { $count: 'total' }];
  const counted = await ok('POST', `${documents}/aggregations`, { pipeline });
  assert.deepEqual(counted, { list: [{ total: one(2) }] });
  const gone = await ok('POST', `${documents}/remove`, { query: '{"_id":"z"}', multi: false });
  assert.deepEqual(gone, { deleted: 1 });

  await t.test('transactions', async () => {
    const { transactionId } = await ok('POST', '/transactions', {});
    await ok('PATCH', documents, { ...change, data: { n: 100 }, transactionId });
    const inside = await ok('GET', `${documents}/a?transactionId=${transactionId}`);
    assert.deepEqual(inside.n, one(100));
    assert.deepEqual((await ok('GET', `${documents}/a`)).n, one(7));
    await ok('POST', documents, { data: [{ _id: 'tx' }], transactionId });
    await ok('POST', `/transactions/${transactionId}/commit`, {});
    assert.deepEqual((await ok('GET', `${documents}/a`)).n, one(100));
    const other = (await ok('POST', '/transactions', {})).transactionId;
    await ok('POST', `${documents}/remove`, { query: '{}', transactionId: other });
    await ok('POST', `/transactions/${other}/rollback`, {});
    assert.deepEqual(await ok('GET', `${documents}?count=true`), { total: 3 });
  });

  await t.test('what is wrong has a status and a code', async () => {
    const token = alice.accessToken;
    assert.equal((await ask('GET', documents, undefined, token)).body.list.length, 3);
    const own = await ask('POST', documents, { data: [{ _id: 'mine' }] }, token);
    assert.deepEqual(own.body.insertedIds, ['mine']);
    /** @type {[string, string, unknown, string, number, string][]} */
    const rows = [
      ['GET', documents, undefined, 'forged', 401, 'CHECK_LOGIN_FAILED'],
      ['GET', '/collections/shut/documents', undefined, token, 403, 'DATABASE_PERMISSION_DENIED'],
      ['GET', '/collections/no/documents', undefined, apiKey, 404, 'DATABASE_COLLECTION_NOT_EXIST'],
      ['GET', `${documents}?query=%7B%22a%22`, undefined, apiKey, 400, 'INVALID_PARAM'],
      [
        'GET',
        `${documents}?query=%7B%22%24no%22%3A1%7D`,
        undefined,
        apiKey,
        400,
        'DATABASE_INVALID_OPERRATOR',
      ],
      ['POST', documents, { data: [{ _id: 'a' }] }, apiKey, 409, 'DATABASE_REQUEST_FAILED'],
      [
        'POST',
        '/collections',
        { collectionName: 'c' },
        apiKey,
        409,
        'DATABASE_COLLECTION_ALREADY_EXIST',
      ],
      ['POST', '/collections', { collectionName: 'd' }, token, 403, 'DATABASE_PERMISSION_DENIED'],
      ['POST', '/transactions/x/commit', {}, apiKey, 409, 'DATABASE_REQUEST_FAILED'],
      [
        'POST',
        documents,
        { data: [{ x: 'x'.repeat(600_000) }] },
        token,
        413,
        'EXCEED_MAX_PAYLOAD_SIZE',
      ],
      ['POST', '/commands', { commands: [] }, apiKey, 404, 'INVALID_ACTION'],
    ];
    for (const [method, path, body, key, status, code] of rows) {
      const reply = await ask(method, path, body, key);
      assert.deepEqual([path, reply.status, reply.body.code], [path, status, code]);
      assert.equal(reply.body.requestId, 'mine');
    }
  });
});
