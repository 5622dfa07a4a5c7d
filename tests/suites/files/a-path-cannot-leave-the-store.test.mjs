/** Hostile paths of files: refused with a code, and nothing appears outside the data directory. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { admin } from '../../harness/wire.mjs';

const paths = [
  '',
  '/',
  '/absolute.txt',
  '..',
  '../up.txt',
  'a/../../up.txt',
  'a/..',
  'a//b.txt',
  './a.txt',
  'a/./b.txt',
  'nul\u0000.txt',
  `${'long/'.repeat(400)}x`,
];

test('a path cannot leave the store', async (t) => {
  const yunkai = { storage: { acl: 'READONLY' } };
  const root = await temporaryFolder(t);
  const made = await project(t, { yunkai });
  const server = await serve(t, made.dir, { data: path.join(root, 'data') });
  const caller = await Caller.signIn(server, 'alice');
  for (const name of paths) {
    await t.test(JSON.stringify(name).slice(0, 40), async () => {
      const error = await refusal(caller.web('storage.getUploadMetadata', { path: name }));
      assert.match(error.code, /^(INVALID_PARAM|STORAGE_.*)$/);
      const { body } = await admin(server, { action: 'storage.getUploadMetadata', path: name });
      assert.match(body.code, /^(INVALID_PARAM|STORAGE_.*)$/);
    });
  }
  await t.test('hostile ids', async () => {
    const { envId } = server.credentials();
    const ids = ['', 'x', 'cloud://', `cloud://${envId}`, `cloud://${envId}.b/../../etc/passwd`];
    const { body } = await admin(server, {
      action: 'storage.batchGetDownloadUrl',
      file_list: ids.map((fileid) => ({ fileid })),
    });
    for (const one of body.data?.download_list ?? []) assert.notEqual(one.code, 'SUCCESS');
    assert.ok(body.code || body.data.download_list.length === ids.length);
  });
  await t.test('hostile addresses', async () => {
    const { envId } = server.credentials();
    const inside = [`/_files/${envId}/../../../etc/passwd`, `/_files/${envId}/%2e%2e/%2e%2e/etc`];
    for (const address of inside) {
      const response = await fetch(server.url + address);
      await response.arrayBuffer();
      assert.ok(response.status >= 400, address);
    }
  });
  assert.deepEqual(await readdir(root), ['data']);
});
