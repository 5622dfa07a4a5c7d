/**
 * Many users call a function that returns before its requests are sent. Every request must land,
 * and none may leave with the identity of the invocation that came next.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

const users = 8;
const rounds = 6;
const stampsPerCall = 4;

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`work that is not awaited, with wx-server-sdk ${range}`, async (t) => {
    const { dir } = await project(t, {
      functions: {
        careless: { from: 'careless', sdk: range },
        stamp: { from: 'stamp', sdk: range },
      },
    });
    const server = await serve(t, dir);
    const db = nodeSdk(server).database();
    await db.createCollection('stamps');
    await db.createCollection('trail');
    const callers = await Promise.all(
      Array.from({ length: users }, (_, n) => Caller.signIn(server, `user${n}`)),
    );
    const openids = new Set(callers.map((one) => one.openid));
    assert.equal(openids.size, users);

    const work = callers.flatMap((caller, who) =>
      Array.from({ length: rounds }, async (_, round) => {
        const { openid } = await caller.call('careless', { call: `${who}.${round}` });
        assert.equal(openid, caller.openid);
      }),
    );
    await Promise.all(work);

    const expected = users * rounds * stampsPerCall;
    // What a timer sends after the answer may come too late; all the rest must land.
    const prompt = db.collection('stamps').where({ way: db.command.neq('after a timer') });
    await eventually('every un-awaited call has landed', async () => {
      return (await prompt.count()).total >= expected;
    }).catch(async (error) => {
      const { data } = await prompt.limit(1000).get();
      for (const way of new Set(data.map((/** @type {any} */ one) => one.way))) {
        const landed = data.filter((/** @type {any} */ one) => one.way === way).length;
        t.diagnostic(`${way}: ${landed} of ${users * rounds}`);
      }
      for (const line of server.lines) if (!/ done \d+ ms/.test(line)) t.diagnostic(line);
      throw error;
    });
    assert.equal((await prompt.count()).total, expected, 'each call landed once');
    const { data } = await db.collection('stamps').limit(1000).get();
    const leaked = data.filter((/** @type {any} */ one) => one.claimed !== one.seen);
    assert.deepEqual(leaked, []);
    const trail = (await db.collection('trail').limit(1000).get()).data;
    assert.equal(trail.length, users * rounds * 2);
  });
}
