/** Read-only and full disks: clear words, the platform's codes, and nothing acknowledged lost. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { SmallDisk } from '../../harness/mount.mjs';
import { project } from '../../harness/project.mjs';
import { run, serve, temporaryFolder } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

const sizeMb = 512;

/** @param {import('node:test').TestContext} t */
async function disk(t) {
  const folder = path.join(await temporaryFolder(t), 'disk');
  await mkdir(folder);
  const mounted = await SmallDisk.mount(t, folder, sizeMb);
  if (!mounted) t.skip('this machine refuses mounts: run as root or allow user namespaces');
  return mounted;
}

test('a read-only disk', async (t) => {
  const small = await disk(t);
  if (!small) return;
  const { dir } = await project(t);
  small.freeze();
  const data = path.join(small.folder, 'data');
  for (const [lang, words] of /** @type {const} */ ([
    ['en_US.UTF-8', /read-only|cannot (write|create)|not writable/i],
    ['zh_CN.UTF-8', /只读|无法写入|不可写|无法创建/],
  ])) {
    const { code, output } = await run(['dev', dir, '--port', '0', '--data', data], {
      env: { LANG: lang, LC_ALL: lang },
      through: small.enter,
    });
    assert.ok(code !== null && code !== 0, `exit code ${code}: ${output}`);
    assert.match(output, words);
    assert.ok(output.includes(data), output);
    assert.doesNotMatch(output, /panicked/);
  }
});

test('a full disk', async (t) => {
  const small = await disk(t);
  if (!small) return;
  const { dir } = await project(t);
  const data = path.join(small.folder, 'data');
  const server = await serve(t, dir, { data, through: small.enter });
  // The directory is seen from outside through the process that keeps the mount.
  Object.defineProperty(server, 'data', { get: () => path.join(small.outside, 'data') });
  const app = nodeSdk(server);
  const db = app.database();
  await db.createCollection('c');
  const c = db.collection('c');
  /** @type {string[]} */
  const acknowledged = [];
  const add = async (/** @type {string} */ _id) => {
    await c.add({ _id, text: 'x'.repeat(20_000) });
    acknowledged.push(_id);
  };
  for (let n = 0; n < 20; n += 1) await add(`before-${n}`);

  small.fill();
  /** @type {any} */
  let error;
  for (let n = 0; n < 40_000 && !error; n += 1) {
    await add(`full-${n}`).catch((failure) => {
      error = failure;
    });
  }
  assert.ok(error, 'a full disk was never noticed');
  assert.match(String(error.code), /^[A-Z][A-Z_]+$/, `no code: ${error}`);
  assert.ok(error.message);

  await t.test('an upload fails with a code, too', async () => {
    const file = { cloudPath: 'x.bin', fileContent: Buffer.alloc(3_000_000) };
    const failed = await refusal(app.uploadFile(file));
    assert.ok(failed.code || failed.message);
  });
  await t.test('what was acknowledged can still be read', async () => {
    const { total } = await c.count();
    assert.ok(total >= acknowledged.length, `${total} of ${acknowledged.length}`);
  });

  small.empty();
  await server.kill();
  await server.start();
  const again = nodeSdk(server).database().collection('c');
  const found = new Set();
  for (let skip = 0; ; skip += 1000) {
    const page = await again.field({ _id: true }).skip(skip).limit(1000).get();
    for (const one of page.data) found.add(one._id);
    if (page.data.length < 1000) break;
  }
  assert.deepEqual(
    acknowledged.filter((id) => !found.has(id)),
    [],
  );
  await eventually('writing works again', async () => (await again.add({ after: true })).id);
});
