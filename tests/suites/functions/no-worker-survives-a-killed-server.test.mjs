/**
 * `kill -9` of the server under load: its workers end with it, and so does what they started,
 * detached or not; the next server on the same data works at once. While it lives, nobody it started stays a zombie.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/**
 * Every process of the machine: who started it, when, and its state.
 * @returns {Map<number, { parent: number, since: string, state: string }>}
 */
function processes() {
  const found = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      found.set(+entry, { state: fields[0], parent: +fields[1], since: fields[19] });
    } catch {
      // It has just ended.
    }
  }
  return found;
}

/**
 * All that a process started, and what those started.
 * @param {number} root
 */
function descendants(root) {
  const all = processes();
  const isBelow = (/** @type {number} */ pid) => {
    for (let at = all.get(pid)?.parent; at; at = all.get(at)?.parent) if (at === root) return true;
    return false;
  };
  return new Map([...all].filter(([pid]) => isBelow(pid)));
}

test('no worker survives a killed server', async (t) => {
  const { dir } = await project(t, {
    functions: { stuck: 'stuck', counter: 'counter' },
    yunkai: { functions: { stuck: { timeout: 60 } } },
  });
  const server = await serve(t, dir);
  const callers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => Caller.signIn(server, `user${n}`)),
  );

  // Load that goes on until the server is gone.
  let going = true;
  const load = callers.map(async (caller) => {
    while (going) await caller.call('counter').catch(() => {});
  });
  const hung = [true, false].map((detached) =>
    callers[0].call('stuck', { token: `kept-${process.pid}`, detached }).catch(() => {}),
  );
  hung.push(callers[1].call('stuck', { spin: true }).catch(() => {}));
  const held = await eventually('workers and their children run', () => {
    const below = descendants(server.pid);
    const withToken = [...below.keys()].filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`kept-${process.pid}`);
      } catch {
        return false;
      }
    });
    return withToken.length < 2 ? undefined : below;
  });
  assert.ok(held.size >= 4, `${held.size} processes`);

  await server.kill();
  going = false;
  await Promise.all([...load, ...hung]);
  await eventually('its workers are gone', () => {
    const now = processes();
    return [...held].every(([pid, { since }]) => {
      const found = now.get(pid);
      // A zombie has ended; it waits for the init of this machine.
      return found?.since !== since || found.state === 'Z';
    });
  });

  await server.start();
  const caller = await Caller.signIn(server, 'after');
  assert.equal((await caller.call('counter')).calls, 1);
});

test('workers that end leave no zombies', async (t) => {
  const { dir } = await project(t, {
    functions: { stuck: 'stuck', counter: 'counter' },
    yunkai: { functions: { stuck: { timeout: 1 } } },
  });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  const calls = Array.from({ length: 6 }, (_, n) => {
    const data = { spin: n % 2 === 0, token: `zombie-${n}`, detached: n % 3 === 0 };
    return caller.call('stuck', data).catch(() => {});
  });
  await Promise.all(calls);
  await eventually('the dead are buried', () => {
    return [...descendants(server.pid).values()].every(({ state }) => state !== 'Z');
  });
  assert.ok((await caller.call('counter')).calls >= 1);
});
