/** The seed of the demo: at least 24 pictures, each different, in albums that look lived in. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { serve } from '../harness/server.mjs';
import { albumDir, browser, Phone } from './phone.mjs';

test('the seed fills the album', async (t) => {
  const folder = path.join(albumDir, 'seed', 'pictures');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg'));
  assert.ok(names.length >= 24, `${names.length} pictures`);
  const hashes = await Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(path.join(folder, name));
      assert.deepEqual([...bytes.subarray(0, 2)], [0xff, 0xd8], `${name} is a JPEG`);
      return createHash('sha256').update(bytes).digest('hex');
    }),
  );
  assert.equal(new Set(hashes).size, names.length, 'no picture twice');

  const server = await serve(t, albumDir, { args: ['--no-watch'] });
  const seed = path.join(albumDir, 'seed', 'seed.mjs');
  await promisify(execFile)(process.execPath, [seed, '--endpoint', server.url]);

  const phone = await Phone.of(await browser(t), 'alice', server.url);
  await phone.open('/');
  await phone.seen('album-item').first().waitFor();
  await phone.pictures(phone.seen('album-item'));
  await phone.photograph('20-seeded-list');
  await phone.tap('album-item');
  await phone.shows('album-title', /\S/);
  await phone.seen('photo-item').first().waitFor();
  await phone.photograph('21-seeded-album');
  phone.hasNoTrouble();
});
