/**
 * `kill -9` of the server while a timer ticks every second and users call: every second from the
 * first tick on is claimed exactly once, for itself or within a group of ticks that passed while
 * no server ran; nothing runs twice.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { dice } from '../../harness/dice.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { postgres } from '../../harness/postgres.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { testStore } from '../../harness/settings.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { api, ticksOf } from './ticks.mjs';

const functions = { ticker: { from: 'ticker', sdk: '^4.0.2' }, echo: 'echo' };

// The SDK warns of each request that dies with the server.
console.warn = () => {};

/** @param {Record<string, unknown>} [more] */
function yunkai(more) {
  const timer = { type: 'timer', name: 'second', config: '* * * * * * *', ...more };
  return {
    collections: { ticks: { acl: 'ADMINONLY' } },
    functions: { ticker: { triggers: [timer] } },
  };
}

/** @param {string} moment */
const second = (moment) => Date.parse(moment) / 1000;

/**
 * Every second that claims stand for, in order.
 * @param {any[]} claims
 */
function seconds(claims) {
  return claims
    .flatMap(({ from, tick }) => {
      const first = second(from ?? tick);
      return Array.from({ length: second(tick) - first + 1 }, (_, n) => first + n);
    })
    .sort((a, b) => a - b);
}

/**
 * @param {import('../../harness/server.mjs').Server} server
 * @returns {Promise<any[]>}
 */
async function claimsOf(server) {
  return (await api(server, 'GET', 'triggers/ticker/second/claims?limit=10000')).claims;
}

/**
 * Calls until the server dies.
 * @param {import('../../harness/server.mjs').Server} server
 */
async function load(server) {
  const app = nodeSdk(server);
  const caller = async () => {
    for (;;) await app.callFunction({ name: 'echo', data: { n: 1 } });
  };
  await Promise.allSettled(Array.from({ length: 8 }, caller));
}

/**
 * @param {any[]} claims
 * @param {any[]} ticks
 */
function onceEach(claims, ticks) {
  const claimed = seconds(claims);
  const [first] = claimed;
  assert.deepEqual(
    claimed,
    Array.from({ length: claimed.length }, (_, n) => first + n),
    'every second is claimed exactly once',
  );
  const ran = ticks.map(({ tick }) => tick);
  assert.equal(new Set(ran).size, ran.length, 'no tick ran twice');
  const known = new Set(claims.map(({ tick }) => tick));
  for (const tick of ran) assert.ok(known.has(tick), `${tick} ran without a claim`);
  const done = claims.filter(({ state }) => state === 'done').map(({ tick }) => tick);
  for (const tick of done) assert.ok(ran.includes(tick), `${tick} is done and never ran`);
}

test('a kill leaves no tick unclaimed or claimed twice', async (t) => {
  const { seed, roll } = dice();
  t.diagnostic(`seed ${seed}`);
  const { dir } = await project(t, { functions, yunkai: yunkai() });
  const server = await serve(t, dir);
  let known = 0;
  for (let round = 0; round < 3; round += 1) {
    await eventually('more ticks', async () => (await ticksOf(server)).length > known + 1);
    const died = load(server);
    const moment = roll(1000);
    await new Promise((resolve) => setTimeout(resolve, moment));
    await server.kill();
    await died;
    await server.start();
    known = (await ticksOf(server)).length;
  }
  await eventually('more ticks', async () => (await ticksOf(server)).length > known + 1);
  const [claims, ticks] = await settled(server);
  t.diagnostic(`${claims.length} claims, ${ticks.length} runs`);
  onceEach(claims, ticks);
});

/**
 * Claims and runs of a moment in which no claim runs.
 * @param {import('../../harness/server.mjs').Server} server
 * @returns {Promise<[any[], any[]]>}
 */
async function settled(server) {
  /** @type {any} */
  const found = await eventually('no claim runs', async () => {
    const ticks = await ticksOf(server);
    const claims = await claimsOf(server);
    if (claims.some(({ state }) => state === 'running')) return false;
    const last = claims[0].tick;
    return ticks.every(({ tick }) => tick <= last) && [claims, await ticksOf(server)];
  });
  return found;
}

test('an interrupted run follows its policy at the next start', async (t) => {
  for (const [interrupted, state] of [
    ['skip', 'interrupted'],
    ['again', 'running'],
  ]) {
    const { dir } = await project(t, {
      functions,
      yunkai: yunkai({ interrupted, message: 'hang', config: '*/5 * * * * * *' }),
    });
    const server = await serve(t, dir);
    await eventually('a run', async () => (await ticksOf(server)).length > 0);
    const [{ tick }] = await claimsOf(server);
    await server.kill();
    await server.start();
    const claim = await eventually(`it is ${state}`, async () => {
      const found = (await claimsOf(server)).find((it) => it.tick === tick);
      const isAgain = interrupted === 'again';
      return found.state === state && found.attempts === (isAgain ? 2 : 1) && found;
    });
    assert.equal(claim.tick, tick);
    await server.kill();
  }
});

test('two servers on one postgresql claim each tick once', async (t) => {
  const address = testStore || (await postgres(t));
  const schema = `t${randomBytes(6).toString('hex')}`;
  const store = `${address}${address.includes('?') ? '&' : '?'}schema=${schema}`;
  const { dir } = await project(t, { functions, yunkai: yunkai() });
  const args = ['--env', 'shared', '--store', store, '--no-watch'];
  const one = await serve(t, dir, { args, data: path.join(await temporaryFolder(t), 'one') });
  const other = await serve(t, dir, { args, data: path.join(await temporaryFolder(t), 'two') });
  await eventually('six ticks', async () => (await ticksOf(one)).length >= 6);
  await one.kill();
  const known = (await ticksOf(other)).length;
  await eventually('the other goes on', async () => (await ticksOf(other)).length >= known + 3);
  const claims = await claimsOf(other);
  const ticks = await ticksOf(other);
  const claimed = seconds(claims);
  assert.equal(new Set(claimed).size, claimed.length, 'no tick is claimed twice');
  assert.equal(claimed[claimed.length - 1] - claimed[0], claimed.length - 1, 'none is left out');
  assert.equal(new Set(ticks.map(({ tick }) => tick)).size, ticks.length, 'none ran twice');
});
