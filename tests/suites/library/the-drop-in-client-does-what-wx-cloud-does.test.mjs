/** Our own library against the real server: the calls of `wx.cloud` and the shapes they answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { client } from '../../harness/library.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('the drop-in client does what wx.cloud does', async (t) => {
  const { dir } = await project(t, {
    functions: { context: { from: 'context', sdk: 'latest' }, failing: 'failing' },
    yunkai: {
      collections: { posts: { acl: 'READONLY' }, secrets: { acl: 'ADMINONLY' } },
      storage: { acl: 'READONLY' },
    },
  });
  const server = await serve(t, dir);
  const alice = await client(server, 'alice');
  const bob = await client(server, 'bob');
  const db = alice.database();
  const _ = db.command;

  await t.test('callFunction', async () => {
    const answer = await alice.callFunction({ name: 'context', data: { a: 1 } });
    assert.equal(answer.errMsg, 'cloud.callFunction:ok');
    assert.equal(typeof answer.requestID, 'string');
    assert.equal(answer.result.event.a, 1);
    const other = await bob.callFunction({ name: 'context' });
    assert.notEqual(answer.result.wx.OPENID, other.result.wx.OPENID);
  });
  await t.test('callFunction with callbacks', async () => {
    const answer = await new Promise((resolve, reject) => {
      const value = alice.callFunction({ name: 'context', success: resolve, fail: reject });
      assert.equal(value, undefined);
    });
    assert.equal(answer.errMsg, 'cloud.callFunction:ok');
  });
  await t.test('a function that throws', async () => {
    const call = alice.callFunction({ name: 'failing', data: { how: 'throw an error' } });
    const error = await refusal(call);
    assert.ok(error.errCode < 0);
    assert.match(error.errMsg, /^cloud\.callFunction:fail.*the shop is closed/s);
  });
  await t.test('documents', async () => {
    const posts = db.collection('posts');
    const added = await posts.add({ data: { n: 1, at: new Date(7), o: { a: { b: 1 } }, to: [] } });
    assert.equal(added.errMsg, 'collection.add:ok');
    const { data } = await posts.doc(added._id).get();
    assert.ok(data.at instanceof Date);
    assert.equal(data._openid.length > 0, true);
    const change = { n: _.inc(2), o: { a: { c: 2 } }, to: _.push(['x']) };
    const updated = await posts.doc(added._id).update({ data: change });
    assert.deepEqual(updated, { stats: { updated: 1 }, errMsg: 'document.update:ok' });
    const after = (await bob.database().collection('posts').doc(added._id).get()).data;
    assert.deepEqual([after.n, after.o, after.to], [3, { a: { b: 1, c: 2 } }, ['x']]);
    const foreign = await bob.database().collection('posts').doc(added._id).remove();
    assert.deepEqual(foreign.stats, { removed: 0 });
    const missing = await refusal(posts.doc('nobody').get());
    assert.match(missing.errMsg, /^document\.get:fail.*nobody does not exist/);
    assert.equal((await posts.where({ n: _.gt(2).and(_.lt(5)) }).count()).total, 1);
  });
  await t.test('a client page has 20 documents', async () => {
    const rows = Array.from({ length: 30 }, (_none, n) => ({ page: true, n }));
    await nodeSdk(server).database().collection('posts').add(rows);
    const query = db.collection('posts').where({ page: true });
    assert.equal((await query.get()).data.length, 20);
    const page = await query.orderBy('n', 'desc').skip(2).limit(3).field({ n: true }).get();
    assert.deepEqual(
      page.data.map((/** @type {any} */ one) => one.n),
      [27, 26, 25],
    );
  });
  await t.test('error codes', async () => {
    const denied = await refusal(db.collection('secrets').get());
    assert.equal(denied.errCode, -502003);
    const missing = await refusal(db.collection('nowhere').get());
    assert.equal(missing.errCode, -502005);
  });
  await t.test('files', async () => {
    const bytes = new Uint8Array(400_000).map((_none, n) => n % 251);
    /** @type {number[]} */
    const seen = [];
    const uploaded = await new Promise((resolve, reject) => {
      const task = alice.uploadFile({
        cloudPath: '相册/一.bin',
        filePath: new Blob([bytes]),
        success: resolve,
        fail: reject,
      });
      task.onProgressUpdate((/** @type {any} */ event) => seen.push(event.progress));
    });
    assert.match(uploaded.fileID, /^cloud:\/\/.+\/相册\/一\.bin$/);
    assert.equal(seen.at(-1), 100);
    const links = await bob.getTempFileURL({ fileList: [uploaded.fileID] });
    assert.equal(links.errMsg, 'cloud.getTempFileURL:ok');
    assert.equal(links.fileList[0].status, 0);
    const response = await fetch(links.fileList[0].tempFileURL);
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
    const refused = await bob.deleteFile({ fileList: [uploaded.fileID] });
    assert.notEqual(refused.fileList[0].status, 0);
    const deleted = await alice.deleteFile({ fileList: [uploaded.fileID] });
    assert.equal(deleted.fileList[0].status, 0);
  });
  await t.test('an aborted upload leaves nothing', async () => {
    const error = await new Promise((resolve, reject) => {
      const task = alice.uploadFile({
        cloudPath: 'aborted.bin',
        filePath: new Blob([new Uint8Array(30_000_000)]),
        success: () => reject(new Error('it was not aborted')),
        fail: resolve,
      });
      task.onProgressUpdate(() => task.abort());
    });
    assert.match(error.errMsg, /uploadFile:fail.*abort/);
    const { fileList } = await nodeSdk(server).getTempFileURL({
      fileList: [`cloud://${server.credentials().envId}.x/aborted.bin`],
    });
    assert.notEqual(fileList[0].code, 'SUCCESS');
  });
  await t.test('an anonymous client', async () => {
    const nobody = await client(server, null);
    const { result } = await nobody.callFunction({ name: 'context', data: {} });
    assert.ok(!result.wx.OPENID);
  });
});
