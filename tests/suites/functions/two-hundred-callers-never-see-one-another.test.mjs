/**
 * Two hundred users at once call functions that answer, call others, fail, exit, never end, and
 * leave work behind that nobody awaits. Whatever happens to a worker, no answer, no error, no
 * nested call and no late write ever carries the identity of another caller.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

const users = 200;
/** How a call goes, by the number of its caller; most answer. */
const hows = ['answer', 'nest', 'throw', 'answer', 'reject', 'nest', 'answer', 'answer'];

/** @param {number} who */
function howOf(who) {
  if (who % 40 === 7) return 'hang';
  return who % 40 === 23 ? 'exit' : hows[who % hows.length];
}

/**
 * One call; its openids are all the caller's.
 * @param {Caller} caller
 * @param {number} who
 */
async function callOnce(caller, who) {
  const how = howOf(who);
  const data = { how, call: String(who) };
  if (how === 'answer') {
    const seen = await caller.call('crowd', data);
    assert.deepEqual(seen, { openid: caller.openid, event: caller.openid });
  } else if (how === 'nest') {
    const seen = await caller.call('crowd', data);
    assert.deepEqual(seen, { openid: caller.openid, inner: caller.openid });
  } else {
    const error = await refusal(caller.call('crowd', data));
    assert.equal(error.code, 'FUNCTIONS_EXECUTE_FAIL', error.text);
    if (how === 'throw' || how === 'reject') assert.ok(error.text.includes(caller.openid));
  }
}

test('two hundred callers never see one another', async (t) => {
  const { dir } = await project(t, {
    functions: {
      crowd: { from: 'crowd', sdk: '^4.0.2' },
      stamp: { from: 'stamp', sdk: '^4.0.2' },
      context: { from: 'context', sdk: '^4.0.2' },
    },
    yunkai: { functions: { crowd: { timeout: 10 } } },
  });
  const server = await serve(t, dir);
  const db = nodeSdk(server).database();
  await db.createCollection('stamps');
  await db.createCollection('trail');
  /** @type {Caller[]} */
  const callers = [];
  for (let from = 0; from < users; from += 20) {
    const some = Array.from({ length: 20 }, (_, n) => Caller.signIn(server, `user${from + n}`));
    callers.push(...(await Promise.all(some)));
  }
  assert.equal(new Set(callers.map((one) => one.openid)).size, users);

  await Promise.all(callers.map(callOnce));

  // What belongs to workers that were killed may be lost; all the rest must land.
  const killed = new Set(['hang', 'exit']);
  const survivors = callers.map((_, who) => String(who)).filter((n) => !killed.has(howOf(+n)));
  const stamps = db.collection('stamps');
  const all = async () => {
    const { data } = await stamps.limit(1000).get();
    const landed = data.filter((/** @type {any} */ one) => survivors.includes(one.call));
    return landed.length >= survivors.length * 3 ? data : undefined;
  };
  const data = /** @type {any[]} */ (await eventually('the work left behind has landed', all));
  const openidOf = (/** @type {string} */ call) => callers[Number(call)].openid;
  const leaked = data.filter((one) => {
    return one.claimed !== one.seen || one.seen !== openidOf(one.call);
  });
  assert.deepEqual(leaked, []);
  for (const way of ['awaited', 'at once', 'after a write']) {
    const calls = data.filter((one) => one.way === way).map((one) => one.call);
    assert.equal(new Set(calls).size, calls.length, `${way}: nothing landed twice`);
  }
});
