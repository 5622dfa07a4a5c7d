/** A stream hands its records to a function in order, in batches, and none is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { send } from './records.mjs';
import { api, ticksOf } from './ticks.mjs';

const functions = {
  consumer: { from: 'consumer', sdk: '^4.0.2' },
  producer: { from: 'producer', sdk: '^4.0.2' },
};
const collections = { ticks: { acl: 'ADMINONLY' } };

/** @param {Record<string, unknown>} [more] */
function consuming(more) {
  const trigger = { type: 'stream', name: 'orders', stream: 'orders', ...more };
  return { collections, functions: { consumer: { triggers: [trigger] } } };
}

/** @param {any[]} ticks */
const numbersOf = (ticks) => ticks.flatMap((tick) => tick.numbers);

test('records come in order and in batches, with what the producer said', async (t) => {
  const { dir } = await project(t, { functions, yunkai: consuming({ batchSize: 10 }) });
  const server = await serve(t, dir);
  const sent = Array.from({ length: 25 }, (_, n) => ({ data: { n }, partitionKey: `k${n % 2}` }));
  const { sequenceNumbers } = await send(server, 'orders', sent);
  assert.deepEqual(
    sequenceNumbers,
    [...Array(25).keys()].map((n) => n + 1),
  );
  const ticks = await eventually('all records', async () => {
    const found = await ticksOf(server);
    return numbersOf(found).length >= 25 ? found : null;
  });
  assert.deepEqual(numbersOf(ticks), sequenceNumbers);
  assert.ok(ticks.every((tick) => tick.numbers.length <= 10));
  const [{ event }] = ticks;
  assert.equal(event.Type, 'Stream');
  assert.equal(event.TriggerName, 'orders');
  const [{ acceptedAt, ...first }] = event.Records;
  assert.deepEqual(first, { sequenceNumber: 1, partitionKey: 'k0', data: { n: 0 } });
  assert.match(acceptedAt, /^\d{4}-/);
  const done = await eventually('the checkpoint', async () => {
    const { consumers } = await api(server, 'GET', 'streams');
    return consumers[0].unread === 0 ? consumers : null;
  });
  assert.equal(done[0].checkpoint, 25);
});

test('a function feeds a stream over plain HTTP', async (t) => {
  const { dir } = await project(t, { functions, yunkai: consuming() });
  const server = await serve(t, dir);
  const data = { stream: 'orders', data: 'hello' };
  const { result: answer } = await nodeSdk(server).callFunction({ name: 'producer', data });
  assert.deepEqual(answer, { status: 200, body: { sequenceNumbers: [1] } });
  const [tick] = await eventually('the record', async () => {
    const found = await ticksOf(server);
    return found.length > 0 ? found : null;
  });
  assert.equal(tick.event.Records[0].data, 'hello');
});

test('a batch that fails is tried again, then it is a dead letter and the next one comes', async (t) => {
  const { dir } = await project(t, {
    functions,
    yunkai: consuming({ batchSize: 1, retries: 1 }),
  });
  const server = await serve(t, dir);
  await send(server, 'orders', [{ data: { fail: true } }, { data: { n: 2 } }]);
  const ticks = await eventually('the second record', async () => {
    const found = await ticksOf(server);
    return numbersOf(found).includes(2) ? found : null;
  });
  assert.deepEqual(numbersOf(ticks), [2]);
  const { deadLetters } = await api(server, 'GET', 'dead-letters');
  assert.equal(deadLetters.length, 1);
  assert.equal(deadLetters[0].attempts, 2);
  assert.match(deadLetters[0].error, /asked to fail/);
});

test('a consumer that says how far it came gets the rest again', async (t) => {
  const { dir } = await project(t, { functions, yunkai: consuming({ batchSize: 3 }) });
  const server = await serve(t, dir);
  await send(server, 'orders', [{ data: { only: 1 } }, { data: {} }, { data: {} }]);
  const ticks = await eventually('all records', async () => {
    const found = await ticksOf(server);
    return numbersOf(found).includes(3) ? found : null;
  });
  assert.deepEqual(numbersOf(ticks), [1, 2, 3]);
});

test('accepted records survive a kill and reach the function at least once', async (t) => {
  const { dir } = await project(t, { functions, yunkai: consuming({ batchSize: 5 }) });
  const server = await serve(t, dir);
  /** @type {number[]} */
  const accepted = [];
  for (let round = 0; round < 3; round += 1) {
    const records = Array.from({ length: 20 }, (_, n) => ({ data: { n } }));
    const { sequenceNumbers } = await send(server, 'orders', records);
    accepted.push(...sequenceNumbers);
    await server.kill();
    await server.start();
  }
  const ticks = await eventually('all records', async () => {
    const found = new Set(numbersOf(await ticksOf(server)));
    return accepted.every((number) => found.has(number)) ? found : null;
  });
  assert.equal(ticks.size, accepted.length);
});

test('what is wrong with records is said', async (t) => {
  const { dir } = await project(t, { functions, yunkai: consuming() });
  const server = await serve(t, dir);
  await assert.rejects(send(server, 'other', [{ data: 1 }]), /No function consumes/);
  await assert.rejects(send(server, 'orders', []), /1 to 500/);
  await assert.rejects(send(server, 'orders', [{ data: 'x'.repeat(300_000) }]), /256 KB/);
  await assert.rejects(send(server, 'orders', [{ data: 1 }], { key: 'wrong' }), /40\d/);
});
