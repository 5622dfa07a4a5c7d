/** `errCode` and `errMsg` as `wx-server-sdk` makes them of the codes on the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/** What each generation makes of a code that its table does not know. */
const unmapped = { '^4.0.2': -1, '~2.6.3': -501001 };

for (const [range, unknown] of Object.entries(unmapped)) {
  test(`errors inside a function with wx-server-sdk ${range}`, async (t) => {
    const { dir } = await project(t, {
      functions: { errors: { from: 'errors', sdk: range }, failing: 'failing' },
    });
    const caller = await Caller.signIn(await serve(t, dir), 'alice');
    const seen = await caller.call('errors');
    for (const key of ['missing', 'missingAdd', 'missingCount']) {
      assert.equal(seen[key].errCode, -502005, key);
      assert.match(seen[key].errMsg, /-502005 database collection not exist.*nowhere/s, key);
      assert.equal(seen[key].isError, true, key);
    }
    assert.equal(seen.twice.errCode, unknown);
    assert.match(seen.twice.errMsg, /Table exist/);
    assert.ok(seen.duplicate.errCode < 0);
    assert.match(seen.duplicate.errMsg, /duplicate key/);
    assert.ok(seen.badInc.errCode < 0);
    assert.ok(seen.noFunction.errCode < 0);
    assert.match(seen.noFunction.errMsg, /callFunction:fail.*nobody/s);
    assert.ok(seen.failing.errCode < 0);
    assert.match(seen.failing.errMsg, /the shop is closed/);
  });
}
