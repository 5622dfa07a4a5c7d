/** Functions of the kind `http`: versions, aliases with a traffic split, failures on record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { api, deploy, functions, serveEmpty } from '../../harness/deploying.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { ask } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';
import { request } from '../../harness/wire.mjs';

/** @param {string} answer */
const program = (answer) => `
require('node:http').createServer((request, response) => {
  if (request.url === '/bad') return response.writeHead(503).end('not now');
  if (request.url === '/silent') return;
  if (request.url === '/exit') process.exit(1);
  if (request.url === '/half') {
    response.write('the beginning');
    return setTimeout(() => response.destroy(), 50);
  }
  if (request.url === '/missing') return response.writeHead(404).end();
  response.end('${answer}');
}).listen(9000);
`;

/** @param {import('node:test').TestContext} t */
async function ground(t) {
  const made = await project(t, {
    files: { 'cloudfunctions/shop/index.js': program('one') },
    yunkai: {
      routes: [{ path: '/shop', function: 'shop' }],
      functions: { shop: { kind: 'http', timeout: 2 } },
    },
  });
  const server = await serveEmpty(t);
  await deploy(server, made.dir);
  return { made, server };
}

test("a function's own server has versions", async (t) => {
  const { made, server } = await ground(t);
  const shop = async () => (await request(`${server.url}/shop`, {})).body;
  const headers = { authorization: `Bearer ${server.credentials().apiKey}` };
  const named = async (/** @type {string} */ qualifier) =>
    request(`${server.url}/v1/functions/shop/x`, {
      headers: { ...headers, 'x-qualifier': qualifier },
    });
  assert.equal(await shop(), 'one');
  await made.write('cloudfunctions/shop/index.js', program('two'));
  await deploy(server, made.dir);
  assert.equal(await shop(), 'two');
  assert.equal((await named('1')).body, 'one');
  assert.equal((await named('$LATEST')).body, 'two');
  assert.equal((await named('7')).body.code, 'FUNCTION_NOT_FOUND');
  await functions(server, 'alias', 'set', 'shop', 'live', '1');
  assert.equal((await named('live')).body, 'one');

  await functions(server, 'alias', 'set', 'shop', '$DEFAULT', '1=50', '2=50');
  const seen = new Set();
  for (let call = 0; call < 40 && seen.size < 2; call += 1) seen.add(await shop());
  assert.deepEqual([...seen].sort(), ['one', 'two']);
  await functions(server, 'alias', 'delete', 'shop', '$DEFAULT');
  await functions(server, 'rollback', 'shop');
  assert.equal(await shop(), 'one');
  const called = await api(server, 'POST', 'functions/shop/invoke', {});
  assert.equal(called.status, 400, JSON.stringify(called.body));
  assert.match(called.body.message, /HTTP requests only/);
});

test("failed requests of a function's own server are on record as failed", async (t) => {
  const { server } = await ground(t);
  const shop = (/** @type {string} */ path) => fetch(`${server.url}/shop${path}`);
  /** @type {[string, number, string | null, RegExp][]} */
  const cases = [
    ['/', 200, null, /^/],
    ['/missing', 404, null, /^/],
    ['/bad', 503, 'http-5xx', /503/],
    ['/silent', 504, 'timed-out', /did not begin to answer/],
    ['/half', 200, 'exited', /middle of an answer/],
    ['/exit', 500, 'exited', /ended|exit/],
  ];
  for (const [path, status, kind, message] of cases) {
    const reply = await shop(path);
    assert.equal(reply.status, status, path);
    await reply.text().catch(() => {});
    const requestId = String(reply.headers.get('x-request-id'));
    const found = await eventually(`the record of ${path}`, async () => {
      return (await ask(server, `invocations/${requestId}`)).invocation;
    });
    assert.deepEqual([found.trigger, found.error?.kind ?? null], ['http', kind], path);
    assert.equal(found.version, '$LATEST');
    assert.match(found.error?.message ?? '', message);
  }
  const { functions: figures } = await ask(server, 'metrics');
  const shopFigures = figures.find((/** @type {any} */ it) => it.name === 'shop');
  assert.equal(shopFigures.calls, cases.length);
  assert.deepEqual(shopFigures.byError, { 'http-5xx': 1, 'timed-out': 1, exited: 2 });
});

test('a server ends when it had nothing to do, not between requests', async (t) => {
  const talking = `require('node:http').createServer((request, response) => {
    console.log('asked', request.url);
    response.end();
  }).listen(9000);`;
  const made = await project(t, {
    files: { 'cloudfunctions/shop/index.js': talking },
    yunkai: {
      routes: [{ path: '/shop', function: 'shop' }],
      functions: { shop: { kind: 'http', timeout: 2 } },
    },
  });
  const server = await serveEmpty(t);
  await deploy(server, made.dir);
  // Visitors come one after another, for longer than a server lingers.
  const visits = 10;
  for (let visit = 0; visit < visits; visit += 1) {
    assert.equal((await request(`${server.url}/shop/${visit}`, {})).status, 200);
    await pause(300);
  }
  const entries = await eventually('every visit is in the log', async () => {
    const found = (await ask(server, 'logs', { function: 'shop', text: 'asked' })).entries;
    return found.length === visits && found;
  });
  // Lines of one serving bear its id.
  assert.equal(new Set(entries.map((/** @type {any} */ it) => it.requestId)).size, 1);
});
