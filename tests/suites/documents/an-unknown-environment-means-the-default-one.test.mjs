/** In `dev` an environment id the server does not know means the default one, said once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('an unknown environment id means the default environment', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  await nodeSdk(server).database().createCollection('c');
  const foreign = nodeSdk(server, 'node-sdk-3', { env: 'prod-9g8h7f' }).database();
  await foreign.collection('c').add({ _id: 'x' });
  await foreign.collection('c').add({ _id: 'y' });
  const { total } = await nodeSdk(server).database().collection('c').count();
  assert.equal(total, 2);
  await server.said(/prod-9g8h7f/);
  const notices = server.lines.filter((line) => line.includes('prod-9g8h7f'));
  assert.equal(notices.length, 1, notices.join('\n'));
});
