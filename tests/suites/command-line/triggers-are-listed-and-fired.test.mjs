/**
 * `yunkai functions triggers`, `invoke --timer` and `dead-letters`: what runs functions by itself is
 * shown, tried by hand, and mended.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, deploy, functions, invoke, serveEmpty } from '../../harness/deploying.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { run } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/** @typedef {import('../../harness/server.mjs').Server} Server */

const nightly = { type: 'timer', name: 'nightly', config: '0 0 2 * * * *', message: 'hello' };
const orders = { type: 'database', name: 'paid', collection: 'orders', events: ['insert'] };

/** @param {import('../../harness/server.mjs').Owner} owner */
async function served(owner) {
  const code = `exports.main = async (event) => {
    if (event.TriggerName) return event;
    throw new Error('cannot pay\\nfor ' + event.docId);
  };`;
  const { dir } = await project(owner, {
    files: { 'cloudfunctions/report/index.js': code },
    yunkai: {
      collections: { orders: { acl: 'ADMINONLY' } },
      functions: { report: { triggers: [nightly, orders] } },
    },
  });
  const server = await serveEmpty(owner);
  await deploy(server, dir);
  return server;
}

/**
 * The cells of the lines below a table's head.
 * @param {string} text
 */
function rows(text) {
  const lines = text.trimEnd().split('\n').slice(1);
  return lines.map((line) => line.split(/ {2,}/));
}

/**
 * A command that must be refused; what it printed.
 * @param {Server} server
 * @param {...string} args
 */
async function refused(server, ...args) {
  const where = ['--server', server.url, '--key', server.credentials().apiKey];
  const { code, output } = await run(['functions', ...args, ...where]);
  assert.notEqual(code, 0, output);
  return output;
}

test('triggers are listed with their next runs and timers are fired', async (t) => {
  const server = await served(t);
  const printed = rows(await functions(server, 'triggers'));
  const [timer, database] = printed.sort((a, b) => b[2].localeCompare(a[2]));
  assert.deepEqual(timer.slice(0, 4), ['report', 'nightly', 'timer', '0 0 2 * * * *']);
  assert.match(timer[4], /^\d{4}-\d\d-\d\dT18:00:00Z$/);
  assert.deepEqual(database, ['report', 'paid', 'database', 'orders']);
  const listed = JSON.parse(await functions(server, 'triggers', '--json'));
  assert.equal(listed.length, 2);
  const { next } = listed.find((/** @type {any} */ it) => it.name === 'nightly');
  assert.equal(next.length, 3);
  assert.equal(next[0], timer[4]);

  const event = await invoke(server, 'report', '--timer', 'nightly');
  assert.deepEqual([event.Type, event.TriggerName, event.Message], ['Timer', 'nightly', 'hello']);
  assert.match(await refused(server, 'invoke', 'report', '--timer', 'weekly'), /weekly/);
  assert.match(await refused(server, 'invoke', 'report', '--timer', 'paid'), /no timer/);
  const both = ['--timer', 'nightly', '--as', 'alice'];
  assert.match(await refused(server, 'invoke', 'report', ...both), /cannot be used with/);
  const body = { timer: 'nightly', as: 'alice' };
  const answer = await api(server, 'POST', 'functions/report/invoke', body);
  assert.equal(answer.body.code, 'INVALID_PARAM');
  assert.match(answer.body.message, /stands without 'as'/);
});

test('invoke --push runs a function for a message', async (t) => {
  const server = await served(t);
  const message = { TriggerName: 'mine', MsgType: 'text', Content: 'hello' };
  const how = ['--push', '--data', JSON.stringify(message)];
  assert.deepEqual(await invoke(server, 'report', ...how), message);
  assert.match(await refused(server, 'invoke', 'report', '--push', '--data', '1'), /MsgType/);
});

test('invoke --async prints the id of a call that then runs', async (t) => {
  const server = await served(t);
  const how = ['--data', '{"TriggerName":"mine"}', '--async'];
  const id = (await functions(server, 'invoke', 'report', ...how)).trim();
  await eventually('it has run', async () => {
    const { body } = await api(server, 'GET', `async/${id}`);
    return body.state === 'done' && body.function === 'report';
  });
});

test('dead letters are listed, tried again and deleted', async (t) => {
  const server = await served(t);
  assert.deepEqual(rows(await functions(server, 'dead-letters', 'list')), []);
  const collection = nodeSdk(server).database().collection('orders');
  for (const _id of ['a', 'b']) await collection.add({ _id });
  const list = () => functions(server, 'dead-letters', 'list');
  /** @type {any} */
  const letters = await eventually('two dead letters', async () => {
    const found = rows(await list());
    return found.length === 2 && found;
  });
  for (const [, at, name, trigger, attempts, error] of letters) {
    assert.match(at, /^\d{4}-\d\d-\d\d \d\d:/);
    assert.deepEqual([name, trigger, attempts], ['report', 'database', '3']);
    assert.match(error, /cannot pay$/);
  }
  assert.equal(rows(await functions(server, 'dead-letters', 'list', '--limit', '1')).length, 1);
  const [[first], [second]] = letters;
  const call = (await functions(server, 'dead-letters', 'retry', first)).trim();
  assert.equal((await api(server, 'GET', `async/${call}`)).body.function, 'report');
  assert.deepEqual(
    rows(await list()).map(([id]) => id),
    [second],
  );
  await functions(server, 'dead-letters', 'delete', second);
  assert.equal(await functions(server, 'dead-letters', 'list', '--json'), '[]\n');
  assert.match(await refused(server, 'dead-letters', 'delete', second), /no dead letter/);
});
