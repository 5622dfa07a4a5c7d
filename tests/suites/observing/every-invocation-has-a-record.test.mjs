/** Who called, how it went, what it wrote, how long it took: for every call, found by its id. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { ask, coldCall } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

test('every invocation has a record', async (t) => {
  const functions = { noisy: 'noisy', failing: 'failing', relay: 'relay', echo: 'echo' };
  const server = await serve(t, (await project(t, { functions })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const { openid } = alice;

  await t.test('with its figures, its caller and its lines in order', async () => {
    const { requestId } = await alice.invoke('noisy', { word: 'first' });
    const found = await eventually('all lines are there', async () => {
      const answer = await ask(server, `invocations/${requestId}`);
      return answer.lines.length === 5 && answer;
    });
    const { invocation, lines } = found;
    assert.equal(invocation.kind, 'invocation');
    assert.equal(invocation.function, 'noisy');
    assert.equal(invocation.trigger, 'call');
    assert.equal(invocation.source, 'wx_client');
    assert.ok(invocation.openid && invocation.uid, JSON.stringify(invocation));
    assert.equal(invocation.openid, openid);
    assert.equal(invocation.cold, invocation.startUs > 0);
    assert.equal(invocation.result, '"done"');
    assert.equal(invocation.resultBytes, 6);
    assert.equal(invocation.error, null);
    assert.ok(invocation.durationUs > 0 && invocation.totalUs >= invocation.durationUs);
    assert.deepEqual(
      lines.map((/** @type {any} */ it) => [it.level, it.text.split(' ')[0]]),
      [
        ['info', 'log'],
        ['info', 'info'],
        ['warn', 'warn'],
        ['error', 'error'],
        ['info', 'stdout'],
      ],
    );
    const warm = await alice.invoke('noisy', { word: 'second' });
    const second = await ask(server, `invocations/${warm.requestId}`);
    assert.equal(second.invocation.cold, false);
    assert.ok((await coldCall(server, alice, 'failing')).startUs > 0);
  });

  await t.test('an error is kept with its kind and stack, a long result is cut', async () => {
    const { requestId } = await refusal(alice.call('failing', { how: 'throw an error' }));
    const { invocation } = await ask(server, `invocations/${requestId}`);
    assert.equal(invocation.result, null);
    assert.equal(invocation.error.kind, 'threw');
    assert.equal(invocation.error.message, 'the shop is closed');
    assert.match(invocation.error.stack, /index\.js:\d+/);
    assert.doesNotMatch(invocation.error.stack, /invocation\.js|async_hooks/);
    const long = await alice.invoke('echo', { text: 'x'.repeat(20_000) });
    const kept = (await ask(server, `invocations/${long.requestId}`)).invocation;
    assert.ok(kept.resultBytes > 20_000 && kept.result.length < 5_000, kept.resultBytes);
  });

  await t.test('an id that is none is refused', async () => {
    const url = `${server.url}/_api/invocations`;
    const headers = { authorization: `Bearer ${server.credentials().apiKey}` };
    assert.equal((await request(`${url}/nothing`, { headers })).status, 404);
  });
});
