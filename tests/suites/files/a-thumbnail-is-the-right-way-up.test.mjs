/** `imageMogr2/thumbnail/…` on the link: sizes, and the EXIF orientation applied. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { halves, look } from '../../harness/picture.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

const plain = { left: 'red', right: 'blue' };

/** @type {[string, number, number, Record<string, string>][]} */
const sizes = [
  ['thumbnail/60x', 60, 40, plain],
  ['thumbnail/x20', 30, 20, plain],
  ['thumbnail/60x60', 60, 40, plain],
  ['thumbnail/!50p', 60, 40, plain],
  ['thumbnail/60x60!', 60, 60, plain],
  ['thumbnail/!40x40r', 60, 40, plain],
];

/** What a viewer shows of "left red, right blue" under each orientation. */
/** @type {[number, boolean, Record<string, string>][]} orientation, turned, edges */
const orientations = [
  [1, false, { left: 'red', right: 'blue' }],
  [2, false, { left: 'blue', right: 'red' }],
  [3, false, { left: 'blue', right: 'red' }],
  [4, false, { left: 'red', right: 'blue' }],
  [5, true, { top: 'red', bottom: 'blue' }],
  [6, true, { top: 'red', bottom: 'blue' }],
  [7, true, { top: 'blue', bottom: 'red' }],
  [8, true, { top: 'blue', bottom: 'red' }],
];

test('a thumbnail is the right way up', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const app = nodeSdk(server);
  /** @param {string} cloudPath @param {Buffer} fileContent */
  const put = async (cloudPath, fileContent) => {
    const { fileID } = await app.uploadFile({ cloudPath, fileContent });
    return (await app.getTempFileURL({ fileList: [fileID] })).fileList[0].tempFileURL;
  };
  /** @param {string} url @param {string} how */
  const variant = async (url, how) => {
    const response = await fetch(`${url}&imageMogr2/${how}`);
    assert.equal(response.status, 200, how);
    assert.match(response.headers.get('content-type') ?? '', /^image\/jpeg/);
    return Buffer.from(await response.arrayBuffer());
  };

  const picture = halves(120, 80);
  const url = await put('plain.jpg', picture);
  for (const [how, width, height, edges] of sizes) {
    await t.test(how, async () => {
      const seen = look(await variant(url, how));
      assert.deepEqual([seen.width, seen.height], [width, height]);
      assert.equal(seen.left, edges.left);
      assert.equal(seen.right, edges.right);
    });
  }
  for (const [orientation, turned, edges] of orientations) {
    await t.test(`EXIF orientation ${orientation}`, async () => {
      const turnedUrl = await put(`o${orientation}.jpg`, halves(120, 80, orientation));
      const seen = /** @type {Record<string, any>} */ (
        look(await variant(turnedUrl, 'thumbnail/60x'))
      );
      assert.deepEqual([seen.width, seen.height], turned ? [60, 90] : [60, 40]);
      for (const [edge, colour] of Object.entries(edges)) assert.equal(seen[edge], colour, edge);
    });
  }
  await t.test('the original is left as it is', async () => {
    assert.ok(picture.equals(Buffer.from(await (await fetch(url)).arrayBuffer())));
  });
  await t.test('twice the same variant', async () => {
    const [first, second] = await Promise.all([
      variant(url, 'thumbnail/33x'),
      variant(url, 'thumbnail/33x'),
    ]);
    assert.ok(first.equals(second));
  });
  await t.test('a processing that does not exist gives the original', async () => {
    const response = await fetch(`${url}&imageMogr2/conjure/1`);
    assert.equal(response.status, 200);
    assert.ok(picture.equals(Buffer.from(await response.arrayBuffer())));
  });
  await t.test('a file that is no picture comes as it is', async () => {
    const textUrl = await put('text.txt', Buffer.from('no picture'));
    const response = await fetch(`${textUrl}&imageMogr2/thumbnail/60x`);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), 'no picture');
  });
  await t.test('a size beyond reason makes no giant', async () => {
    const response = await fetch(`${url}&imageMogr2/thumbnail/99999x99999!`);
    assert.ok(Number((await response.arrayBuffer()).byteLength) < 10_000_000);
  });
});
