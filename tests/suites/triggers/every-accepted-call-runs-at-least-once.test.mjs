/**
 * Calls that nobody waits for: accepted means durable, run at least once and recorded, also when
 * the server is killed; what fails is tried again and becomes a dead letter.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dice } from '../../harness/dice.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { api, ticksOf } from './ticks.mjs';

const functions = { ticker: { from: 'ticker', sdk: '^4.0.2' } };
const yunkai = { collections: { ticks: { acl: 'ADMINONLY' } } };

/**
 * @param {import('../../harness/server.mjs').Server} server
 * @param {Record<string, unknown>} data
 * @param {Record<string, unknown>} [more]
 */
function call(server, data, more) {
  return api(server, 'POST', 'async', { body: { function: 'ticker', data, ...more } });
}

test('a call that nobody waits for runs and is recorded', async (t) => {
  const server = await serve(t, (await project(t, { functions, yunkai })).dir);
  const { id } = await call(server, { Time: 'now' });
  const done = await eventually('it is done', async () => {
    const found = await api(server, 'GET', `async/${id}`);
    return found.state === 'done' && found;
  });
  assert.equal(done.function, 'ticker');
  assert.equal(done.attempts, 1);
  assert.equal(done.requestId, id);
  assert.deepEqual(
    (await ticksOf(server)).map(({ tick }) => tick),
    ['now'],
  );
  const later = await call(server, { Time: 'later' }, { delaySeconds: 3600 });
  assert.equal((await api(server, 'GET', `async/${later.id}`)).state, 'waiting');
  assert.equal((await api(server, 'GET', 'async?state=waiting')).calls.length, 1);
});

test('a call that fails is tried again, becomes a dead letter, and has a second chance', async (t) => {
  const made = await project(t, { functions, yunkai });
  const server = await serve(t, made.dir);
  const { id } = await call(server, { Time: 'bad', Message: 'fail' });
  const [letter] = await eventually('a dead letter', async () => {
    const { deadLetters } = await api(server, 'GET', 'dead-letters');
    return deadLetters.length > 0 && deadLetters;
  });
  assert.equal(letter.of, id);
  assert.equal(letter.attempts, 3);
  assert.match(letter.error, /on purpose/);
  assert.deepEqual(JSON.parse(letter.event), { Time: 'bad', Message: 'fail' });
  assert.equal((await ticksOf(server)).length, 3);
  assert.equal((await api(server, 'GET', `async/${id}`)).state, 'dead');
  const again = await api(server, 'POST', `dead-letters/${letter.id}/retry`);
  assert.notEqual(again.id, id);
  await eventually('it runs', async () => (await ticksOf(server)).length > 3);
  assert.deepEqual((await api(server, 'GET', 'dead-letters')).deadLetters, []);
  await assert.rejects(api(server, 'DELETE', `dead-letters/${letter.id}`), /no dead letter/);
});

test('what cannot be accepted is refused at the call', async (t) => {
  const server = await serve(t, (await project(t, { functions, yunkai })).dir);
  const large = call(server, { text: 'x'.repeat(130 * 1024) });
  await assert.rejects(large, /EXCEED_MAX_PAYLOAD_SIZE.*128 KB/);
  const nobody = api(server, 'POST', 'async', { body: { function: 'nobody', data: {} } });
  await assert.rejects(nobody, /FUNCTION_NOT_FOUND/);
  await assert.rejects(call(server, {}, { delaySeconds: -1 }), /delaySeconds/);
});

test('addDelayedFunctionTask runs the function later', async (t) => {
  const delayer = { from: 'delayer', sdk: '^4.0.2' };
  const made = await project(t, { functions: { ...functions, delayer }, yunkai });
  const server = await serve(t, made.dir);
  const app = nodeSdk(server);
  const delay = async (/** @type {Record<string, unknown>} */ data) =>
    (await app.callFunction({ name: 'delayer', data })).result;
  const task = { functionName: 'ticker', delayTime: 6, data: { Time: 'later' } };
  assert.equal((await delay(task)).errCode, 0);
  const { calls } = await api(server, 'GET', 'async');
  assert.equal(calls.length, 1);
  assert.equal(calls[0].due - calls[0].acceptedAt, 6000);
  assert.equal((await delay({ ...task, delayTime: 5 })).errCode, 40097);
  /** @type {any} */
  const [{ tick, openid }] = await eventually('it runs', async () => {
    const found = await ticksOf(server);
    return found.length > 0 && found;
  });
  assert.deepEqual([tick, openid], ['later', null]);
});

test('every accepted call runs at least once, however often the server is killed', async (t) => {
  const { seed, roll } = dice();
  t.diagnostic(`seed ${seed}`);
  const server = await serve(t, (await project(t, { functions, yunkai })).dir);
  /** @type {Map<string, string>} */
  const accepted = new Map();
  for (let round = 0; round < 3; round += 1) {
    const calls = Array.from({ length: 60 }, async (_, n) => {
      const name = `${round}-${n}`;
      const { id } = await call(server, { Time: name });
      accepted.set(id, name);
    });
    const settled = Promise.allSettled(calls);
    const moment = 50 + roll(400);
    await new Promise((resolve) => setTimeout(resolve, moment));
    await server.kill();
    await settled;
    await server.start();
  }
  t.diagnostic(`${accepted.size} were accepted`);
  assert.ok(accepted.size > 0, 'nothing was ever accepted: the test saw nothing');
  /** @type {any} */
  const states = await eventually('all are done', async () => {
    const { calls } = await api(server, 'GET', 'async?limit=10000');
    const states = new Map(calls.map((/** @type {any} */ it) => [it.id, it.state]));
    return [...accepted.keys()].every((id) => states.get(id) === 'done') && states;
  });
  const ran = new Set((await ticksOf(server)).map(({ tick }) => tick));
  for (const name of accepted.values()) assert.ok(ran.has(name), `${name} never ran`);
  assert.ok(states.size >= accepted.size);
});
