/**
 * `kill -9` during 200 parallel adds through wx-server-sdk, again and again, at random moments.
 * After every restart each document that was ever acknowledged is there, whole. The seed is
 * printed; YUNKAI_TEST_SEED repeats a run.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { dice } from '../../harness/dice.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, wxServerSdk } from '../../harness/vendor.mjs';

const parallel = 200;

// The SDK warns of each request that dies with the server, three seconds later.
console.warn = () => {};

/** @param {string} _id */
function documentFor(_id) {
  const text = createHash('sha256')
    .update(_id)
    .digest('hex')
    .repeat(1 + (_id.length % 7));
  return { _id, text, o: { list: [1, _id] } };
}

/**
 * Every document of a collection, a page at a time.
 * @param {any} db
 * @param {string} name
 * @returns {Promise<Map<string, any>>}
 */
async function everything(db, name) {
  const found = new Map();
  for (let skip = 0; ; skip += 1000) {
    const { data } = await db.collection(name).orderBy('_id', 'asc').skip(skip).limit(1000).get();
    for (const one of data) found.set(one._id, one);
    if (data.length < 1000) return found;
  }
}

/**
 * Adds in parallel, kills at the moment the dice choose, restarts and looks.
 * @param {import('../../harness/server.mjs').Server} server
 * @param {Set<string>} acknowledged
 * @param {(document: any) => Promise<unknown>} add
 * @param {{ round: number, roll: (below: number) => number }} chance
 */
async function crash(server, acknowledged, add, { round, roll }) {
  const byCount = roll(3) > 0;
  const moment = byCount ? 1 + roll(parallel - 1) : 1 + roll(500);
  let count = 0;
  /** @type {() => void} */
  let now = () => {};
  const due = new Promise((resolve) => {
    now = () => resolve(undefined);
  });
  const adds = Array.from({ length: parallel }, async (_, n) => {
    const _id = `${round}-${n}`;
    await add(documentFor(_id));
    acknowledged.add(_id);
    count += 1;
    if (byCount && count >= moment) now();
  });
  const settled = Promise.allSettled(adds);
  if (!byCount) setTimeout(now, moment);
  await Promise.race([due, settled]);
  await server.kill();
  await settled;
  await server.start();
  return { count, when: byCount ? `after ${moment} acknowledgements` : `after ${moment} ms` };
}

/**
 * @param {any} db
 * @param {Set<string>} acknowledged
 */
async function nothingIsLost(db, acknowledged) {
  const found = await everything(db, 'adds');
  const lost = [...acknowledged].filter((id) => !found.has(id));
  assert.deepEqual(lost, [], `${lost.length} acknowledged documents are lost`);
  for (const [id, one] of found) assert.deepEqual(one, documentFor(id));
  assert.equal((await db.collection('adds').count()).total, found.size);
}

test('no acknowledged document is lost by a kill', async (t) => {
  const { seed, roll } = dice();
  t.diagnostic(`seed ${seed}`);
  const yunkai = { collections: { adds: { acl: 'ADMINONLY' } } };
  const server = await serve(t, (await project(t, { yunkai })).dir);
  const cloud = wxServerSdk(server);
  const adds = cloud.database().collection('adds');
  /** @type {Set<string>} */
  const acknowledged = new Set();
  const db = nodeSdk(server).database();
  for (let round = 0; round < 20; round += 1) {
    await t.test(`round ${round}`, async (inner) => {
      const add = (/** @type {any} */ data) => adds.add({ data });
      const { count, when } = await crash(server, acknowledged, add, { round, roll });
      inner.diagnostic(`killed ${when}; ${count} of ${parallel} were acknowledged`);
      await nothingIsLost(db, acknowledged);
    });
  }
  assert.ok(acknowledged.size > 0, 'nothing was ever acknowledged: the test saw nothing');
});

test('no document that a function added is lost by a kill', async (t) => {
  const { seed, roll } = dice();
  t.diagnostic(`seed ${seed}`);
  const { dir } = await project(t, {
    functions: { adder: { from: 'adder', sdk: '^4.0.2' } },
    yunkai: { collections: { adds: { acl: 'ADMINONLY' } } },
  });
  const server = await serve(t, dir);
  /** @type {Set<string>} */
  const acknowledged = new Set();
  const db = nodeSdk(server).database();
  for (let round = 0; round < 3; round += 1) {
    await t.test(`round ${round}`, async (inner) => {
      const caller = await Caller.signIn(server, 'alice');
      const add = (/** @type {any} */ document) =>
        caller.call('adder', { collection: 'adds', document });
      const { count, when } = await crash(server, acknowledged, add, { round, roll });
      inner.diagnostic(`killed ${when}; ${count} of ${parallel} were acknowledged`);
      await nothingIsLost(db, acknowledged);
    });
  }
});
