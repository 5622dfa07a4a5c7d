/** Routes, services and triggers of `yunkai deploy`: there, and at work, after the server is killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, deploy, functions, invoke, serveEmpty } from '../../harness/deploying.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { legacy } from '../../harness/legacy.mjs';
import { project } from '../../harness/project.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { ticksOf } from '../triggers/ticks.mjs';

const everySecond = { type: 'timer', name: 'everySecond', config: '* * * * * * *' };
const paid = { type: 'database', name: 'paid', collection: 'orders' };

test('routes, services and triggers are there after a kill', async (t) => {
  const system = await legacy(t, ({ url }, response) => void response.end(`shop ${url}`));
  const { dir } = await project(t, {
    functions: {
      ticker: { from: 'ticker', sdk: '^4.0.2' },
      follower: { from: 'follower', sdk: '^4.0.2' },
    },
    files: {
      'cloudfunctions/page/index.js': `exports.main = async ({ path }) => 'page of ' + path;`,
      'cloudfunctions/buyer/index.js': `exports.main = async () =>
        (await fetch('http://shop.services.internal/items')).text();`,
    },
    yunkai: {
      collections: {
        ticks: { acl: 'ADMINONLY' },
        orders: { acl: 'ADMINONLY' },
        events: { acl: 'ADMINONLY' },
      },
      routes: [{ path: '/pages', function: 'page' }],
      services: { shop: { url: system.url, paths: ['/items'] } },
      functions: { ticker: { triggers: [everySecond] }, follower: { triggers: [paid] } },
    },
  });
  const server = await serveEmpty(t);
  await deploy(server, dir);
  /** What stands in the lists, without what goes on by itself. */
  const listed = async () => {
    const lists = ['routes', 'services', 'functions', 'triggers'];
    const answers = await Promise.all(lists.map((list) => api(server, 'GET', list)));
    const [{ body: routes }, { body: services }, { body: functions }, { body: triggers }] = answers;
    return {
      routes,
      services,
      functions: functions.functions.map((/** @type {any} */ it) => [it.name, it.version]),
      triggers: triggers.triggers.map((/** @type {any} */ it) => [it.function, it.name, it.type]),
    };
  };
  const before = await listed();
  assert.equal(before.routes.routes.length, 1);
  assert.equal(before.services.services.length, 1);
  assert.equal(before.functions.length, 4);
  assert.equal(before.triggers.length, 2);

  await server.kill();
  await server.start();
  assert.deepEqual(await listed(), before);
  assert.equal(await (await fetch(`${server.url}/pages/one`)).text(), 'page of /one');
  assert.equal(await invoke(server, 'buyer'), 'shop /items');
  assert.match(await functions(server, 'triggers'), /everySecond/);
  const known = new Set((await ticksOf(server)).map(({ tick }) => tick));
  await eventually('the timer ticks again', async () =>
    (await ticksOf(server)).some(({ tick }) => !known.has(tick)),
  );
  await nodeSdk(server).database().collection('orders').add({ _id: 'a' });
  await eventually('a change is followed', async () => {
    const events = await ticksOf(server, 'events');
    return events.some(({ event }) => JSON.parse(event).docId === 'a');
  });
});
