/** A program that goes on when its call is over is ended with its worker, and the log says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ground } from '../../harness/hostile.mjs';

test('what a call leaves behind does not go on', async (t) => {
  const ground = await Ground.open(t);
  assert.equal(await ground.does('leave'), 'left');
  await ground.server.said(/no call was running/);
  assert.deepEqual(await ground.does('read', { paths: [] }), {}, 'the function answers again');
});
