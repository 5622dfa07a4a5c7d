/** The two ways a client sends a file, and what a forged form gets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { links, uploadByForm, uploadByPut } from '../../harness/upload.mjs';

test('a client uploads by form and by PUT', async (t) => {
  const yunkai = { storage: { acl: 'PRIVATE' } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const alice = await Caller.signIn(server, 'alice');

  await t.test('a form is answered with 201 and XML', async () => {
    const { fileId, response, text } = await uploadByForm(alice, '照片/1.txt', 'by form');
    assert.equal(response.status, 201, text);
    assert.match(text, /<PostResponse>.*<ETag>/s);
    assert.match(fileId, /^cloud:\/\/.+\/照片\/1\.txt$/);
    const [link] = await links(alice, [fileId]);
    assert.equal(link.code, 'SUCCESS');
    assert.equal(link.download_url, link.tempFileURL);
    assert.equal(await (await fetch(link.download_url)).text(), 'by form');
  });
  await t.test('a PUT is answered with 2xx', async () => {
    const { fileId, response, text } = await uploadByPut(alice, 'put.txt', 'by put');
    assert.ok(response.ok, text);
    const [link] = await links(alice, [fileId]);
    assert.equal(await (await fetch(link.download_url)).text(), 'by put');
  });
  await t.test('the browser may ask before it puts', async () => {
    const meta = await alice.web('storage.getUploadMetadata', { path: 'x.txt' });
    const asked = 'authorization,x-cos-meta-fileid,x-cos-security-token';
    const response = await fetch(meta.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://example.com',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': asked,
      },
    });
    await response.arrayBuffer();
    assert.ok(response.ok);
    assert.ok(response.headers.get('access-control-allow-origin'));
    assert.match(response.headers.get('access-control-allow-methods') ?? '', /PUT/);
    const allowed = (response.headers.get('access-control-allow-headers') ?? '').toLowerCase();
    for (const header of asked.split(',')) assert.ok(allowed.includes(header), allowed);
  });
  const altered = (/** @type {string} */ text) =>
    text.slice(0, -2) + (text.endsWith('AA') ? 'BB' : 'AA');
  const meta = await alice.web('storage.getUploadMetadata', { path: 'forged.txt' });
  const other = await alice.web('storage.getUploadMetadata', { path: 'other.txt' });
  /** @type {[string, string, string][]} title, signature, token */
  const forged = [
    ['a forged proof', 'forged', 'forged'],
    ['an altered proof', altered(meta.authorization), altered(meta.token)],
    ['the proof for another file', other.authorization, other.token],
    ['no proof', '', ''],
  ];
  for (const [title, signature, token] of forged) {
    await t.test(`a form with ${title} is refused`, async () => {
      const changed = { signature, 'x-cos-security-token': token };
      const { fileId, response, text } = await uploadByForm(alice, 'forged.txt', 'evil', changed);
      assert.ok(response.status >= 400, `${response.status}: ${text}`);
      assert.match(text, /<Error>.*<Code>/s);
      for (const link of await links(alice, [fileId, other.fileId])) {
        assert.equal(link.code, 'STORAGE_FILE_NONEXIST');
      }
    });
    await t.test(`a PUT with ${title} is refused`, async () => {
      const headers = { authorization: signature, 'x-cos-security-token': token };
      const { fileId, response } = await uploadByPut(alice, 'forged.txt', 'evil', headers);
      assert.ok(response.status >= 400);
      assert.equal((await links(alice, [fileId]))[0].code, 'STORAGE_FILE_NONEXIST');
    });
  }
  await t.test('another key in the form leads to no other file', async () => {
    await uploadByForm(alice, 'granted.txt', 'evil', { key: 'other.txt' });
    assert.equal((await links(alice, [other.fileId]))[0].code, 'STORAGE_FILE_NONEXIST');
  });
});
