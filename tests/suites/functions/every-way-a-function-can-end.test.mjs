/** Throw, reject, undefined, callback, a circle, exit: what the caller gets of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/** @type {[string, any][]} */
const results = [
  ['return nothing', null],
  ['return null', null],
  ['return a string', 'plain text'],
  ['return a number', 42],
  ['return false', false],
  ['return an array', [1, 'two', { three: 3 }]],
  ['return an error object', { errCode: 7 }],
  ['return a date', { at: '1970-01-01T00:00:00.000Z' }],
  ['call back', { by: 'callback' }],
  ['call back later', { by: 'late callback' }],
  ['anything else', { how: 'anything else' }],
];

/** @type {[string, RegExp][]} */
const failures = [
  ['throw an error', /the shop is closed/],
  ['throw a string', /just a string/],
  ['reject', /rejected by hand/],
  ['reject later', /rejected late/],
  ['read of undefined', /Cannot read properties of undefined/],
  ['call back an error', /called back/],
  ['a circle', /circular/i],
  ['exit', /./],
];

test('every way a function can end', async (t) => {
  const { dir } = await project(t, { functions: { failing: 'failing', sloppy: 'sloppy' } });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  for (const [how, result] of results) {
    await t.test(how, async () => {
      assert.deepEqual(await caller.call('failing', { how }), result);
    });
  }
  for (const [how, words] of failures) {
    await t.test(how, async () => {
      const error = await refusal(caller.call('failing', { how }));
      assert.equal(error.code, 'FUNCTIONS_EXECUTE_FAIL');
      assert.match(error.text, words);
      assert.ok(error.requestId);
    });
    await t.test(`the next call after: ${how}`, async () => {
      assert.equal(await caller.call('failing', { how: 'return a number' }), 42);
    });
  }
});
