/**
 * The album's whole story on two phones: an album, photos with progress, likes, comments, an
 * invitation by code, a second user who joins, and a deletion; each step judged by what is seen.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../harness/server.mjs';
import { albumDir, browser, Phone, seedPictures } from './phone.mjs';

test('two people share an album', async (t) => {
  const server = await serve(t, albumDir, { args: ['--no-watch'] });
  const launched = await browser(t);
  const alice = await Phone.of(launched, 'alice', server.url);
  const bob = await Phone.of(launched, 'bob', server.url);
  const albumName = '海边的周末';

  let broken = false;
  /** A step of the story; after one that failed the rest means nothing. */
  const step = (/** @type {string} */ name, /** @type {() => Promise<void>} */ act) =>
    t.test(name, { skip: broken && 'an earlier step failed' }, async () => {
      await act().catch(async (error) => {
        broken = true;
        await alice.photograph('99-alice-at-the-failure');
        await bob.photograph('99-bob-at-the-failure');
        throw error;
      });
    });

  await step('somebody new is signed in silently and has no album', async () => {
    await alice.open('/');
    await alice.shows('my-name', /\S/);
    await alice.seen('state').waitFor();
    await alice.photograph('01-no-album');
  });

  await step('an album is made', async () => {
    await alice.tap('state-action');
    await alice.write('album-name-input', albumName);
    await alice.photograph('02-new-album');
    await alice.tap('album-name-confirm');
    await alice.shows('album-title', albumName);
    await alice.shows('photo-count', '0 张照片');
  });

  const files = seedPictures(['mist-mountains', 'golden-pines', 'dunes', 'aurora']);
  await step('several photos are uploaded, each with its progress', async () => {
    const devtools = await alice.page.context().newCDPSession(alice.page);
    // Slow enough for a person to see the bars move.
    const slow = { offline: false, latency: 20, downloadThroughput: -1, uploadThroughput: 400_000 };
    await devtools.send('Network.emulateNetworkConditions', slow);
    const chooser = alice.page.waitForEvent('filechooser');
    await alice.tap('upload-button');
    await (await chooser).setFiles(files);
    await alice.counts('upload-row', files.length);
    await alice.shows('upload-row', /(?<!\d)[1-9]\d?%/);
    await alice.photograph('03-uploading');
    await devtools.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 });
    for (let n = 0; n < files.length; n += 1) {
      await alice.page.locator('[data-testid="upload-row"][data-state="done"]').nth(n).waitFor();
    }
    await alice.shows('upload-summary', `${files.length} 张`);
    await alice.tap('upload-close');
    await alice.shows('photo-count', `${files.length} 张照片`);
  });

  await step('the grid shows thumbnails, the right way up', async () => {
    await alice.counts('photo-item', files.length);
    const sizes = await alice.pictures(alice.seen('photo-item'));
    assert.equal(sizes.length, files.length);
    await alice.photograph('04-grid');
  });

  let photoId = '';
  await step('a photo fills the screen, is liked and commented', async () => {
    const first = alice.seen('photo-item').first();
    photoId = (await first.getAttribute('data-photo-id')) ?? '';
    await first.tap();
    await alice.seen('viewer').waitFor();
    const [size] = await alice.pictures(alice.seen('viewer-photo'));
    assert.ok(Math.max(size.width, size.height) >= 700, JSON.stringify(size));
    await alice.tap('like-button');
    await alice.shows('like-count', '1');
    assert.equal(await alice.seen('like-button').getAttribute('data-liked'), 'true');
    await alice.tap('comment-button');
    await alice.write('comment-input', '那天的风很大');
    await alice.tap('comment-send');
    await alice.shows('comment-item', '那天的风很大');
    await alice.reads('comment-input', '');
    await alice.photograph('05-comment');
    await alice.tap('sheet-close');
    await alice.shows('comment-count', '1');
    await alice.photograph('06-viewer');
  });

  let link = '';
  await step('a code invites', async () => {
    await alice.tap('back');
    await alice.tap('share-button');
    await alice.seen('share-code').waitFor();
    const [code] = await alice.pictures(alice.seen('share-code'));
    assert.ok(code.width >= 200, JSON.stringify(code));
    assert.ok(Math.abs(code.width - code.height) <= 2, 'a code is square');
    await alice.shows('share-link', /scene=/);
    link = await alice.text('share-link');
    await alice.photograph('07-share');
    const scene = await alice.seen('share-code').getAttribute('data-scene');
    assert.ok(scene && scene.length <= 32 && link.includes(scene), `${link} ${scene}`);
  });

  await step('the second user sees the shared album and joins', async () => {
    const url = new URL(link);
    assert.equal(url.origin, server.url);
    await bob.open(url.pathname + url.search);
    await bob.shows('landing-title', albumName);
    await bob.shows('landing-meta', `${files.length} 张照片`);
    await bob.pictures(bob.seen('landing-pictures'));
    await bob.photograph('08-landing');
    await bob.tap('join-button');
    await bob.shows('album-title', albumName);
    await bob.counts('photo-item', files.length);
    await bob.pictures(bob.seen('photo-item'));
    assert.equal(await bob.seen('members').getAttribute('data-count'), '2');
  });

  await step('the second user likes and comments', async () => {
    await bob.page.locator(`[data-testid="photo-item"][data-photo-id="${photoId}"]`).tap();
    await bob.shows('like-count', '1');
    assert.equal(await bob.seen('like-button').getAttribute('data-liked'), 'false');
    await bob.tap('like-button');
    await bob.shows('like-count', '2');
    await bob.tap('comment-button');
    await bob.shows('comment-item', '那天的风很大');
    await bob.write('comment-input', '下次带上我');
    await bob.tap('comment-send');
    await bob.shows('comment-item', '下次带上我');
    await bob.reads('comment-input', '');
    await bob.photograph('09-second-user');
    await bob.tap('sheet-close');
    await bob.shows('comment-count', '2');
  });

  await step('a guest cannot delete what is not theirs', async () => {
    assert.equal(await bob.seen('photo-more').count(), 0);
  });

  await step('the first user sees what the second did', async () => {
    await alice.open('/');
    await alice.shows('album-name', albumName);
    await alice.tap('album-item');
    await alice.counts('photo-item', files.length);
    await alice.page.locator(`[data-testid="photo-item"][data-photo-id="${photoId}"]`).tap();
    await alice.shows('like-count', '2');
    await alice.shows('comment-count', '2');
    await alice.tap('comment-button');
    await alice.counts('comment-item', 2);
    await alice.shows('comment-item', '下次带上我');
    await alice.photograph('10-both');
    await alice.tap('sheet-close');
  });

  await step('the owner deletes a photo, and it is gone for both', async () => {
    await alice.tap('photo-more');
    await alice.choose('删除照片');
    await alice.answer('删除');
    await alice.page
      .locator(`[data-testid="viewer-photo"][data-photo-id="${photoId}"]`)
      .waitFor({ state: 'detached' });
    await alice.tap('back');
    await alice.shows('photo-count', `${files.length - 1} 张照片`);
    await alice.counts('photo-item', files.length - 1);
    await bob.open('/');
    await bob.shows('album-name', albumName);
    await bob.tap('album-item');
    await bob.counts('photo-item', files.length - 1);
  });

  await step('the list shows the album with its cover and count', async () => {
    await alice.open('/');
    await alice.shows('album-item', new RegExp(`${albumName}[^]*${files.length - 1} 张`));
    await alice.pictures(alice.seen('album-item'));
    await alice.photograph('11-list');
  });

  await step('a stranger is kept out', async () => {
    const carol = await Phone.of(launched, 'carol', server.url);
    await alice.tap('album-item');
    await alice.shows('album-title', albumName);
    const { hash } = new URL(alice.page.url());
    await carol.open(`/${hash}`);
    await carol.seen('state').waitFor();
    assert.equal(await carol.seen('photo-item').count(), 0);
    assert.ok(!(await carol.page.locator('body').innerText()).includes(albumName));
    await carol.photograph('12-stranger');
  });

  alice.hasNoTrouble();
  bob.hasNoTrouble();
});
