/** The server process, without its workers, stays below 60 MB when idle. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

const limitMb = 60;

/** @param {number} pid */
function residentMb(pid) {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  assert.ok(match, 'no VmRSS');
  return Number(match[1]) / 1024;
}

test('an idle server is small', async (t) => {
  const { dir } = await project(t, {
    functions: { counter: 'counter' },
    yunkai: { collections: { c: { acl: 'READONLY' } } },
  });
  const server = await serve(t, dir);
  const atStart = residentMb(server.pid);
  t.diagnostic(`after the start: ${atStart.toFixed(1)} MB`);
  assert.ok(atStart <= limitMb, `${atStart} MB`);

  const c = nodeSdk(server).database().collection('c');
  await c.add(Array.from({ length: 500 }, (_, n) => ({ n, text: 'x'.repeat(200) })));
  const caller = await Caller.signIn(server, 'alice');
  for (let n = 0; n < 20; n += 1) await caller.call('counter');
  const afterWork = residentMb(server.pid);
  t.diagnostic(`after a little work: ${afterWork.toFixed(1)} MB`);
  assert.ok(afterWork <= limitMb, `${afterWork} MB`);
});
