/** Ranges, ETag, conditional requests, HEAD and the headers that keep uploads harmless. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('a download has ranges and an ETag', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const app = nodeSdk(server);
  const body = 'abcdefghijklmnopqrstuvwxyz';
  const upload = { cloudPath: 'letters.html', fileContent: Buffer.from(body) };
  const { fileID } = await app.uploadFile(upload);
  const url = (await app.getTempFileURL({ fileList: [fileID] })).fileList[0].tempFileURL;

  const whole = await fetch(url);
  assert.equal(await whole.text(), body);
  assert.equal(whole.headers.get('accept-ranges'), 'bytes');
  assert.equal(whole.headers.get('x-content-type-options'), 'nosniff');
  assert.match(whole.headers.get('content-security-policy') ?? '', /sandbox/);
  const etag = whole.headers.get('etag') ?? '';
  assert.match(etag, /^(W\/)?".+"$/);

  /** @type {[string, string, string][]} range, text, content-range */
  const ranges = [
    ['bytes=0-4', 'abcde', 'bytes 0-4/26'],
    ['bytes=20-', 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=-3', 'xyz', 'bytes 23-25/26'],
    ['bytes=24-99', 'yz', 'bytes 24-25/26'],
  ];
  for (const [range, text, place] of ranges) {
    await t.test(`range ${range}`, async () => {
      const part = await fetch(url, { headers: { range } });
      assert.equal(part.status, 206);
      assert.equal(part.headers.get('content-range'), place);
      assert.equal(await part.text(), text);
    });
  }
  await t.test('a range beyond the end', async () => {
    const part = await fetch(url, { headers: { range: 'bytes=26-' } });
    await part.arrayBuffer();
    assert.equal(part.status, 416);
    assert.equal(part.headers.get('content-range'), 'bytes */26');
  });
  await t.test('a range that is none is the whole file', async () => {
    const response = await fetch(url, { headers: { range: 'lines=1-2' } });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), body);
  });
  await t.test('If-None-Match', async () => {
    const same = await fetch(url, { headers: { 'if-none-match': etag } });
    assert.equal(same.status, 304);
    assert.equal(await same.text(), '');
    const other = await fetch(url, { headers: { 'if-none-match': '"other"' } });
    assert.equal(other.status, 200);
    await other.arrayBuffer();
  });
  await t.test('HEAD', async () => {
    const head = await fetch(url, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), '26');
    assert.equal(head.headers.get('etag'), etag);
  });
  await t.test('another content has another ETag', async () => {
    const other = { cloudPath: 'letters.html', fileContent: Buffer.from('else') };
    await app.uploadFile(other);
    const again = (await app.getTempFileURL({ fileList: [fileID] })).fileList[0].tempFileURL;
    const response = await fetch(again);
    assert.equal(await response.text(), 'else');
    assert.notEqual(response.headers.get('etag'), etag);
  });
});
