/** Search by function, time, request, openid, text and level; newest first, page by page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { ask, coldCall } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

/** @param {any[]} entries */
const texts = (entries) => entries.map((it) => it.text);

test('the log is searched', async (t) => {
  const functions = { noisy: 'noisy', failing: 'failing' };
  const server = await serve(t, (await project(t, { functions })).dir);
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  /** @type {any[]} */
  const calls = [];
  for (const word of ['eins', 'zwei', 'drei']) calls.push(await alice.invoke('noisy', { word }));
  await bob.invoke('noisy', { word: 'Vier "\\云' });
  await coldCall(server, alice, 'failing');
  const failed = await refusal(bob.call('failing', { how: 'throw an error' }));
  await eventually('everything is in the log', async () => {
    const { entries } = await ask(server, 'logs', { kind: 'log', function: 'noisy' });
    return entries.length === 20;
  });

  await t.test('every condition narrows', async () => {
    const byText = await ask(server, 'logs', { text: 'SAYS vier "\\云', kind: 'log' });
    assert.equal(byText.entries.length, 5);
    const byRequest = await ask(server, 'logs', { requestId: calls[1].requestId, kind: 'log' });
    assert.equal(byRequest.entries.length, 5);
    assert.ok(texts(byRequest.entries).every((text) => text.includes('zwei')));
    const errors = await ask(server, 'logs', { errors: 1, function: 'failing' });
    assert.deepEqual(
      new Set(errors.entries.map((/** @type {any} */ it) => it.kind)),
      new Set(['log', 'invocation']),
    );
    const warnings = await ask(server, 'logs', { level: 'warn', function: 'noisy' });
    assert.equal(warnings.entries.length, 8);
    const cold = (await ask(server, 'invocations', { cold: 1 })).invocations;
    const every = (await ask(server, 'invocations')).invocations;
    assert.ok(cold.length >= 1 && cold.length < every.length);
    assert.deepEqual(
      cold,
      every.filter((/** @type {any} */ it) => it.cold),
    );
    const [{ openid, requestId }] = (await ask(server, 'invocations', { limit: 1 })).invocations;
    assert.equal(requestId, failed.requestId);
    const bobs = await ask(server, 'invocations', { openid });
    assert.equal(bobs.invocations.length, 2);
    const lines = await ask(server, 'logs', { openid, kind: 'log', function: 'noisy' });
    assert.equal(lines.entries.length, 5);
    const none = await ask(server, 'logs', { until: '1h' });
    assert.deepEqual(none.entries, []);
    const all = await ask(server, 'logs', { since: '1h', limit: 5000 });
    assert.ok(all.entries.length >= 26);
  });

  await t.test('newest first, and a cursor goes on without a gap', async () => {
    const found = [];
    let cursor = '';
    do {
      const query = { kind: 'log', function: 'noisy', limit: 7, cursor };
      const page = await ask(server, 'logs', cursor ? query : { ...query, cursor: 2 ** 50 });
      found.push(...page.entries);
      cursor = page.cursor ?? '';
    } while (cursor);
    const numbers = found.map((it) => it.number);
    assert.equal(new Set(numbers).size, 20);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => b - a),
    );
  });

  await t.test('conditions that are none are named', async () => {
    const headers = { authorization: `Bearer ${server.credentials().apiKey}` };
    for (const query of [
      'level=loud',
      'since=yesterday',
      'cursor=x',
      'limit=9999',
      'errors=maybe',
    ]) {
      const { status, body } = await request(`${server.url}/_api/logs?${query}`, { headers });
      assert.equal(status, 400, query);
      assert.ok(body.message.includes(`'${query.split('=')[0]}'`), body.message);
    }
  });

  await t.test('what happened is there after a restart, and after a kill', async () => {
    for (const how of [() => server.stop(), () => server.kill()]) {
      await how();
      await server.start();
      const { entries } = await ask(server, 'logs', { kind: 'log', function: 'noisy' });
      assert.equal(entries.length, 20);
    }
  });
});
