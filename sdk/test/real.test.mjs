/**
 * The same library against a real `yunkai dev` server, when YUNKAI_ENDPOINT names one. It needs no
 * project of its own: it uses simulated users, files, and names that do not exist.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { cloud } from '@yunkai/cloud';
import { failureOf } from './server.mjs';

const endpoint = process.env.YUNKAI_ENDPOINT;
const env = process.env.YUNKAI_ENV ?? '';
const skip = endpoint ? false : 'YUNKAI_ENDPOINT is not set';

describe('a real server', { skip }, () => {
  let alice;
  before(async () => {
    alice = new cloud.Cloud({ env, endpoint, login: () => 'dev-alice' });
    await alice.init();
  });

  test('lists its simulated users', async () => {
    const users = await alice.devUsers();
    assert.ok(users.every(({ name, nickname }) => name && nickname));
  });

  test('signs in by code and anonymously', async () => {
    const nobody = new cloud.Cloud({ env, endpoint, login: () => null });
    await nobody.init();
    for (const client of [alice, nobody]) {
      const error = await failureOf(client.database().collection('no_such_collection').get());
      assert.equal(error.errCode, -502005, error.errMsg);
      assert.match(error.errMsg, /database collection not exists/);
    }
  });

  test('a function that is not there', async () => {
    const error = await failureOf(alice.callFunction({ name: 'no_such_function', data: {} }));
    assert.equal(error.errCode, -501000, error.errMsg);
    assert.match(error.errMsg, /FUNCTION_NOT_FOUND/);
  });

  test('a file goes up, is linked, comes down, and is deleted', async () => {
    const content = Buffer.from('照片 '.repeat(100_000));
    const progress = [];
    const upload = alice.uploadFile({ cloudPath: 'sdk-test/照片 1.bin', filePath: content });
    upload.onProgressUpdate((event) => progress.push(event.progress));
    const { fileID, errMsg } = await upload;
    assert.equal(errMsg, 'uploadFile:ok');
    assert.equal(progress.at(-1), 100);
    const { fileList } = await alice.getTempFileURL({ fileList: [fileID] });
    assert.equal(fileList[0].status, 0);
    const { tempFilePath } = await alice.downloadFile({ fileID });
    assert.deepEqual(readFileSync(tempFilePath), content);
    const deleted = await alice.deleteFile({ fileList: [fileID] });
    assert.deepEqual(
      deleted.fileList.map(({ status }) => status),
      [0],
    );
    const gone = await failureOf(alice.downloadFile({ fileID }));
    assert.equal(gone.errCode, -503003, gone.errMsg);
  });
});
