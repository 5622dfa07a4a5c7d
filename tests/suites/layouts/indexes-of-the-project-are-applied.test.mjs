/** Indexes named in `yunkai.json`: created, changed, dropped; others are left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { yunkai } from '../../harness/command.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { run, serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('indexes of the project are applied', async (t) => {
  const keys = [{ owner: 1 }, { at: -1 }];
  const first = {
    albums: { indexes: [{ keys }, { name: 'unique', keys: [{ code: 1 }], unique: true }] },
    places: { indexes: [{ keys: [{ at: '2dsphere' }] }] },
    tokens: { indexes: [{ keys: [{ made: 1 }], expireAfterSeconds: 60 }] },
  };
  const made = await project(t, { yunkai: { collections: first } });
  const server = await serve(t, made.dir);
  const list = async (/** @type {string} */ collection) => {
    const { output } = await yunkai(server, ['database', 'indexes', 'list', collection, '--json']);
    return /** @type {any[]} */ (JSON.parse(output));
  };
  const names = async (/** @type {string} */ collection) =>
    (await list(collection)).map((it) => it.name);
  const have = (/** @type {string} */ collection, /** @type {string[]} */ wanted) =>
    eventually(`${collection} has ${wanted}`, async () => {
      const found = await list(collection);
      const ready = found.every((it) => it.state === 'ready');
      return ready && JSON.stringify(found.map((it) => it.name)) === JSON.stringify(wanted);
    });
  await have('albums', ['_id_', 'owner_1_at_-1', 'unique']);
  await have('places', ['_id_', 'at_2dsphere']);
  await have('tokens', ['_id_', 'made_1']);
  await server.said(/index albums\.unique.*deployed/);
  const [, compound, unique] = await list('albums');
  assert.deepEqual(compound.keys, { owner: 1, at: -1 });
  assert.equal(unique.unique, true);
  assert.equal((await list('tokens'))[1].expireAfterSeconds, 60);

  const albums = nodeSdk(server).database().collection('albums');
  await albums.add({ _id: 'a', code: 1 });
  const twice = await refusal(albums.add({ _id: 'b', code: 1 }));
  assert.equal(twice.code, 'DATABASE_REQUEST_FAILED');
  assert.match(twice.message, /duplicate key.*unique/);

  await t.test('what leaves the file is dropped, what is changed is made anew', async () => {
    const other = ['database', 'indexes', 'create', 'albums', '--keys', '{"mine":1}'];
    const { code, output } = await yunkai(server, other);
    assert.equal(code, 0, output);
    const second = { albums: { indexes: [{ name: 'unique', keys: [{ code: -1 }] }] }, places: {} };
    await made.write('yunkai.json', JSON.stringify({ collections: second }));
    await eventually('the file holds', async () => {
      const found = await list('albums');
      const changed = found.find((it) => it.name === 'unique');
      return changed?.keys.code === -1 && !found.some((it) => it.name === 'owner_1_at_-1');
    });
    assert.ok((await names('albums')).includes('mine_1'));
    await have('places', ['_id_']);
    await have('tokens', ['_id_']);
    await albums.add({ _id: 'b', code: 1 });
  });

  await t.test('one that the documents do not allow is told', async () => {
    const third = { albums: { indexes: [{ name: 'no', keys: [{ code: 1 }], unique: true }] } };
    await made.write('yunkai.json', JSON.stringify({ collections: third }));
    await server.said(/index albums\.no.*not deployed.*duplicate key/);
    assert.ok(!(await names('albums')).includes('no'));
  });
});

test('a mistake in an index is told with its place', async (t) => {
  for (const [index, words] of [
    ['{\n"keys": [{"a": 2}]}', /line 2.*2dsphere/],
    ['{"keys": []}', /at least one key/],
    ['{"keys": [{"a": 1}],\n"sparse": true}', /line 2.*sparse/],
  ]) {
    const text = `{"collections":{"c":{"indexes":[${index}]}}}`;
    const { dir } = await project(t, { files: { 'yunkai.json': text } });
    const { code, output } = await run(['dev', dir, '--port', '0']);
    assert.equal(code, 1);
    assert.match(output, /** @type {RegExp} */ (words));
  }
});
