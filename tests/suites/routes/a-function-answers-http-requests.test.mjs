/** Routes of `yunkai.json`: the event, every form of an answer, errors, CORS, and who asks. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

const routes = [
  { path: '/web', function: 'site' },
  { path: '/web/deeper', function: 'echo' },
  { path: '/whole', function: 'site', keepPrefix: true },
  { path: '/members', function: 'site', auth: true },
  { path: '/plain', function: 'site', cors: false },
  { path: '/admin', function: 'echo' },
  { path: '/missing', function: 'nowhere' },
  { path: '/相册', function: 'echo' },
];

/** @param {import('node:test').TestContext} t */
async function start(t) {
  const made = await project(t, {
    functions: { site: { from: 'site', sdk: '^4.0.2' }, echo: 'echo' },
    yunkai: { routes, hosting: 'dist', functions: { site: { timeout: 2 } } },
    files: { 'dist/index.html': 'the site', 'dist/web/text': 'never seen' },
  });
  const server = await serve(t, made.dir);
  return { made, server };
}

test('a function answers http requests', async (t) => {
  const { server, made } = await start(t);
  const { envId } = server.credentials();
  const ask = (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) =>
    request(server.url + path, { redirect: 'manual', ...init });

  await t.test('the event is as documented', async () => {
    const { status, body, headers } = await ask('/web/a/%E9%9B%AA?x=1&y=%E9%9B%AA&x=2', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Mine': 'yes',
        'X-WX-OPENID': 'forged',
        'x-yunkai-invocation': 'forged',
      },
      body: '{"k":1}',
    });
    assert.equal(status, 200);
    assert.equal(body.path, '/a/%E9%9B%AA');
    assert.equal(body.httpMethod, 'POST');
    assert.deepEqual(body.queryStringParameters, { x: ['1', '2'], y: '雪' });
    assert.equal(body.body, '{"k":1}');
    assert.equal(body.isBase64Encoded, false);
    assert.equal(body.requestContext.envId, envId);
    assert.equal(body.requestContext.requestId, headers.get('x-request-id'));
    assert.equal(body.headers['x-mine'], 'yes');
    assert.equal(body.headers.host, server.host);
    assert.equal(body.headers['x-real-ip'], '127.0.0.1');
    assert.equal(body.headers['x-wx-openid'], undefined);
    assert.equal(body.headers['x-yunkai-invocation'], undefined);
  });

  await t.test('every method reaches the function, and binary bodies are base64', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      assert.equal((await ask('/web/x', { method })).body.httpMethod, method);
    }
    const bytes = new Uint8Array([0, 255, 1, 254]);
    const { body } = await ask('/web/x', { method: 'PUT', body: bytes });
    assert.equal(body.isBase64Encoded, true);
    assert.deepEqual(new Uint8Array(Buffer.from(body.body, 'base64')), bytes);
  });

  await t.test('the longest prefix of whole segments wins, then comes the site', async () => {
    assert.equal((await ask('/web/deeper/x')).body.path, '/x');
    assert.equal((await ask('/web')).body.path, '/');
    assert.equal((await ask('/whole/x')).body.path, '/whole/x');
    assert.equal((await ask(`/${encodeURIComponent('相册')}/1`)).body.path, '/1');
    assert.equal((await ask('/')).body, 'the site');
    assert.equal((await ask('/webx')).status, 404);
    const other = await ask('/admin/x?a=1');
    assert.equal(other.body.path, '/x');
    assert.equal((await ask('/admin?a=1')).body.queryStringParameters.a, '1');
    assert.ok((await ask('/admin', { method: 'POST', body: '{}' })).body.code);
  });

  await t.test('every result has its answer', async () => {
    const text = await ask('/web/text');
    assert.equal(text.body, '<h1>雪</h1>');
    assert.equal(text.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.deepEqual((await ask('/web/object')).body, { a: 1 });
    assert.equal((await ask('/web/nothing')).status, 204);
    const page = await ask('/web/page');
    assert.equal(page.status, 201);
    assert.equal(page.headers.get('content-type'), 'text/html');
    assert.deepEqual(page.headers.getSetCookie(), ['a=1; Path=/', 'b=2']);
    assert.deepEqual((await ask('/web/json')).body, { nested: [1, { 雪: true }] });
    const pixel = await fetch(`${server.url}/web/pixel`);
    assert.equal(pixel.headers.get('content-type'), 'image/png');
    const bytes = Buffer.from(await pixel.arrayBuffer());
    assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
    const moved = await ask('/web/elsewhere');
    assert.deepEqual([moved.status, moved.headers.get('location')], [302, '/web/text']);
    const head = await ask('/web/page', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [201, '']);
    assert.equal(head.headers.get('content-length'), '11');
  });

  await t.test('errors say what happened, with a status', async () => {
    /** @type {[string, number, string][]} */
    const rows = [
      ['/web/throws', 500, 'FUNCTION_INVOCATION_FAILED'],
      ['/web/smuggled', 500, 'FUNCTION_INVOCATION_FAILED'],
      ['/web/status', 500, 'FUNCTION_INVOCATION_FAILED'],
      ['/web/slow', 504, 'FUNCTION_TIME_LIMIT_EXCEEDED'],
      ['/missing', 404, 'FUNCTION_NOT_FOUND'],
    ];
    for (const [path, status, code] of rows) {
      const reply = await ask(path);
      assert.deepEqual([reply.status, reply.body.code], [status, code], path);
      assert.equal(reply.body.requestId, reply.headers.get('x-request-id'));
      assert.ok(reply.body.message);
      assert.equal(reply.headers.get('set-cookie'), null);
    }
  });

  await t.test('a body may have 6 MB as an event, and no more', async () => {
    const bytes = randomBytes(4 << 20);
    const fits = await ask('/web/size', { method: 'POST', body: new Uint8Array(bytes) });
    const hash = createHash('sha256').update(bytes).digest('hex');
    assert.deepEqual(fits.body, { hash });
    for (const bytes of [5 << 20, 7 << 20]) {
      const reply = await ask('/web/size', { method: 'POST', body: new Uint8Array(bytes) });
      assert.equal(reply.status, 413);
      assert.equal(reply.body.code, 'EXCEED_MAX_PAYLOAD_SIZE');
    }
  });

  await t.test('pages of other origins may ask; the word of the function wins', async () => {
    const origin = 'https://page.example';
    const preflight = await ask('/members/x', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'x-mine',
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
    assert.equal(preflight.headers.get('access-control-allow-methods'), 'PUT');
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-mine');
    const allowed = (/** @type {any} */ reply) => reply.headers.get('access-control-allow-origin');
    assert.equal(allowed(await ask('/web/object', { headers: { origin } })), '*');
    assert.equal(allowed(await ask('/web/throws', { headers: { origin } })), '*');
    const own = await ask('/web/origins', { headers: { origin } });
    assert.equal(allowed(own), 'https://only.example');
    assert.equal(allowed(await ask('/web/object')), null);
    const left = await ask('/plain/x', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT' },
    });
    assert.equal(left.body.httpMethod, 'OPTIONS');
    assert.equal(allowed(left), null);
  });

  await t.test('who asks is told to the function', async () => {
    const alice = await Caller.signIn(server, 'alice');
    const nobody = (await ask('/web/who')).body;
    assert.equal(nobody.wx.OPENID, undefined);
    assert.equal(nobody.wx.SOURCE, 'wx_http');
    assert.equal(nobody.http.httpMethod, 'GET');
    for (const headers of /** @type {Record<string, string>[]} */ ([
      { 'x-cloudbase-credentials': `${alice.accessToken}/@@/refresh` },
      { authorization: `Bearer ${alice.accessToken}` },
    ])) {
      const seen = (await ask('/members/who', { headers })).body;
      assert.equal(seen.wx.OPENID, alice.openid);
      assert.equal(seen.wx.CLIENTIP, '127.0.0.1');
      assert.ok(seen.uid);
    }
    assert.equal((await ask('/members/who')).status, 401);
    const forged = { authorization: 'Bearer forged' };
    assert.equal((await ask('/members/who', { headers: forged })).status, 401);
    // A token that is not ours may be the function's own business.
    const passed = await ask('/web/x', { headers: forged });
    assert.equal(passed.body.headers.authorization, 'Bearer forged');
    const broken = { 'x-cloudbase-credentials': 'forged/@@/x' };
    assert.equal((await ask('/web/x', { headers: broken })).status, 401);
  });

  await t.test('a path is taken as it is sent', async () => {
    const path = '/web/../../etc/passwd';
    const reply = await new Promise((resolve, reject) => {
      const sent = http.get({ host: '127.0.0.1', port: server.port, path }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(JSON.parse(text)));
      });
      sent.on('error', reject);
    });
    assert.equal(/** @type {any} */ (reply).path, '/../../etc/passwd');
  });

  await t.test('routes are listed, and follow yunkai.json', async () => {
    const { apiKey } = server.credentials();
    const headers = { authorization: `Bearer ${apiKey}` };
    const listed = await ask('/_api/routes', { headers });
    assert.equal(listed.body.routes.length, routes.length);
    assert.equal(listed.body.routes[0].path, '/web/deeper');
    assert.equal((await ask('/_api/routes')).status, 401);
    const fewer = { routes: [{ path: '/new', function: 'echo' }], hosting: 'dist' };
    await made.write('yunkai.json', JSON.stringify(fewer));
    await eventually('the new route answers', async () => (await ask('/new/x')).body.path === '/x');
    assert.equal((await ask('/web/object')).status, 404);
  });
});

test('routes that cannot be are refused with their place', async (t) => {
  const made = await project(t, { functions: { echo: 'echo' }, yunkai: { routes: [] } });
  const server = await serve(t, made.dir);
  for (const [route, words] of /** @type {[unknown, RegExp][]} */ ([
    [{ path: 'x', function: 'echo' }, /routes\[0\]\.path/],
    [{ path: '/_api/x', function: 'echo' }, /belongs to the platform/],
    [{ path: '/x', functoin: 'echo' }, /line \d+.*functoin/],
  ])) {
    const from = server.lines.length;
    await made.write('yunkai.json', JSON.stringify({ routes: [route] }));
    assert.match(await server.said(words, from), /yunkai\.json/);
  }
});
