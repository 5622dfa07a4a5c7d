/** `yunkai database indexes` and `explain`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yunkai } from '../../harness/command.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('indexes are managed and queries explained', async (t) => {
  const server = await serve(t, (await project(t, { yunkai: { collections: { c: {} } } })).dir);
  const db = nodeSdk(server).database();
  await db.collection('c').add(Array.from({ length: 300 }, (_, n) => ({ _id: n, n, k: n % 30 })));
  const command = (/** @type {string[]} */ ...args) => yunkai(server, ['database', ...args]);
  const question = ['c', '--filter', '{"k":7}', '--sort', '{"n":-1}', '--limit', '5', '--json'];

  const before = JSON.parse((await command('explain', ...question)).output);
  assert.equal(before.documentsExamined, 300);
  assert.equal(before.sortedInMemory, true);
  assert.deepEqual(before.suggestion, { k: 1, n: -1 });
  const told = await command('explain', ...question.slice(0, -1));
  assert.match(told.output, /yunkai database indexes create c --keys '\{"k":1,"n":-1\}'/);

  const made = await command('indexes', 'create', 'c', '--keys', '{"k":1,"n":-1}');
  assert.equal(made.code, 0, made.output);
  assert.match(made.output, /k_1_n_-1/);
  const after = JSON.parse((await command('explain', ...question)).output);
  assert.equal(after.used[0].index, 'k_1_n_-1');
  assert.equal(after.sortedInMemory, false);
  assert.equal(after.suggestion, null);
  assert.ok(after.documentsExamined <= 6, JSON.stringify(after));
  const { data } = await db.collection('c').where({ k: 7 }).orderBy('n', 'desc').limit(5).get();
  assert.deepEqual(
    data.map((/** @type {any} */ one) => one.n),
    [277, 247, 217, 187, 157],
  );

  const table = (await command('indexes', 'list', 'c')).output;
  assert.match(table, /k_1_n_-1\s+\{"k":1,"n":-1\}\s+ready/);
  const unique = await command('indexes', 'create', 'c', '--keys', '{"k":1}', '--unique');
  assert.equal(unique.code, 1);
  assert.match(unique.output, /duplicate key/);
  for (const args of [
    ['create', 'c', '--keys', '{"k":"up"}'],
    ['create', 'c', '--keys', '{'],
    ['create', 'nowhere', '--keys', '{"k":1}'],
    ['drop', 'c', 'nothing'],
    ['drop', 'c', '_id_'],
  ]) {
    assert.equal((await command('indexes', ...args)).code, 1, args.join(' '));
  }
  assert.equal((await command('indexes', 'drop', 'c', 'k_1_n_-1')).code, 0);
  const list = JSON.parse((await command('indexes', 'list', 'c', '--json')).output);
  assert.deepEqual(
    list.map((/** @type {any} */ it) => it.name),
    ['_id_'],
  );
});
