/** uploadFile, getTempFileURL, downloadFile and deleteFile of `wx-server-sdk` in a function. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`files inside a function with wx-server-sdk ${range}`, async (t) => {
    const functions = { storage: { from: 'storage', sdk: range } };
    const server = await serve(t, (await project(t, { functions })).dir);
    const caller = await Caller.signIn(server, 'alice');
    const { envId } = server.credentials();
    const seen = await caller.call('storage', { path: '相册/一.txt', text: '云开' });
    const { fileID } = seen.uploaded;
    assert.match(fileID, new RegExp(`^cloud://${envId}\\..+/相册/一\\.txt$`));
    assert.equal(seen.uploaded.errMsg, 'uploadFile:ok');
    assert.equal(seen.text, '云开');
    assert.equal(seen.downloaded.errMsg, 'downloadFile:ok');
    assert.equal(seen.link.errMsg, 'getTempFileURL:ok');
    for (const one of [seen.link.fileList[0], seen.withAge.fileList[0]]) {
      assert.equal(one.fileID, fileID);
      assert.equal(one.status, 0);
      assert.equal(one.errMsg, 'ok');
      assert.match(one.tempFileURL, /^https?:/);
    }
    assert.notEqual(seen.missingLink.fileList[0].status, 0);
    assert.ok(!seen.missingLink.fileList[0].tempFileURL);
    assert.equal(seen.deleted.errMsg, 'deleteFile:ok');
    assert.equal(seen.deleted.fileList[0].status, 0);

    await t.test('a link made inside works outside', async () => {
      const kept = await caller.call('storage', { path: 'kept.txt', text: 'kept', keep: true });
      const response = await fetch(kept.link.fileList[0].tempFileURL);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), 'kept');
    });
  });
}
