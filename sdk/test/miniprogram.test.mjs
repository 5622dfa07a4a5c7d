/**
 * The mini-program build in a place that has nothing but JavaScript and a `wx`: no fetch, no URL,
 * no document, no process. The `wx` here speaks real HTTP to the server of the tests.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import vm from 'node:vm';
import { failureOf, startServer, storageAnswers } from './server.mjs';

const code = readFileSync(new URL('../dist/miniprogram/index.js', import.meta.url), 'utf8');

let server;
let store;
let logins;
before(async () => {
  server = await startServer();
});
beforeEach(() => {
  store = new Map();
  logins = 0;
  server.seen.length = 0;
  server.auth.length = 0;
  server.uploads.length = 0;
  server.web = (call, state) =>
    call.action === 'functions.invokeFunction'
      ? { data: { response_data: '{"ok":true}' } }
      : storageAnswers(call, state);
});
after(() => server.close());

/** The functions of `wx` that the library may use, over fetch. */
function fakeWx(local) {
  const finish = (options, work) => {
    work.then(
      (result) => options.success?.(result),
      (error) => options.fail?.({ errMsg: `${options.api}:fail ${error.message}` }),
    );
  };
  const task = (options, work) => {
    const stop = new AbortController();
    const listeners = [];
    const tell = (event) => {
      for (const listener of listeners) listener(event);
    };
    finish(options, work(stop.signal, tell));
    return {
      abort: () => stop.abort(new Error('abort')),
      onProgressUpdate: (listener) => listeners.push(listener),
      onHeadersReceived: () => {},
    };
  };
  const files = new Map([['wxfile://tmp/photo.jpg', 'a photo']]);
  return {
    login: (options) => finish(options, Promise.resolve({ code: `code-${++logins}` })),
    getStorageSync: (key) => local.get(key) ?? '',
    setStorageSync: (key, value) => local.set(key, value),
    removeStorageSync: (key) => local.delete(key),
    env: { USER_DATA_PATH: 'wxfile://usr' },
    getFileSystemManager: () => ({
      writeFile: ({ filePath, data, success }) => {
        files.set(filePath, Buffer.from(data));
        success();
      },
    }),
    request: ({ url, method, header, data, dataType, ...options }) =>
      task({ ...options, api: 'request' }, async (signal) => {
        assert.equal(dataType, 'text');
        const response = await fetch(url, { method, headers: header, body: data, signal });
        const headers = { 'Content-Type': response.headers.get('content-type') };
        return { statusCode: response.status, header: headers, data: await response.text() };
      }),
    uploadFile: ({ url, filePath, name, formData, header, ...options }) =>
      task({ ...options, api: 'uploadFile' }, async (signal, tell) => {
        const form = new FormData();
        for (const key of Object.keys(formData)) form.append(key, formData[key]);
        if (!files.has(filePath)) throw new Error('file not found');
        form.append(name, new Blob([files.get(filePath)]), filePath.split('/').at(-1));
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        tell({ progress: 50, totalBytesSent: 5, totalBytesExpectedToSend: 10 });
        signal.throwIfAborted();
        const response = await fetch(url, { method: 'POST', body: form, headers: header, signal });
        return { statusCode: response.status, data: await response.text() };
      }),
    downloadFile: ({ url, ...options }) =>
      task({ ...options, api: 'downloadFile' }, async (signal, tell) => {
        const response = await fetch(url, { signal });
        await response.arrayBuffer();
        tell({ progress: 100, totalBytesWritten: 1, totalBytesExpectedToWrite: 1 });
        return { statusCode: response.status, tempFilePath: 'wxfile://tmp/downloaded' };
      }),
  };
}

/** `require('@yunkai/cloud')` inside a mini program. */
function requireLibrary(local = store) {
  const module = { exports: {} };
  const context = vm.createContext({ module, wx: fakeWx(local), setTimeout, clearTimeout });
  vm.runInContext(`(function (exports) {${code}\n})(module.exports)`, context);
  return module.exports;
}

function start(local) {
  const { cloud } = requireLibrary(local);
  cloud.init({ env: 'env-x', endpoint: server.url, traceUser: true });
  return cloud;
}

