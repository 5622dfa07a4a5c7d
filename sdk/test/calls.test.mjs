/**
 * Every call in both conventions, its result and its failure: the shapes, `errMsg` and `errCode`
 * that applications written for wx.cloud compare with (protocol 01 §7, 04 §8).
 */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, beforeEach, test } from 'node:test';
import byDefault, { CloudError, cloud } from '@yunkai/cloud';
import { failureOf, startServer, storageAnswers } from './server.mjs';

let server;
let client;
let photos;
before(async () => {
  server = await startServer();
  client = new cloud.Cloud({ env: 'env-x', endpoint: `${server.url}/`, login: () => 'dev-a' });
  await client.init();
  photos = client.database().collection('photos');
});
beforeEach(() => {
  server.seen.length = 0;
});
after(() => server.close());

const FILE = 'cloud://env-x.bucket/a.jpg';
const NONE = 'cloud://env-x.bucket/none/b.jpg';

/** name, call, answer of the server, result. */
const successes = [
  [
    'callFunction',
    (p) => client.callFunction({ name: 'f', data: { a: 1 }, ...p }),
    { data: { response_data: '{"sum":3}' } },
    { result: { sum: 3 }, requestID: 'rid-1', errMsg: 'cloud.callFunction:ok' },
  ],
  [
    'callFunction without a result',
    (p) => client.callFunction({ name: 'f', ...p }),
    { data: { response_data: 'null' } },
    { result: null, requestID: 'rid-1', errMsg: 'cloud.callFunction:ok' },
  ],
  [
    'getTempFileURL',
    (p) => client.getTempFileURL({ fileList: [FILE, { fileID: NONE, maxAge: 60 }], ...p }),
    storageAnswers,
    () => ({
      fileList: [
        {
          fileID: FILE,
          tempFileURL: `${server.url}/files/a.jpg`,
          maxAge: 7200,
          status: 0,
          errMsg: 'ok',
        },
        {
          fileID: NONE,
          tempFileURL: '',
          maxAge: 60,
          status: -503003,
          errMsg: 'STORAGE_FILE_NONEXIST',
          code: 'STORAGE_FILE_NONEXIST',
        },
      ],
      errMsg: 'cloud.getTempFileURL:ok',
    }),
  ],
  [
    'deleteFile',
    (p) => client.deleteFile({ fileList: [FILE, NONE], ...p }),
    storageAnswers,
    {
      fileList: [
        { fileID: FILE, status: 0, errMsg: 'ok' },
        {
          fileID: NONE,
          status: -503003,
          errMsg: 'no such file',
          code: 'STORAGE_FILE_NONEXIST',
        },
      ],
      errMsg: 'cloud.deleteFile:ok',
    },
  ],
  [
    'get',
    (p) => photos.where({ a: 1 }).get(p),
    { data: { list: [{ _id: '1', at: { $date: 5 } }] } },
    { data: [{ _id: '1', at: new Date(5) }], errMsg: 'collection.get:ok' },
  ],
  [
    'count',
    (p) => photos.count(p),
    { data: { total: 3 } },
    { total: 3, errMsg: 'collection.count:ok' },
  ],
  [
    'add',
    (p) => photos.add({ data: { a: 1 }, ...p }),
    { data: { _id: 'new' } },
    { _id: 'new', errMsg: 'collection.add:ok' },
  ],
  [
    'add several',
    (p) => photos.add({ data: [{ a: 1 }, { a: 2 }], ...p }),
    { data: { _id: 'x', insertedIds: ['x', 'y'] } },
    { _id: 'x', _ids: ['x', 'y'], errMsg: 'collection.add:ok' },
  ],
  [
    'where.update',
    (p) => photos.where({ a: 1 }).update({ data: { b: 2 }, ...p }),
    { data: { updated: 4 } },
    { stats: { updated: 4 }, errMsg: 'collection.update:ok' },
  ],
  [
    'where.remove',
    (p) => photos.where({ a: 1 }).remove(p),
    { data: { deleted: 2 } },
    { stats: { removed: 2 }, errMsg: 'collection.remove:ok' },
  ],
  [
    'doc.get',
    (p) => photos.doc('1').get(p),
    { data: { list: [{ _id: '1' }] } },
    { data: { _id: '1' }, errMsg: 'document.get:ok' },
  ],
  [
    'doc.set of a new document',
    (p) => photos.doc('1').set({ data: { a: 1 }, ...p }),
    { data: { updated: 0, upserted_id: '1' } },
    { _id: '1', stats: { updated: 0, created: 1 }, errMsg: 'document.set:ok' },
  ],
  [
    'doc.set of an old document',
    (p) => photos.doc('1').set({ data: { a: 1 }, ...p }),
    { data: { updated: 1, upserted_id: null } },
    { _id: '1', stats: { updated: 1, created: 0 }, errMsg: 'document.set:ok' },
  ],
  [
    'doc.update',
    (p) => photos.doc(7).update({ data: { a: 1 }, ...p }),
    { data: { updated: 1 } },
    { stats: { updated: 1 }, errMsg: 'document.update:ok' },
  ],
  [
    'doc.remove',
    (p) => photos.doc('1').remove(p),
    { data: { deleted: 1 } },
    { stats: { removed: 1 }, errMsg: 'document.remove:ok' },
  ],
  [
    'aggregate',
    (p) => photos.aggregate().limit(1).end(p),
    { data: { list: '["{\\"_id\\":null,\\"n\\":{\\"$numberInt\\":\\"3\\"}}"]' } },
    { list: [{ _id: null, n: 3 }], errMsg: 'collection.aggregate:ok' },
  ],
];

