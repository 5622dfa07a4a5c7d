/** A call with a short timeout, which real projects take for an asynchronous one, runs to its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { api, ticksOf } from '../triggers/ticks.mjs';

test('a caller that gives up ends nothing', async (t) => {
  const { dir } = await project(t, {
    functions: { slow: { from: 'slow', sdk: '^4.0.2' } },
    yunkai: { collections: { ticks: { acl: 'ADMINONLY' } } },
  });
  const server = await serve(t, dir);
  await assert.rejects(nodeSdk(server).callFunction({ name: 'slow' }, { timeout: 300 }));
  assert.equal((await ticksOf(server)).length, 0);
  await eventually('it runs on', async () => (await ticksOf(server)).length === 1);
  const { invocations } = await eventually('a record', async () => {
    const found = await api(server, 'GET', 'invocations?function=slow');
    return found.invocations.length > 0 && found;
  });
  assert.equal(invocations[0].result, '"nobody waits for this"');
});
