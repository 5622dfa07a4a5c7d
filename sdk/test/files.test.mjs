/**
 * Uploads and downloads: the form of the recorded clients, progress, abort at any moment, and what
 * the caller is told when the storage refuses (protocol 04 §2).
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { cloud } from '@yunkai/cloud';
import { failureOf, startServer, storageAnswers } from './server.mjs';

let server;
let client;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'yunkai-test-'));
  server = await startServer({ web: storageAnswers });
  client = new cloud.Cloud({ env: 'env-x', endpoint: server.url, login: () => 'dev-a' });
  await client.init();
});
beforeEach(() => {
  server.seen.length = 0;
  server.uploads.length = 0;
  server.uploadStatus = 201;
  server.web = storageAnswers;
});
after(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});

const CONTENT = Buffer.from('一张照片\r\n--and bytes \u0000\u00ff');

function pathOf(name) {
  const path = join(folder, name);
  writeFileSync(path, CONTENT);
  return path;
}

/** Everything that can be uploaded from Node. */
const sources = [
  ['a path', () => pathOf('photo.jpg')],
  ['a Blob', () => new Blob([CONTENT], { type: 'image/jpeg' })],
  ['a File', () => new File([CONTENT], 'x.jpg', { type: 'image/jpeg' })],
  ['a Buffer', () => CONTENT],
  ['a Uint8Array', () => new Uint8Array(CONTENT)],
  ['an ArrayBuffer', () => new Uint8Array(CONTENT).buffer],
];

for (const [name, source] of sources) {
  test(`upload of ${name}`, async () => {
    const cloudPath = '相册/第 1 张"图".jpg';
    const result = await client.uploadFile({
      cloudPath,
      filePath: source(),
      header: { 'x-note': 'n' },
    });
    assert.deepEqual(result, {
      fileID: `cloud://env-x.bucket/${cloudPath}`,
      statusCode: 201,
      errMsg: 'uploadFile:ok',
    });
    assert.equal(server.seen[0].path, cloudPath);
    const [{ fields, headers }] = server.uploads;
    assert.equal(headers['x-note'], 'n');
    assert.deepEqual(
      fields.slice(0, -1).map(({ name, bytes }) => [name, String(bytes)]),
      [
        ['key', cloudPath],
        ['signature', 'cos-authorization'],
        ['x-cos-meta-fileid', 'cosfileid-xyz'],
        ['success_action_status', '201'],
        ['x-cos-security-token', 'cos-token'],
      ],
    );
    const file = fields.at(-1);
    assert.equal(file.name, 'file');
    assert.ok(file.fileName);
    assert.deepEqual(file.bytes, CONTENT);
  });
}

test('progress grows to 100, for the promise and for callbacks', async () => {
  const filePath = new Uint8Array(3_000_000);
  const seen = [];
  const upload = client.uploadFile({ cloudPath: 'big.bin', filePath });
  upload.onProgressUpdate((event) => seen.push(event));
  await upload;
  assert.ok(seen.length > 2);
  for (let i = 1; i < seen.length; i++) {
    assert.ok(seen[i].totalBytesSent > seen[i - 1].totalBytesSent);
  }
  const { progress, totalBytesSent, totalBytesExpectedToSend } = seen.at(-1);
  assert.equal(progress, 100);
  assert.equal(totalBytesSent, totalBytesExpectedToSend);
  assert.ok(totalBytesSent > filePath.length);

  let count = 0;
  await new Promise((resolve, reject) => {
    const listener = () => {
      count++;
      task.offProgressUpdate(listener);
    };
    const task = client.uploadFile({ cloudPath: 'b', filePath, success: resolve, fail: reject });
    task.onProgressUpdate(listener);
    task.onHeadersReceived(({ header }) => assert.equal(header['content-type'], 'application/xml'));
  });
  assert.equal(count, 1);
});

test('abort before, during and after the transfer', async () => {
  const filePath = new Uint8Array(3_000_000);
  const early = client.uploadFile({ cloudPath: 'a', filePath });
  early.abort();
  assert.equal((await failureOf(early)).errMsg, 'uploadFile:fail abort');

  const running = client.uploadFile({ cloudPath: 'a', filePath });
  running.onProgressUpdate(() => running.abort());
  const error = await failureOf(running);
  assert.deepEqual([error.errMsg, error.errCode], ['uploadFile:fail abort', -1]);
  assert.equal(server.uploads.length, 0);

  const told = await new Promise((resolve) => {
    const task = client.uploadFile({ cloudPath: 'a', filePath, complete: resolve });
    task.abort();
  });
  assert.equal(told.errMsg, 'uploadFile:fail abort');

  const late = client.uploadFile({ cloudPath: 'a', filePath: new Uint8Array(1) });
  const result = await late;
  late.abort();
  assert.equal(result.statusCode, 201);
});

test('what the storage and the server refuse', async () => {
  const filePath = new Uint8Array(1);
  server.uploadStatus = 403;
  const refused = await failureOf(client.uploadFile({ cloudPath: 'a', filePath }));
  assert.equal(refused.errCode, -503001);
  assert.match(refused.errMsg, /^uploadFile:fail -503001 .*HTTP 403: the form has expired$/);

  server.web = () => ({ code: 'STORAGE_EXCEED_AUTHORITY', message: 'not yours' });
  const denied = await failureOf(client.uploadFile({ cloudPath: 'a', filePath }));
  assert.deepEqual(
    [denied.errCode, denied.errMsg],
    [-503002, 'uploadFile:fail -503002 storage permission denied. not yours'],
  );

  const missing = await failureOf(client.uploadFile({ cloudPath: 'a', filePath: '/no/such/file' }));
  assert.match(missing.errMsg, /^uploadFile:fail /);
});

test('a download lands in a file, with progress', async () => {
  const bytes = Buffer.alloc(500_000, 7);
  server.files.set('dir/图.jpg', bytes);
  const seen = [];
  const download = client.downloadFile({ fileID: 'cloud://env-x.bucket/dir/图.jpg' });
  download.onProgressUpdate((event) => seen.push(event));
  const { tempFilePath, statusCode, errMsg } = await download;
  assert.deepEqual([statusCode, errMsg], [200, 'downloadFile:ok']);
  assert.match(tempFilePath, /\.jpg$/);
  assert.deepEqual(readFileSync(tempFilePath), bytes);
  assert.deepEqual(seen.at(-1), {
    progress: 100,
    totalBytesWritten: bytes.length,
    totalBytesExpectedToWrite: bytes.length,
  });
  rmSync(dirname(tempFilePath), { recursive: true });
});

test('a file that is not there cannot be downloaded', async () => {
  const fileID = 'cloud://env-x.bucket/none/x.jpg';
  const error = await failureOf(client.downloadFile({ fileID }));
  assert.equal(error.errCode, -503003);
  const gone = await failureOf(client.downloadFile({ fileID: 'cloud://env-x.bucket/gone.jpg' }));
  assert.match(gone.errMsg, /^downloadFile:fail .*HTTP 404/);
  const aborted = client.downloadFile({ fileID });
  aborted.abort();
  assert.equal((await failureOf(aborted)).errMsg, 'downloadFile:fail abort');
});
