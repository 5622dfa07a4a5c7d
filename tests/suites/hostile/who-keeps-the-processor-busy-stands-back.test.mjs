/**
 * A call that keeps the processor busy is weighed down while it runs, so that others need not wait
 * for it; its function's quick calls have their usual weight again when it has rested.
 */
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { Ground } from '../../harness/hostile.mjs';

test('who keeps the processor busy stands back until it rests', async (t) => {
  const ground = await Ground.open(t);
  const isUsual = async () => (await ground.does('weight', { ms: 0 })) === 0;
  await eventually('the usual weight', isUsual);
  // It is looked at a few times a second, and on a busy machine it gets a part of that time.
  await eventually('low weight', async () => (await ground.does('weight', { ms: 1_500 })) > 0);
  await eventually('the usual weight again', isUsual);
});
