/** Every row of the query table, through both generations of `@cloudbase/node-sdk`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';
import queries from '../../tables/queries.cjs';

test('every condition finds the same documents through the node SDK', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  for (const generation of nodeSdks) {
    const db = nodeSdk(server, generation).database();
    const _ = db.command;
    const name = generation.replaceAll('-', '_');
    await db.createCollection(name);
    const { ids } = await db.collection(name).add(queries.documents);
    assert.deepEqual(
      ids,
      queries.documents.map((one) => one._id),
    );
    for (const row of queries.rows) {
      await t.test(`${generation}: ${row.title}`, async () => {
        const query = db.collection(name).where(row.where(_, db));
        const { data } = await query.orderBy('_id', 'asc').get();
        const found = data.map((/** @type {any} */ one) => one._id).join(' ');
        assert.equal(found, row.ids);
        const { total } = await query.count();
        assert.equal(total, row.ids === '' ? 0 : row.ids.split(' ').length);
      });
    }
  }
});
