/** Every row of the update table, through both generations of `@cloudbase/node-sdk`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';
import updates from '../../tables/updates.cjs';

test('every change has the same effect through the node SDK', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  for (const generation of nodeSdks) {
    const db = nodeSdk(server, generation).database();
    const name = generation.replaceAll('-', '_');
    await db.createCollection(name);
    for (const [index, row] of updates.rows.entries()) {
      await t.test(`${generation}: ${row.title}`, async () => {
        const _id = `row-${index}`;
        await db.collection(name).add({ _id, ...row.before });
        const document = db.collection(name).doc(_id);
        const { updated } = await document.update(row.change(db.command, db));
        const { data } = await document.get();
        assert.deepEqual(data, [{ _id, ...row.after }]);
        assert.equal(updated, row.updated ?? 1);
      });
    }
  }
});