/** Collects what the callbacks were told, in order; resolves at `complete`. */
function callbacks(told) {
  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const param = {
    success: (result) => told.push(['success', result]),
    fail: (error) => told.push(['fail', error]),
    complete: (outcome) => {
      told.push(['complete', outcome]);
      finish();
    },
  };
  return { param, finished };
}

for (const [name, call, answer, result] of successes) {
  test(`${name}: promise and callbacks`, async () => {
    server.web = typeof answer === 'function' ? answer : () => answer;
    const expected = typeof result === 'function' ? result() : result;
    assert.deepEqual(await call(), expected);
    server.seen.length = 0;
    const told = [];
    const { param, finished } = callbacks(told);
    assert.equal(call(param), undefined);
    await finished;
    assert.deepEqual(told, [
      ['success', expected],
      ['complete', expected],
    ]);
  });
}

test('a failure: promise and callbacks', async () => {
  server.web = () => ({ code: 'DATABASE_PERMISSION_DENIED', message: 'no' });
  const errMsg = 'collection.add:fail -502003 database permission denied. no';
  const thrown = await failureOf(photos.add({ data: {} }));
  assert.ok(thrown instanceof CloudError && thrown instanceof Error);
  assert.deepEqual(
    { ...thrown },
    {
      errCode: -502003,
      errMsg,
      code: 'DATABASE_PERMISSION_DENIED',
      requestID: 'rid-1',
    },
  );
  assert.equal(thrown.message, errMsg);
  const told = [];
  const { param, finished } = callbacks(told);
  assert.equal(photos.add({ data: {}, ...param }), undefined);
  await finished;
  assert.deepEqual(
    told.map(([which, error]) => [which, error.errMsg]),
    [
      ['fail', errMsg],
      ['complete', errMsg],
    ],
  );
});

/** The server's code, the number, and a piece of the sentence of `collection.get`. */
const codes = [
  ['DATABASE_COLLECTION_NOT_EXIST', -502005, '-502005 database collection not exists. why'],
  ['DATABASE_REQUEST_FAILED', -502001, '-502001 database request fail. why'],
  ['DATABASE_INVALID_OPERRATOR', -502002, '-502002 database invalid command. why'],
  ['DATABASE_COLLECTION_ALREADY_EXIST', -501001, 'database collection already exists'],
  ['INVALID_PARAM', -501007, 'invalid parameters'],
  ['INVALID_ENV', -501005, 'invalid env'],
  ['EXCEED_REQUEST_LIMIT', -501003, 'exceed request limit'],
  ['SOMETHING_NEW', -501001, '-501001 SOMETHING_NEW. why'],
];

