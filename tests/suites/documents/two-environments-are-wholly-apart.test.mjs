/** Two environments in one data directory see nothing of each other. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('two environments in one data directory are wholly apart', async (t) => {
  const { dir } = await project(t);
  const data = path.join(await temporaryFolder(t), 'data');

  const first = await serve(t, dir, { data, args: ['--env', 'first'] });
  assert.equal(first.credentials().envId, 'first');
  const inFirst = nodeSdk(first).database();
  await inFirst.createCollection('c');
  await inFirst.collection('c').add({ _id: 'x', of: 'first' });
  await first.stop();

  const second = await serve(t, dir, { data, args: ['--env', 'second'] });
  const inSecond = nodeSdk(second).database();
  const missing = await refusal(inSecond.collection('c').get());
  assert.equal(missing.code, 'DATABASE_COLLECTION_NOT_EXIST');
  await inSecond.createCollection('c');
  await inSecond.collection('c').add({ _id: 'x', of: 'second' });
  await second.stop();

  const again = await serve(t, dir, { data, args: ['--env', 'first'] });
  const { data: found } = await nodeSdk(again).database().collection('c').get();
  assert.deepEqual(found, [{ _id: 'x', of: 'first' }]);
});
