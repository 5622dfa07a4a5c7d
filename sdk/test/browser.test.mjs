/**
 * The library in a real page: sign-in by the user switcher, upload progress and abort by XHR,
 * `blob:` downloads. The page runs in Chromium, posts what it saw to the server of the tests, and
 * is closed. Without a Chromium (`CHROMIUM`, else /usr/bin/chromium) this file is skipped and says
 * so.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer, storageAnswers } from './server.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = existsSync(CHROMIUM) ? false : `${CHROMIUM} is not installed`;
const library = readFileSync(new URL('../dist/index.mjs', import.meta.url));

/** What the page does; its text is sent to the page, so it uses nothing from this file. */
async function page() {
  const { cloud } = await import('/cloud.mjs');
  cloud.init({ env: 'env-x' });
  const db = cloud.database();
  const { data } = await db
    .collection('t')
    .where({ at: db.command.lt(new Date(9)) })
    .get();
  const current = async () => (await cloud.devUsers()).find((user) => user.current).name;
  const first = await current();

  const progress = [];
  const content = new Uint8Array(4_000_000).fill(65);
  const upload = cloud.uploadFile({ cloudPath: 'a/图.bin', filePath: new File([content], 'x') });
  upload.onProgressUpdate((event) => progress.push(event.progress));
  const uploaded = await upload;

  const aborted = cloud.uploadFile({ cloudPath: 'b', filePath: new Blob([content]) });
  aborted.onProgressUpdate(() => aborted.abort());
  const abortion = await aborted.catch((error) => error.errMsg);

  const { tempFilePath } = await cloud.downloadFile({ fileID: 'cloud://env-x.bucket/d.txt' });
  const downloaded = await (await fetch(tempFilePath)).text();
  const path = await cloud
    .uploadFile({ cloudPath: 'c', filePath: 'C:/photo.jpg' })
    .catch((error) => error.errCode);
  // A picked picture is often known by its blob: address alone.
  const picked = await cloud.uploadFile({ cloudPath: 'e', filePath: tempFilePath });

  await cloud.switchUser('alice');
  await cloud.callFunction({ name: 'f' });
  const second = await current();
  const at = data[0].at instanceof Date;
  const search = location.search;
  return { at, first, second, progress, uploaded, abortion, downloaded, path, picked, search };
}

const html = `<!doctype html><meta charset="utf-8"><script type="module">
${page}
const result = await page().catch((error) => ({ error: String(error), stack: error.stack }));
await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
</script>`;

/** Opens the page in a Chromium of its own and gives what it posts. */
async function visit(server, path) {
  const profile = mkdtempSync(join(tmpdir(), 'yunkai-chromium-'));
  const flags =
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync ' +
    '--disable-background-networking --disable-component-update';
  const result = new Promise((resolve) => {
    server.other = (request, response, body) => {
      const { pathname } = new URL(request.url, server.url);
      if (pathname === '/result') resolve(JSON.parse(body));
      const script = pathname === '/cloud.mjs';
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
      response.end(script ? library : html);
    };
  });
  const arguments_ = [...flags.split(' '), `--user-data-dir=${profile}`, server.url + path];
  // A group of its own, to end its helpers too. They hold the pipes, and write to the profile while
  // they live: `close` comes when the last of them is gone.
  const stdio = ['ignore', 'pipe', 'pipe'];
  const browser = spawn(CHROMIUM, arguments_, { stdio, detached: true });
  browser.stdout.resume();
  browser.stderr.resume();
  const gone = new Promise((resolve) => browser.once('close', resolve));
  const early = gone.then((code) => ({ error: `Chromium ended with ${code}` }));
  try {
    return await Promise.race([result, early]);
  } finally {
    if (browser.exitCode === null && browser.signalCode === null)
      process.kill(-browser.pid, 'SIGKILL');
    await gone;
    rmSync(profile, { recursive: true });
  }
}

test('a page', { skip, timeout: 120_000 }, async () => {
  const users = ['alice', 'bob'].map((name) => ({ name, nickname: name }));
  const server = await startServer({
    users,
    web: (call, state) => {
      if (call.action === 'database.queryDocument')
        return { data: { list: [{ at: { $date: 1 } }] } };
      if (call.action === 'functions.invokeFunction') return { data: { response_data: '1' } };
      return storageAnswers(call, state);
    },
  });
  server.files.set('d.txt', Buffer.from('内容'));
  try {
    const seen = await visit(server, '/?as=bob');
    assert.equal(seen.error, undefined, seen.stack);
    const { progress, ...rest } = seen;
    assert.deepEqual(rest, {
      at: true,
      first: 'bob',
      second: 'alice',
      uploaded: {
        fileID: 'cloud://env-x.bucket/a/图.bin',
        statusCode: 201,
        errMsg: 'uploadFile:ok',
      },
      abortion: 'uploadFile:fail abort',
      downloaded: '内容',
      path: -401002,
      picked: { fileID: 'cloud://env-x.bucket/e', statusCode: 201, errMsg: 'uploadFile:ok' },
      search: '?as=alice',
    });
    assert.equal(progress.at(-1), 100);
    const [{ fields }] = server.uploads;
    assert.deepEqual(
      fields.map(({ name }) => name),
      [
        'key',
        'signature',
        'x-cos-meta-fileid',
        'success_action_status',
        'x-cos-security-token',
        'file',
      ],
    );
    assert.equal(fields.at(-1).bytes.length, 4_000_000);
    const people = server.seen.map(({ token }) => token.split(' ')[1]);
    assert.deepEqual([people[0], people.at(-1)], ['bob', 'alice']);
  } finally {
    await server.close();
  }
});
