/**
 * Database triggers: every change that counts reaches the function at least once, in order per
 * document, also over a kill; what fails becomes a dead letter; a chain of changes ends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { api, eventsOf, ticksOf } from './ticks.mjs';

const functions = { follower: { from: 'follower', sdk: '^4.0.2' } };

/** @param {Record<string, unknown>} [more] */
function yunkai(more) {
  const trigger = { type: 'database', name: 'orders', collection: 'orders', ...more };
  return {
    collections: { orders: { acl: 'ADMINONLY' }, events: { acl: 'ADMINONLY' } },
    functions: { follower: { triggers: [trigger] } },
  };
}

test('inserts, updates and deletes reach the function with the document', async (t) => {
  const server = await serve(t, (await project(t, { functions, yunkai: yunkai() })).dir);
  const orders = nodeSdk(server).database().collection('orders');
  await orders.add({ _id: 'a', n: 1, at: new Date(0) });
  await orders.doc('a').update({ n: 2 });
  await orders.doc('a').remove();
  /** @type {any} */
  const events = await eventually('three events', async () => {
    const found = await eventsOf(server);
    return found.length >= 3 && found;
  });
  assert.deepEqual(
    events.map((/** @type {any} */ { event, docId, data }) => [event, docId, data.n]),
    [
      ['insert', 'a', 1],
      ['update', 'a', 2],
      ['delete', 'a', 2],
    ],
  );
  const [{ time, ...first }] = events;
  assert.match(time, /^\d{4}-.*Z$/);
  assert.deepEqual(Object.keys(first), ['event', 'collection', 'docId', 'triggerName', 'data']);
  assert.equal(first.triggerName, 'orders');
  const [{ openid }] = await ticksOf(server, 'events');
  assert.equal(openid, null);
});

test('only documents that meet the condition and events that were named count', async (t) => {
  const more = { events: ['update'], filter: { state: 'paid', n: { $gte: 2 } } };
  const server = await serve(t, (await project(t, { functions, yunkai: yunkai(more) })).dir);
  const orders = nodeSdk(server).database().collection('orders');
  await orders.add({ _id: 'a', n: 1, state: 'new' });
  await orders.doc('a').update({ state: 'paid' });
  await orders.doc('a').update({ n: 2 });
  await orders.add({ _id: 'b', n: 9, state: 'paid' });
  await orders.doc('a').update({ n: 3 });
  /** @type {any} */
  const events = await eventually('two events', async () => {
    const found = await eventsOf(server);
    return found.length >= 2 && found;
  });
  assert.deepEqual(
    events.map((/** @type {any} */ { docId, data }) => [docId, data.n]),
    [
      ['a', 2],
      ['a', 3],
    ],
  );
});

test('no change is lost by a kill, and each document keeps its order', async (t) => {
  const server = await serve(t, (await project(t, { functions, yunkai: yunkai() })).dir);
  const ids = ['a', 'b', 'c', 'd'];
  /** @type {Map<string, number>} */
  const written = new Map();
  for (let round = 0; round < 3; round += 1) {
    const orders = nodeSdk(server).database().collection('orders');
    for (let n = 0; n < 5; n += 1) {
      for (const id of ids) {
        const next = (written.get(id) ?? 0) + 1;
        await orders.doc(id).set({ n: next });
        written.set(id, next);
      }
    }
    await server.kill();
    await server.start();
  }
  /** @type {any} */
  const events = await eventually('every change', async () => {
    const found = await eventsOf(server);
    const seen = new Set(found.map(({ docId, data }) => `${docId}${data.n}`));
    return seen.size >= ids.length * 15 && found;
  });
  for (const id of ids) {
    const seen = new Set(
      events
        .filter((/** @type {any} */ { docId }) => docId === id)
        .map((/** @type {any} */ { data }) => data.n),
    );
    // A set keeps the order of the first time.
    assert.deepEqual(
      [...seen],
      Array.from({ length: 15 }, (_, n) => n + 1),
    );
  }
});

test('a change that fails becomes a dead letter and does not hold up the others', async (t) => {
  const server = await serve(t, (await project(t, { functions, yunkai: yunkai() })).dir);
  const orders = nodeSdk(server).database().collection('orders');
  await orders.add({ _id: 'bad', fail: true });
  await orders.add({ _id: 'good' });
  const [letter] = await eventually('a dead letter', async () => {
    const { deadLetters } = await api(server, 'GET', 'dead-letters');
    return deadLetters.length > 0 && deadLetters;
  });
  assert.equal(letter.of, 'follower/orders');
  assert.equal(letter.trigger, 'database');
  assert.equal(letter.attempts, 3);
  assert.equal(JSON.parse(letter.event).docId, 'bad');
  const events = await eventsOf(server);
  assert.equal(events.filter((/** @type {any} */ { docId }) => docId === 'bad').length, 3);
  await eventually('the other', async () =>
    (await eventsOf(server)).some(({ docId }) => docId === 'good'),
  );
});

for (const [how, member] of [
  ['by its _id', 'again'],
  ['by a condition', 'wide'],
]) {
  test(`a function that changes what it is run for ${how} is stopped after sixteen runs`, async (t) => {
    const server = await serve(t, (await project(t, { functions, yunkai: yunkai() })).dir);
    const orders = nodeSdk(server).database().collection('orders');
    await orders.add({ _id: 'a', n: 0, [member]: true });
    const [letter] = await eventually('a dead letter', async () => {
      const { deadLetters } = await api(server, 'GET', 'dead-letters');
      return deadLetters.length > 0 && deadLetters;
    });
    assert.match(letter.error, /16 times in a row/);
    assert.equal((await eventsOf(server)).length, 16);
    assert.equal((await orders.doc('a').get()).data[0].n, 16);
  });
}
