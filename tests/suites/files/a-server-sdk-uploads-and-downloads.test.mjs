/** uploadFile, getTempFileURL, downloadFile, deleteFile of both generations of the node SDK. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

for (const generation of nodeSdks) {
  test(`files through ${generation}`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const app = nodeSdk(server, generation);
    const { envId } = server.credentials();
    const bytes = randomBytes(300_000);

    const { fileID } = await app.uploadFile({ cloudPath: 'a/b/c.bin', fileContent: bytes });
    assert.match(fileID, new RegExp(`^cloud://${envId}\\.[^/]+/a/b/c\\.bin$`));

    await t.test('download', async () => {
      const { fileContent } = await app.downloadFile({ fileID });
      assert.ok(bytes.equals(fileContent));
    });
    await t.test('a stream', async () => {
      const file = path.join(await temporaryFolder(t), 'stream.bin');
      await writeFile(file, bytes);
      const up = { cloudPath: 'stream.bin', fileContent: createReadStream(file) };
      const { fileID: streamed } = await app.uploadFile(up);
      const { fileContent } = await app.downloadFile({ fileID: streamed });
      assert.ok(bytes.equals(fileContent));
    });
    await t.test('an empty file', async () => {
      const up = { cloudPath: 'empty.txt', fileContent: Buffer.alloc(0) };
      const { fileID: empty } = await app.uploadFile(up);
      const { fileList } = await app.getTempFileURL({ fileList: [empty] });
      const response = await fetch(fileList[0].tempFileURL);
      assert.equal(response.status, 200);
      assert.equal((await response.arrayBuffer()).byteLength, 0);
    });
    await t.test('the same path again replaces the file', async () => {
      const again = await app.uploadFile({ cloudPath: 'a/b/c.bin', fileContent: Buffer.from('2') });
      assert.equal(again.fileID, fileID);
      const { fileContent } = await app.downloadFile({ fileID });
      assert.equal(fileContent.toString(), '2');
    });
    await t.test('Chinese names, spaces and signs', async () => {
      for (const name of ['相册/第一张 照片.jpg', 'a+b&c=d#e%20f?.txt', "it's (1) [2]~!@$,;.txt"]) {
        const { fileID: id } = await app.uploadFile({
          cloudPath: name,
          fileContent: Buffer.from(name),
        });
        assert.ok(id.endsWith(`/${name}`), id);
        const { fileContent } = await app.downloadFile({ fileID: id });
        assert.equal(fileContent.toString(), name);
      }
    });
    await t.test('links of several files, one of them missing', async () => {
      const missing = fileID.replace('c.bin', 'nothing.bin');
      const { fileList } = await app.getTempFileURL({
        fileList: [
          { fileID, maxAge: 600 },
          { fileID: missing, maxAge: 600 },
        ],
      });
      assert.equal(fileList[0].code, 'SUCCESS');
      assert.ok(fileList[0].tempFileURL.startsWith(server.url));
      assert.equal(fileList[1].code, 'STORAGE_FILE_NONEXIST');
      assert.ok(!fileList[1].tempFileURL);
    });
    await t.test('delete', async () => {
      const { fileList: links } = await app.getTempFileURL({ fileList: [fileID] });
      const { fileList } = await app.deleteFile({ fileList: [fileID] });
      assert.equal(fileList.length, 1);
      assert.equal(fileList[0].fileID, fileID);
      assert.equal(fileList[0].code, 'SUCCESS');
      const gone = await fetch(links[0].tempFileURL);
      await gone.arrayBuffer();
      assert.equal(gone.status, 404);
      const { fileList: after } = await app.getTempFileURL({ fileList: [fileID] });
      assert.equal(after[0].code, 'STORAGE_FILE_NONEXIST');
    });
  });
}