for (const [code, errCode, words] of codes) {
  test(`code ${code} is ${errCode}`, async () => {
    server.web = () => ({ code, message: 'why' });
    const error = await failureOf(photos.get());
    assert.equal(error.errCode, errCode);
    assert.ok(error.errMsg.startsWith('collection.get:fail ') && error.errMsg.includes(words));
  });
}

test('a function that failed says so in the words of wx.cloud', async () => {
  server.web = () => ({ code: 'FUNCTIONS_EXECUTE_FAIL', message: 'Error: boom' });
  const error = await failureOf(client.callFunction({ name: 'f' }));
  assert.equal(error.errCode, -504002);
  assert.equal(
    error.errMsg,
    'cloud.callFunction:fail Error: errCode: -504002 functions execute fail' +
      ' | errMsg: Error: boom (callId: rid-1)',
  );
  server.web = () => ({ code: 'FUNCTION_NOT_FOUND', message: 'no function "f"' });
  const missing = await failureOf(client.callFunction({ name: 'f' }));
  assert.equal(missing.errCode, -501000);
  assert.ok(missing.errMsg.includes('FUNCTION_NOT_FOUND'));
});

test('a document that is not there is a failure', async () => {
  server.web = () => ({ data: { list: [] } });
  const error = await failureOf(photos.doc('nobody').get());
  assert.equal(error.errCode, -1);
  assert.equal(error.errMsg, 'document.get:fail document with _id nobody does not exist');
  const [{ query, queryType, multi }] = server.seen;
  assert.deepEqual(
    { query, queryType, multi },
    {
      query: { _id: 'nobody' },
      queryType: 'DOC',
      multi: false,
    },
  );
});

/** Wrong arguments fail before anything is sent. */
const refusals = [
  ['no name', () => client.callFunction({}), -401002],
  ['no parameter', () => client.callFunction(), -401003],
  ['data that is no object', () => client.callFunction({ name: 'f', data: [1] }), -401003],
  ['a circle in data', () => client.callFunction({ name: 'f', data: circle() }), -402001],
  ['a circle in a document', () => photos.add({ data: circle() }), -402001],
  ['a circle in a change', () => photos.doc('1').update({ data: circle() }), -402001],
  [
    'a change that changes nothing',
    () => photos.doc('1').update({ data: { a: undefined } }),
    -401002,
  ],
  ['a change without data', () => photos.doc('1').update(), -401003],
  ['an operator in add', () => photos.add({ data: { n: cmd().inc(1) } }), -401002],
  ['an operator in set', () => photos.doc('1').set({ data: { n: cmd().inc(1) } }), -401002],
  ['an invalid date', () => photos.add({ data: { at: new Date(Number.NaN) } }), -401002],
  ['where of a number', async () => photos.where(1), -401003],
  ['a direction', async () => photos.orderBy('a', 'up'), -401002],
  ['a negative limit', async () => photos.limit(-1), -401003],
  ['an empty id', async () => photos.doc(''), -401003],
  ['an empty collection name', async () => client.database().collection(''), -401002],
  ['in of a value', async () => photos.where({ a: cmd().in(1) }), -401003],
  ['a latitude', async () => client.database().Geo.Point(0, 91), -401002],
  ['an empty file list', () => client.deleteFile({ fileList: [] }), -401002],
  ['a file list that is none', () => client.getTempFileURL({ fileList: FILE }), -401003],
  ['no cloudPath', () => client.uploadFile({ filePath: new Blob(['x']) }), -401002],
  ['no filePath', () => client.uploadFile({ cloudPath: 'a' }), -401002],
  ['six CloudIDs', () => client.callFunction({ name: 'f', data: cloudIds(6) }), -401002],
];

function circle() {
  const a = { b: {} };
  a.b.a = a;
  return a;
}

function cmd() {
  return client.database().command;
}

function cloudIds(count) {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [i, cloud.CloudID(`id${i}`)]));
}

for (const [name, call, errCode] of refusals) {
  test(`refused: ${name}`, async () => {
    const error = await failureOf(call());
    assert.equal(error.errCode, errCode, error.errMsg);
    assert.ok(error.errMsg, 'a sentence says why');
    assert.deepEqual(server.seen, []);
  });
}

