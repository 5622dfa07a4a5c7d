/** Exit, abort, signals, descriptor 3, rejections: each ends one call at most, with its reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ground } from '../../harness/hostile.mjs';

test('a function that breaks its worker breaks no other', async (t) => {
  const ground = await Ground.open(t);
  await t.test('exit with 0', () => ground.fails('exit', /with code 0/, { code: 0 }));
  await t.test('exit with 3', () => ground.fails('exit', /with code 3/, { code: 3 }));
  await t.test('abort', () => ground.fails('abort', /signal 6/));
  await t.test('a signal to itself', () => ground.fails('kill', /signal 9/));
  await t.test('descriptor 3 is closed', () => ground.fails('close', /closed file descriptor 3/));
  await t.test('garbage', () => ground.fails('garbage', /wrote to file descriptor 3/));
  await t.test('a forged frame', () => ground.fails('frame', /wrote to file descriptor 3/));
  await t.test('a rejection that nobody handles', async () => {
    assert.equal(await ground.does('reject'), 'still here');
  });
  await t.test('__proto__ in an event is a name like any other', async () => {
    const event = JSON.parse('{"how":"pollute","__proto__":{"polluted":true}}');
    const { result } = await ground.caller.invoke('hostile', event);
    assert.deepEqual(
      { ...result, keys: result.keys.sort() },
      { polluted: null, own: true, keys: ['__proto__', 'how'].sort(), plain: true },
    );
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  });
});
