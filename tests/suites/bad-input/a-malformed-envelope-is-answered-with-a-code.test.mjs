/** Bodies that are no envelopes, on every path: JSON with a code, never a broken connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { admin, request, web } from '../../harness/wire.mjs';

const deep = '['.repeat(50_000) + ']'.repeat(50_000);
const nested = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;

const bodies = [
  '',
  ' ',
  'null',
  'true',
  '5',
  '"text"',
  '[]',
  '{',
  '{"action":',
  '{"action":"database.getDocument"',
  '<xml/>',
  '\u0000\u0001\u0002',
  deep,
];

/** @type {[string, any][]} envelopes with a member of the wrong kind or none at all */
const envelopes = [
  ['no action', {}],
  ['an action that is null', { action: null }],
  ['an action that is a number', { action: 5 }],
  ['an action that is a list', { action: ['database.getDocument'] }],
  ['no collection', { action: 'database.getDocument', queryType: 'WHERE' }],
  ['a collection that is a number', { action: 'database.getDocument', collectionName: 5 }],
  ['an empty collection', { action: 'database.getDocument', collectionName: '' }],
  ['no data to insert', { action: 'database.insertDocument', collectionName: 'c' }],
  ['data that is a number', { action: 'database.insertDocument', collectionName: 'c', data: 5 }],
  ['a document that is a list', insert(['[1,2]'])],
  ['a document that is a string', insert(['"text"'])],
  ['EJSON that does not parse', insert(['{"a":'])],
  ['a number that is none', insert(['{"a":{"$numberInt":"one"}}'])],
  ['a date that is none', insert(['{"a":{"$date":"yesterday"}}'])],
  ['an object id that is none', insert(['{"a":{"$oid":"xyz"}}'])],
  ['a document too deep', insert([nested])],
  ['a query that does not parse', find({ query: '{"a":' })],
  ['a query that is a list', find({ query: '[]' })],
  ['a query that is a number', find({ query: 5 })],
  ['an operator with a wrong operand', find({ query: '{"a":{"$in":5}}' })],
  ['a logic with a wrong operand', find({ query: '{"$or":{"a":1}}' })],
  ['an order that does not parse', find({ order: '{"a":' })],
  ['a direction that is none', find({ order: '{"a":"up"}' })],
  ['a projection that does not parse', find({ projection: '{' })],
  ['a projection that mixes', find({ projection: '{"a":1,"b":0}' })],
  ['a limit that is a word', find({ limit: 'many' })],
  ['a negative limit', find({ limit: -5 })],
  ['a negative offset', find({ offset: -1 })],
  ['an update without data', change({})],
  ['an update that does not parse', change({ data: '{"$set":' })],
  ['an unknown update operator', change({ data: '{"$explode":{"a":1}}' })],
  ['an operator without a document', change({ data: '{"$set":5}' })],
  ['two operators on one path', change({ data: '{"$set":{"a":1},"$inc":{"a":1}}' })],
  ['a link list that is a string', { action: 'storage.batchGetDownloadUrl', file_list: 'x' }],
  ['a delete list that is null', { action: 'storage.batchDeleteFile', fileid_list: null }],
  ['a path that is a number', { action: 'storage.getUploadMetadata', path: 5 }],
];

/** @param {unknown} data */
function insert(data) {
  return { action: 'database.insertDocument', collectionName: 'c', data };
}

/** @param {Record<string, unknown>} more */
function find(more) {
  return { action: 'database.getDocument', collectionName: 'c', queryType: 'WHERE', ...more };
}

/** @param {Record<string, unknown>} more */
function change(more) {
  const base = { action: 'database.modifyDocument', collectionName: 'c', queryType: 'WHERE' };
  return { ...base, query: '{}', multi: true, merge: true, upsert: false, ...more };
}

test('a malformed envelope is answered with a code', async (t) => {
  const yunkai = { collections: { c: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const c = nodeSdk(server).database().collection('c');
  await c.add({ _id: 'x', a: 1 });
  const caller = await Caller.signIn(server, 'alice');

  /** @param {import('../../harness/wire.mjs').Reply} reply */
  const complains = ({ status, body, headers }) => {
    assert.equal(status, 200, JSON.stringify(body));
    assert.match(headers.get('content-type') ?? '', /^application\/json/);
    assert.match(body.code, /^[A-Z][A-Z_]+$/, JSON.stringify(body));
    assert.ok(body.message.length > 0);
    assert.ok(body.requestId);
  };
  for (const body of bodies) {
    await t.test(`the body ${JSON.stringify(body).slice(0, 40)}`, async () => {
      complains(await admin(server, body));
      complains(await web(server, body));
    });
  }
  for (const [title, envelope] of envelopes) {
    await t.test(title, async () => {
      complains(await admin(server, envelope));
      const reply = await caller.raw(envelope.action, envelope);
      assert.match(reply.code, /^[A-Z][A-Z_]+$/, JSON.stringify(reply));
    });
  }
  await t.test('an unknown action is INVALID_ACTION', async () => {
    for (const action of ['database.conjure', 'x', 'functions.', '__proto__']) {
      assert.equal((await admin(server, { action })).body.code, 'INVALID_ACTION');
      assert.equal((await caller.raw(action, {})).code, 'INVALID_ACTION');
    }
  });
  await t.test('the auth REST', async () => {
    for (const body of bodies) {
      const reply = await request(`${server.url}/auth/v1/provider/token`, { method: 'POST', body });
      assert.equal(typeof reply.body.error, 'string', JSON.stringify(reply.body));
    }
    const lost = await request(`${server.url}/auth/v1/no/such`, { method: 'POST', body: '{}' });
    assert.equal(typeof lost.body.error, 'string', JSON.stringify(lost.body));
  });
  await t.test('a multipart body that is none', async () => {
    const { apiKey } = server.credentials();
    const reply = await request(`${server.url}/admin`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'multipart/form-data; boundary=x',
      },
      body: '--y\r\nbroken',
    });
    complains(reply);
  });
  await t.test('nothing of all this has changed anything', async () => {
    assert.deepEqual((await c.get()).data, [{ _id: 'x', a: 1 }]);
  });
});