test('get asks for 20 documents at most', async () => {
  server.web = () => ({ data: { list: [] } });
  await photos.get();
  await photos.limit(5).get();
  await photos.limit(100).get();
  assert.deepEqual(
    server.seen.map(({ limit, query }) => [limit, query]),
    [
      [20, undefined],
      [5, undefined],
      [20, undefined],
    ],
  );
});

test('the environment of one call', async () => {
  server.web = () => ({ data: { response_data: '1', list: [] } });
  const several = new cloud.Cloud({
    env: { database: 'env-d', default: 'env-y' },
    endpoint: server.url,
    login: () => 'dev-a',
  });
  await several.init();
  await several.callFunction({ name: 'f' });
  await several.callFunction({ name: 'f', config: { env: 'env-z' } });
  await several.database().collection('c').get();
  await several.database({ env: 'env-w' }).collection('c').get();
  const envs = server.seen.map(({ env }) => env);
  assert.deepEqual(envs, ['env-y', 'env-z', 'env-d', 'env-w']);
});

test('the data of a function: bytes, dates, CloudID and CDN', async () => {
  server.web = (call, state) =>
    call.action === 'functions.invokeFunction'
      ? { data: { response_data: 'null' } }
      : storageAnswers(call, state);
  await client.callFunction({
    name: 'f',
    data: {
      bytes: new Uint8Array([1, 2]).buffer,
      at: new Date(0),
      none: undefined,
      run: client.CloudID('id-1'),
      deep: { run: new client.CloudID('id-2') },
      text: client.CDN('长文本'),
    },
  });
  const { request_data, cloud_ids, function_name } = server.seen.at(-1);
  const { text, ...data } = JSON.parse(request_data);
  assert.equal(function_name, 'f');
  assert.deepEqual(cloud_ids, { run: 'id-1' });
  assert.deepEqual(data, {
    bytes: { type: 'Buffer', data: [1, 2] },
    at: '1970-01-01T00:00:00.000Z',
    run: { cloudID: 'id-1' },
    deep: { run: 'id-2' },
  });
  assert.match(text, /\/files\/cdn\/[0-9a-f]{32}$/);
  const file = server.uploads.at(-1).fields.at(-1);
  assert.equal(file.bytes.toString(), '长文本');
});

test('callContainer passes requests and answers through', async () => {
  server.other = (_, response) => {
    response.writeHead(404, { 'content-type': 'application/json', 'x-from': 'service' });
    response.end('{"no":"such item"}');
  };
  const answer = await client.callContainer({
    path: '/items?page=1',
    method: 'POST',
    header: { 'X-WX-SERVICE': 'shop' },
    data: { a: 1 },
  });
  const { method, url, headers, body } = server.others.at(-1);
  assert.deepEqual(
    [method, url, String(body)],
    ['POST', '/v1/cloudrun/shop/items?page=1', '{"a":1}'],
  );
  assert.match(headers.authorization, /^Bearer token a \d+$/);
  assert.deepEqual([answer.statusCode, answer.data], [404, { no: 'such item' }]);
  assert.equal(answer.header['x-from'], 'service');
  assert.equal(answer.errMsg, 'cloud.callContainer:ok');
  assert.equal(answer.callID, headers['x-request-id']);
  await client.callContainer({ path: 'q', service: 'shop', data: { a: '&', b: 2 } });
  assert.equal(server.others.at(-1).url, '/v1/cloudrun/shop/q?a=%26&b=2');
});

test('methods work taken off the object, and the default export is the same', async () => {
  server.web = () => ({ data: { response_data: '1' } });
  const { callFunction } = client;
  assert.equal((await callFunction({ name: 'f' })).result, 1);
  assert.equal(byDefault, cloud);
  assert.equal(
    createRequire(import.meta.url)('@yunkai/cloud').cloud.init.length,
    cloud.init.length,
  );
});

test('calls before init say what to do', async () => {
  const fresh = new cloud.Cloud();
  const error = await failureOf(fresh.callFunction({ name: 'f' }));
  assert.match(error.errMsg, /call cloud\.init first/);
  assert.throws(() => fresh.database(), /call cloud\.init first/);
  assert.throws(() => fresh.init({ env: 'e' }), /init needs endpoint/);
  assert.throws(() => fresh.init({ endpoint: '127.0.0.1:9527' }), /init needs endpoint/);
});
