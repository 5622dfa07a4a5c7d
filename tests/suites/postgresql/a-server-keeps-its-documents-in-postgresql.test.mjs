/** `store = "postgres://…"` in yunkai.toml, one schema per environment, and a wrong address told. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { postgres } from '../../harness/postgres.mjs';
import { project } from '../../harness/project.mjs';
import { run, serve, temporaryFolder } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('a server keeps its documents in postgresql', async (t) => {
  const address = await postgres(t);
  const schema = `t${randomBytes(6).toString('hex')}`;
  const store = `${address}${address.includes('?') ? '&' : '?'}schema=${schema}`;
  const dir = await temporaryFolder(t);
  await mkdir(path.join(dir, 'data'));
  const config = path.join(dir, 'yunkai.toml');
  const toml = `listen = "127.0.0.1:0"\ndata = "${dir}/data"\nstore = "${store}"\n`;
  await writeFile(config, `${toml}environments = ["second"]\n`);
  const server = await serve(t, '', { data: path.join(dir, 'data'), config });
  const db = nodeSdk(server).database();
  await db.createCollection('c');
  assert.deepEqual((await db.collection('c').add({ _id: 'kept', n: 1 })).id, 'kept');
  const counting = Array.from({ length: 20 }, () =>
    db
      .collection('c')
      .doc('kept')
      .update({ n: db.command.inc(1) }),
  );
  await Promise.all(counting);
  await server.kill();
  await server.start();
  const again = nodeSdk(server).database();
  assert.equal((await again.collection('c').doc('kept').get()).data[0].n, 21);
});

test('the dev server takes a store, and a wrong address is told without its password', async (t) => {
  const { dir } = await project(t);
  const data = await temporaryFolder(t);
  for (const [store, words] of [
    ['mysql://u:secret@127.0.0.1/x', 'postgres://'],
    ['postgres://u:secret@127.0.0.1:1/x', 'cannot be reached'],
  ]) {
    const args = ['dev', dir, '--port', '0', '--data', data, '--store', store];
    const { code, output } = await run(args);
    assert.equal(code, 1, output);
    assert.ok(output.includes(words), output);
    assert.ok(!output.includes('secret'), output);
  }
});
