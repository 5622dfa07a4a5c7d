/** A function that does not end is killed with its children; the next call gets a fresh worker. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/**
 * The processes whose command line holds the token.
 * @param {string} token
 */
function processesWith(token) {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(token);
    } catch {
      return false;
    }
  });
}

test('a timeout kills everything the function started', async (t) => {
  const { dir } = await project(t, {
    functions: { stuck: 'stuck', counter: 'counter' },
    yunkai: { functions: { stuck: { timeout: 3 } } },
  });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');

  await t.test('a promise that never settles', async () => {
    const error = await refusal(caller.call('stuck', {}));
    assert.match(error.code, /FUNCTIONS?_/);
    assert.match(error.text, /3\s*(s|秒)|3000|timed? ?out|超时/i);
  });
  await t.test('a loop that never yields', async () => {
    const error = await refusal(caller.call('stuck', { spin: true }));
    assert.match(error.code, /FUNCTIONS?_/);
  });
  for (const detached of [false, true]) {
    await t.test(detached ? 'a child in its own group' : 'a child', async () => {
      const token = `token-${process.pid}-${Date.now()}-${detached}`;
      const call = refusal(caller.call('stuck', { token, detached }));
      await eventually('the child runs', () => processesWith(token).length > 0);
      const error = await call;
      assert.match(error.code, /FUNCTIONS?_/);
      await eventually('the child is gone', () => processesWith(token).length === 0);
    });
  }
  await t.test('other functions go on', async () => {
    assert.equal((await caller.call('counter')).calls, 1);
  });
  await t.test('the server lives without what it killed', async () => {
    await eventually(
      'no worker of the function is left',
      () => processesWith('stuck').length === 0,
    );
  });
});
