/**
 * A call that keeps the processor busy is weighed down while it runs, so that others need not wait
 * for it; its function's quick calls have their usual weight again when it has rested.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { Ground } from '../../harness/hostile.mjs';

/** What this process weighs, and so the server and its workers: 0, unless somebody set it low. */
function ownWeight() {
  let session = '';
  try {
    session = readFileSync('/proc/self/autogroup', 'utf8');
  } catch {
    // Sessions are not weighed here.
  }
  return Math.max(0, os.getPriority(), Number(/nice (-?\d+)/.exec(session)?.[1] ?? 0));
}

test('who keeps the processor busy stands back until it rests', async (t) => {
  const ground = await Ground.open(t);
  const usual = ownWeight();
  // Nothing weighs less than 19.
  const isLow = async () => (await ground.does('weight', { ms: 1_500 })) > Math.min(usual, 18);
  const isUsual = async () => (await ground.does('weight', { ms: 0 })) === usual;
  await eventually('the usual weight', isUsual);
  // It is looked at a few times a second, and on a busy machine it gets a part of that time.
  await eventually('low weight', isLow);
  await eventually('the usual weight again', isUsual);
});
