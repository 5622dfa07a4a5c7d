/** READONLY, PRIVATE, ADMINWRITE, ADMINONLY for files: owner, another user, administrator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { links, uploadByForm } from '../../harness/upload.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/** @type {{ acl: string, write: boolean, owner: boolean, other: boolean }[]} */
const modes = [
  { acl: 'READONLY', write: true, owner: true, other: true },
  { acl: 'PRIVATE', write: true, owner: true, other: false },
  { acl: 'ADMINWRITE', write: false, owner: true, other: true },
  { acl: 'ADMINONLY', write: false, owner: false, other: false },
];
const denied = /^(STORAGE_EXCEED_AUTHORITY|PERMISSION_DENIED)$/;

for (const { acl, write, owner, other } of modes) {
  test(`files under ${acl}`, async (t) => {
    const server = await serve(t, (await project(t, { yunkai: { storage: { acl } } })).dir);
    const alice = await Caller.signIn(server, 'alice');
    const bob = await Caller.signIn(server, 'bob');
    const app = nodeSdk(server);

    /** @type {string} */
    let fileId;
    if (write) {
      const up = await uploadByForm(alice, 'photo.txt', 'of alice');
      assert.equal(up.response.status, 201);
      fileId = up.fileId;
    } else {
      const error = await refusal(alice.web('storage.getUploadMetadata', { path: 'photo.txt' }));
      assert.match(error.code, denied);
      const made = await app.uploadFile({ cloudPath: 'photo.txt', fileContent: Buffer.from('a') });
      fileId = made.fileID;
    }

    await t.test('reading', async () => {
      for (const [caller, allowed] of /** @type {const} */ ([
        [alice, owner],
        [bob, other],
      ])) {
        const [link] = await links(caller, [fileId]);
        if (allowed) {
          assert.equal(link.code, 'SUCCESS');
        } else {
          assert.match(link.code, denied);
          assert.ok(!link.download_url && !link.tempFileURL);
        }
      }
      const { fileList } = await app.getTempFileURL({ fileList: [fileId] });
      assert.equal(fileList[0].code, 'SUCCESS');
    });
    await t.test('another user cannot write over it', async () => {
      const error = await refusal(bob.web('storage.getUploadMetadata', { path: 'photo.txt' }));
      assert.match(error.code, denied);
    });
    await t.test('another user cannot delete it', async () => {
      const { delete_list: list } = await bob.web('storage.batchDeleteFile', {
        fileid_list: [fileId],
      });
      assert.match(list[0].code, denied);
      const { fileList } = await app.getTempFileURL({ fileList: [fileId] });
      assert.equal(fileList[0].code, 'SUCCESS');
    });
    await t.test('the owner deletes it where owners may write', async () => {
      const { delete_list: list } = await alice.web('storage.batchDeleteFile', {
        fileid_list: [fileId],
      });
      if (write) assert.equal(list[0].code, 'SUCCESS');
      else assert.match(list[0].code, denied);
    });
    await t.test('somebody without a token gets nothing', async () => {
      const nobody = new Caller(server, { access_token: undefined });
      const error = await refusal(nobody.web('storage.getUploadMetadata', { path: 'n.txt' }));
      assert.ok(error.code);
    });
  });
}
