/**
 * Ending processes and clearing memory is work of the kernel that waits for nobody, and what is
 * logged passes where others' calls do. A function whose calls end one worker after the other, or
 * log over their rate, does without one of the processors; one mishap costs nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { Ground } from '../../harness/hostile.mjs';

test('who ends worker after worker leaves a processor to others', async (t) => {
  const ground = await Ground.open(t);
  const has = () => ground.does('processors', { ms: 1_000 });
  const all = await has();
  const end = () => ground.beside(refusal(ground.caller.call('hostile', { how: 'exit', code: 1 })));
  await end();
  assert.equal(await has(), all, 'once is no habit');
  // Where there is one processor, there is none to leave.
  const expected = Math.max(1, all - 1);
  await eventually('one is left to others', async () => {
    await end();
    return (await has()) === expected;
  });
});

test('who logs over the rate leaves a processor to others', async (t) => {
  const ground = await Ground.open(t);
  const has = () => ground.does('processors', { ms: 1_000 });
  const all = await has();
  await eventually('one is left to others', async () => {
    for (let n = 0; n < 20; n += 1) await ground.does('logs', { megabytes: 1 });
    return (await has()) === Math.max(1, all - 1);
  });
});
