/** `@cloudbase/js-sdk` 1.8.4: anonymous sign-in, functions, documents and files over `/web`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsSdk } from '../../harness/js-sdk.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('the client SDK of the vendor works unmodified', async (t) => {
  const { dir } = await project(t, {
    functions: { echo: 'echo', failing: 'failing' },
    yunkai: { collections: { posts: { acl: 'READONLY' } }, storage: { acl: 'PRIVATE' } },
  });
  const server = await serve(t, dir);
  const app = jsSdk(server);
  const auth = app.auth({ persistence: 'none' });
  await auth.anonymousAuthProvider().signIn();
  assert.ok(await auth.getLoginState());
  const db = app.database();
  const _ = db.command;

  await t.test('functions', async () => {
    const { result, requestId } = await app.callFunction({ name: 'echo', data: { a: '文' } });
    assert.equal(result.a, '文');
    assert.ok(requestId);
    await assert.rejects(
      app.callFunction({ name: 'failing', data: { how: 'throw an error' } }),
      /OPERATION_FAIL.*the shop is closed/s,
    );
  });
  await t.test('documents', async () => {
    const posts = db.collection('posts');
    const { id } = await posts.add({ n: 1, at: new Date(9), o: { a: 1, b: 2 } });
    assert.ok(id);
    const { data } = await posts.doc(id).get();
    assert.equal(data[0].n, 1);
    assert.ok(data[0].at instanceof Date);
    assert.ok(data[0]._openid);
    assert.equal((await posts.doc(id).update({ n: _.inc(1), o: { a: 5 } })).updated, 1);
    const after = (await posts.where({ n: _.gt(1), o: { b: 2 } }).get()).data;
    assert.deepEqual(after[0].o, { a: 5, b: 2 });
    assert.equal((await posts.where({ n: 2 }).count()).total, 1);
    assert.equal((await posts.doc(id).remove()).deleted, 1);
  });
  await t.test('a missing collection resolves with a code, as on the platform', async () => {
    const answer = await db.collection('nowhere').get();
    assert.equal(answer.code, 'DATABASE_COLLECTION_NOT_EXIST');
  });
  await t.test('files', async () => {
    const filePath = new Blob(['照片'], { type: 'text/plain' });
    const { fileID } = await app.uploadFile({ cloudPath: '目录/照片.txt', filePath });
    assert.match(fileID, /^cloud:\/\/.+\/目录\/照片\.txt$/);
    const { fileList } = await app.getTempFileURL({ fileList: [fileID] });
    const response = await fetch(fileList[0].download_url ?? fileList[0].tempFileURL);
    assert.equal(await response.text(), '照片');
    const deleted = await app.deleteFile({ fileList: [fileID] });
    assert.equal(deleted.fileList[0].code, 'SUCCESS');
  });
});
