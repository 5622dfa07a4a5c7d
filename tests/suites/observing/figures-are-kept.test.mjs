/** Figures of functions as JSON and for Prometheus, and what was used, by day. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { yunkai } from '../../harness/command.mjs';
import { ask, coldCall } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('figures are kept', async (t) => {
  const functions = { breaking: 'failing', echo: 'echo', failing: 'failing' };
  const settings = { collections: { c: { acl: 'READONLY' } } };
  const server = await serve(t, (await project(t, { functions, yunkai: settings })).dir);
  const alice = await Caller.signIn(server, 'alice');
  for (let n = 0; n < 10; n += 1) await alice.call('echo', { n });
  await refusal(alice.call('failing', { how: 'throw an error' }));
  await refusal(alice.call('nobody', {}));
  await coldCall(server, alice, 'breaking');

  await t.test('as JSON', async () => {
    const { functions, callsToMissingFunctions, environment } = await ask(server, 'metrics');
    assert.equal(environment, server.credentials().envId);
    assert.equal(callsToMissingFunctions, 1);
    const [breaking, echo, failing] = functions;
    assert.deepEqual([echo.name, echo.calls, echo.errors], ['echo', 10, 0]);
    assert.ok(breaking.cold >= 1 && breaking.coldRate > 0);
    assert.equal(breaking.start.calls, breaking.cold);
    assert.equal(echo.duration.calls, 10);
    assert.ok(echo.duration.p50Ms > 0 && echo.duration.p99Ms >= echo.duration.p50Ms);
    assert.ok(echo.gigabyteSeconds > 0);
    assert.deepEqual(echo.byTrigger, { call: 10 });
    assert.deepEqual([failing.errorRate, failing.byError], [1, { threw: 1 }]);
  });

  await t.test('for Prometheus, in its format', async () => {
    const headers = { authorization: `Bearer ${server.credentials().apiKey}` };
    const response = await fetch(`${server.url}/_metrics`, { headers });
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const kinds = new Map();
    for (const line of text.trimEnd().split('\n')) {
      const type = /^# TYPE (yunkai_\w+) (counter|gauge|histogram)$/.exec(line);
      if (type) {
        assert.ok(!kinds.has(type[1]), `twice: ${line}`);
        kinds.set(type[1], type[2]);
      } else if (!line.startsWith('# HELP ')) {
        const name =
          /^(yunkai_\w+)\{(\w+="[^"]*"(,\w+="[^"]*")*)?\} [\d.e+-]+$/.exec(line)?.[1] ?? '';
        assert.ok(kinds.has(name.replace(/_(bucket|sum|count)$/, '')) || kinds.has(name), line);
      }
    }
    const env = `environment="${server.credentials().envId}"`;
    for (const expected of [
      `yunkai_function_calls_total{${env},function="echo",trigger="call"} 10`,
      `yunkai_function_errors_total{${env},function="failing",kind="threw"} 1`,
      `yunkai_function_duration_seconds_count{${env},function="echo"} 10`,
      `yunkai_function_duration_seconds_bucket{${env},function="echo",le="+Inf"} 10`,
      `yunkai_calls_to_missing_functions_total{${env}} 1`,
    ]) {
      assert.ok(text.includes(`${expected}\n`), `${expected} is not in\n${text}`);
    }
    assert.match(text, /yunkai_http_requests_total\{surface="web",status="2xx"\} \d+/);
    assert.match(text, /yunkai_store_commits\{environment="\w+"\} [1-9]/);
    assert.match(text, /yunkai_process_resident_bytes\{\} \d{7,}/);
  });

  await t.test('usage by day outlives the server', async () => {
    await nodeSdk(server).database().collection('c').add({ a: 1 });
    const before = (await ask(server, 'usage')).days;
    assert.equal(before.length, 1);
    const [{ day, calls, errors, gigabyteSeconds, outboundBytes }] = before;
    assert.match(day, /^\d{4}-\d\d-\d\d$/);
    const [breaking] = (await ask(server, 'metrics')).functions;
    assert.deepEqual([calls, errors], [12 + breaking.calls, 2 + breaking.errors]);
    assert.ok(gigabyteSeconds > 0 && outboundBytes > 0, JSON.stringify(before));
    assert.equal(before[0].databaseWrites, 1);
    const table = await yunkai(server, ['usage', '--from', day]);
    assert.match(table.output, new RegExp(`^DAY .*\\n${day} +${calls} +${errors} +`));
    assert.equal((await yunkai(server, ['usage', '--to', 'x'])).code, 1);
    await alice.call('echo', {});
    await server.stop();
    await server.start();
    const [after] = (await ask(server, 'usage', { from: day, to: day })).days;
    assert.equal(after.calls, calls + 1);
    assert.deepEqual((await ask(server, 'usage', { to: '2001-01-01' })).days, []);
  });
});
