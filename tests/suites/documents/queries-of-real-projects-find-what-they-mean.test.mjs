/** The habits 13, 18 and 23 to 25 of the field study, inside a function with each SDK. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

const expected = {
  'a look-ahead in a literal': 'b c',
  'any id': 'a b c',
  'a made expression': 'b c',
  'in with undefined': 'a b',
  'in with null finds what is missing': 'c',
  'eq null': 'b',
  'nested fields are paths': 'a b',
  'a whole condition and an or': 'a c',
  'or of conditions': 'a c',
  'a chain': 'b',
  'or of values beside a field': 'a',
  'not in': 'c',
  'a list holds': 'c',
  'where twice': 'c',
};

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`queries of real projects find what they mean with ${range}`, async (t) => {
    const functions = { habits: { from: 'habits', sdk: range } };
    const server = await serve(t, (await project(t, { functions })).dir);
    const caller = await Caller.signIn(server, 'alice');
    const { seen, ...rest } = await caller.call('habits');
    assert.deepEqual(seen, expected);
    const { hidden, changed, merged, nothing, lock, sizes } = rest;
    assert.deepEqual(hidden, { _id: 'c', photo: '3.JPG', n: 9, name: 'Cy', tags: ['k'] });
    assert.deepEqual(changed, { updated: 1 });
    assert.deepEqual(merged, { userId: 'u', kind: 'z' }, 'a nested object is merged');
    assert.deepEqual(nothing, { updated: 0 }, 'what changes nothing does not count');
    assert.deepEqual(lock, ['taken', 'busy']);
    assert.deepEqual(sizes, [100, 250, 50, 250]);
  });
}
