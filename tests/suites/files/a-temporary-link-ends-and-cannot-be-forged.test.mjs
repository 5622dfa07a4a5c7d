/** A link works until its age is over, and for its file alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/** @param {string | URL} url */
async function status(url) {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

test('a temporary link ends and cannot be forged', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const app = nodeSdk(server);
  const link = async (/** @type {string} */ fileID, /** @type {number} */ maxAge) =>
    (await app.getTempFileURL({ fileList: [{ fileID, maxAge }] })).fileList[0].tempFileURL;
  const upload = (/** @type {string} */ cloudPath) =>
    app.uploadFile({ cloudPath, fileContent: Buffer.from(cloudPath) });
  const { fileID: one } = await upload('one.txt');
  await upload('two.txt');
  const good = await link(one, 3600);
  assert.equal(await status(good), 200);

  await t.test('every signed part is signed', async () => {
    const names = [...new URL(good).searchParams.keys()];
    assert.ok(names.length >= 2, good);
    for (const name of names) {
      const forged = new URL(good);
      const value = forged.searchParams.get(name) ?? '';
      forged.searchParams.set(name, /^\d+$/.test(value) ? String(Number(value) + 1) : `${value}x`);
      assert.equal(await status(forged), 403, `${name} was changed`);
      const without = new URL(good);
      without.searchParams.delete(name);
      assert.equal(await status(without), 403, `${name} was left out`);
    }
  });
  await t.test('a link is for its file alone', async () => {
    assert.equal(await status(good.replace('one.txt', 'two.txt')), 403);
  });
  await t.test('without a signature there is no file', async () => {
    assert.equal(await status(good.split('?')[0]), 403);
  });
  await t.test('a link ends', async () => {
    const short = await link(one, 1);
    await eventually('the link has ended', async () => (await status(short)) === 403);
    assert.equal(await status(good), 200);
  });
});
