/** Memory in one process and in many, processor time, a loop, a fork bomb: named and survived. */
import { test } from 'node:test';
import { Ground } from '../../harness/hostile.mjs';

const memory = /256 MB|内存/;
const time = /timed out after 3000 ms|processor time/;

test('a function that takes too much memory ends with its reason', async (t) => {
  const ground = await Ground.open(t);
  await t.test('objects', () => ground.fails('heap', memory));
  await t.test('buffers', () => ground.fails('buffers', memory));
  await t.test('one buffer that is too large', () =>
    ground.fails('buffers', memory, { step: 2000 }),
  );
  await t.test('processes that are small alone', () => ground.fails('children', memory));
});

test('a function that takes too much time ends with its reason', async (t) => {
  const ground = await Ground.open(t, { timeout: 3 });
  await t.test('a loop', () => ground.fails('loop', time));
  await t.test('a fork bomb', () => ground.fails('fork', time));
  await t.test('processes that burn', () => ground.fails('burn', time));
});
