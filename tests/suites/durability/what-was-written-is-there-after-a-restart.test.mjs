/** Documents, files, collections, accounts and credentials survive an orderly restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('what was written is there after a restart', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const before = server.credentials();
  const app = nodeSdk(server);
  await app.database().createCollection('c');
  await app
    .database()
    .collection('c')
    .add({ _id: 'x', at: new Date(5), list: [1, { a: '文' }] });
  const file = { cloudPath: '文件.txt', fileContent: Buffer.from('still here') };
  const { fileID } = await app.uploadFile(file);
  const caller = await Caller.signIn(server, 'alice');

  const { code, signal } = await server.stop();
  assert.deepEqual([code, signal], [0, null], 'SIGTERM is an orderly end');
  await server.start();

  assert.deepEqual(server.credentials(), before);
  const again = nodeSdk(server);
  const { data } = await again.database().collection('c').get();
  assert.deepEqual(data, [{ _id: 'x', at: new Date(5), list: [1, { a: '文' }] }]);
  const { fileContent } = await again.downloadFile({ fileID });
  assert.equal(fileContent.toString(), 'still here');
  assert.equal((await Caller.signIn(server, 'alice')).openid, caller.openid);
});
