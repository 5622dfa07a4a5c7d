/** A timer of `config.json` runs its function by the clock, as nobody, with the vendor's event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yunkai } from '../../harness/command.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { api, ticksOf } from './ticks.mjs';

const functions = { ticker: { from: 'ticker', sdk: '^4.0.2' } };
const collections = { ticks: { acl: 'ADMINONLY' } };

test('a timer of config.json ticks with the vendors event', async (t) => {
  const config = { triggers: [{ name: 'everySecond', type: 'timer', config: '* * * * * * *' }] };
  const { dir } = await project(t, {
    functions,
    yunkai: { collections },
    files: { 'cloudfunctions/ticker/config.json': JSON.stringify(config) },
  });
  const server = await serve(t, dir);
  /** @type {any} */
  const ticks = await eventually('three ticks', async () => {
    const found = await ticksOf(server);
    return found.length >= 3 && found;
  });
  for (const { event, openid, source } of ticks) {
    assert.deepEqual(Object.keys(event), ['Type', 'TriggerName', 'Time', 'Message']);
    assert.equal(event.Type, 'Timer');
    assert.equal(event.TriggerName, 'everySecond');
    assert.match(event.Time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(event.Message, '');
    assert.equal(openid, null);
    assert.equal(source, 'timer');
  }
});

test('triggers are listed with their next runs and a timer is fired by hand', async (t) => {
  const timer = { type: 'timer', name: 'nightly', config: '0 0 2 * * * *', message: 'hello' };
  const { dir } = await project(t, {
    functions,
    yunkai: { collections, functions: { ticker: { triggers: [timer] } } },
  });
  const server = await serve(t, dir);
  const { triggers } = await api(server, 'GET', 'triggers');
  assert.equal(triggers.length, 1);
  const [{ function: name, next, ...rest }] = triggers;
  assert.equal(name, 'ticker');
  assert.deepEqual(rest, { ...timer, missed: 'once', interrupted: 'skip', latest: null });
  assert.equal(next.length, 3);
  // Two in the morning in Beijing is six in the evening before.
  for (const moment of next) assert.match(moment, /T18:00:00Z$/);
  const { result } = await api(server, 'POST', 'triggers/ticker/nightly/fire');
  assert.equal(result.event.Message, 'hello');
  assert.equal(result.source, 'timer');
  await assert.rejects(api(server, 'POST', 'triggers/ticker/other/fire'), /no trigger 'other'/);
  await assert.rejects(api(server, 'GET', 'triggers', { key: 'x' }), /4\d\d/);
});

test('a malformed cron is refused at deploy and names its field', async (t) => {
  const wrong = { name: 'wrong', type: 'timer', config: '0 0 25 * * * *' };
  const made = await project(t, {
    functions,
    yunkai: { collections },
    files: { 'cloudfunctions/ticker/config.json': JSON.stringify({ triggers: [wrong] }) },
  });
  const server = await serve(t, made.dir);
  const line = await server.said(/'wrong': config: the field 'hour'/);
  assert.match(line, /functions\.ticker\.triggers/);
  const { triggers } = await api(server, 'GET', 'triggers');
  assert.deepEqual(triggers, []);
  // In yunkai.json the start says so.
  const { dir } = await project(t, {
    functions,
    yunkai: { functions: { ticker: { triggers: [wrong] } } },
  });
  const { output } = await yunkai({ .../** @type {any} */ (server), data: `${dir}/d` }, [
    'dev',
    dir,
  ]);
  assert.match(output, /the field 'hour'/);
});