test('wx.login signs in at the first call, and the token outlives the program', async () => {
  const cloud = start();
  assert.equal(logins, 0);
  const results = await Promise.all(
    [1, 2, 3].map((n) => cloud.callFunction({ name: 'f', data: { n } })),
  );
  assert.deepEqual({ ...results[0].result }, { ok: true });
  assert.equal(results[0].errMsg, 'cloud.callFunction:ok');
  assert.equal(logins, 1);
  assert.equal(server.auth[0].provider_code, 'code-1');
  server.auth.length = 0;
  await start().callFunction({ name: 'f' });
  assert.deepEqual([logins, server.auth.length], [1, 0]);
});

test('a user whose refresh token is over is signed in again by a fresh code', async () => {
  await start().callFunction({ name: 'f' });
  server.valid.clear();
  server.refresh = false;
  await start().callFunction({ name: 'f' });
  assert.equal(logins, 2);
  assert.equal(server.auth.at(-2).provider_code, 'code-2');
  server.refresh = true;
});

test('a store that throws costs a sign-in and nothing else', async () => {
  const broken = { get: () => null };
  const local = { ...broken, set: () => assert.fail('full'), delete: () => assert.fail('full') };
  const { result } = await start(local).callFunction({ name: 'f' });
  assert.equal(result.ok, true);
});

test('uploads by wx.uploadFile: path, progress, form', async () => {
  const cloud = start();
  const seen = [];
  const result = await new Promise((success, fail) => {
    const filePath = 'wxfile://tmp/photo.jpg';
    const task = cloud.uploadFile({ cloudPath: 'a/b.jpg', filePath, success, fail });
    task.onProgressUpdate((event) => seen.push({ ...event }));
  });
  assert.equal(result.fileID, 'cloud://env-x.bucket/a/b.jpg');
  assert.equal(result.errMsg, 'uploadFile:ok');
  assert.deepEqual(seen, [{ progress: 50, totalBytesSent: 5, totalBytesExpectedToSend: 10 }]);
  const [{ fields }] = server.uploads;
  assert.deepEqual(
    fields.map((field) => field.name),
    [
      'key',
      'signature',
      'x-cos-meta-fileid',
      'success_action_status',
      'x-cos-security-token',
      'file',
    ],
  );
  assert.equal(String(fields.at(-1).bytes), 'a photo');
});

test('abort and missing files fail in the words of wx', async () => {
  const cloud = start();
  const filePath = 'wxfile://tmp/photo.jpg';
  const upload = cloud.uploadFile({ cloudPath: 'a', filePath });
  upload.onProgressUpdate(() => upload.abort());
  assert.equal((await failureOf(upload)).errMsg, 'uploadFile:fail abort');
  const missing = await failureOf(cloud.uploadFile({ cloudPath: 'a', filePath: 'wxfile://no' }));
  assert.equal(missing.errMsg, 'uploadFile:fail file not found');
});

test('downloads by wx.downloadFile', async () => {
  server.files.set('a.jpg', Buffer.from('x'));
  const result = await start().downloadFile({ fileID: 'cloud://env-x.bucket/a.jpg' });
  assert.equal(result.tempFilePath, 'wxfile://tmp/downloaded');
  assert.equal(result.statusCode, 200);
});

test('CDN content goes through a file of the mini program', async () => {
  const cloud = start();
  await cloud.callFunction({ name: 'f', data: { text: new cloud.CDN('多字节') } });
  assert.equal(String(server.uploads[0].fields.at(-1).bytes), '多字节');
  assert.match(JSON.parse(server.seen.at(-1).request_data).text, /^http:.*\/files\/cdn\//);
});

test('a network failure keeps the words of wx.request', async () => {
  const { cloud } = requireLibrary();
  cloud.init({ env: 'e', endpoint: 'http://127.0.0.1:1' });
  const error = await failureOf(cloud.callFunction({ name: 'f' }));
  assert.equal(error.errCode, -601003);
  assert.match(error.errMsg, /^cloud\.callFunction:fail /);
});
