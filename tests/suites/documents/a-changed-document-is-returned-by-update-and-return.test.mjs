/** `updateAndReturn` gives the document as it is after the change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('updateAndReturn gives the document after the change', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const db = nodeSdk(server).database();
  await db.createCollection('tickets');
  await db.collection('tickets').add({ _id: 'x', n: 1 });
  const next = { n: db.command.inc(1) };
  const after = await db.collection('tickets').where({ _id: 'x' }).updateAndReturn(next);
  assert.equal(after.updated, 1);
  assert.deepEqual(after.doc, { _id: 'x', n: 2 });
  const nobody = await db.collection('tickets').where({ _id: 'y' }).updateAndReturn(next);
  assert.equal(nobody.updated, 0);
  assert.ok(!nobody.doc);
});
