/**
 * `services`: a function asks an existing system whether this user may do this, clients reach it by
 * `callContainer`, and it can verify who asks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { isGenuine, legacy } from '../../harness/legacy.mjs';
import { client } from '../../harness/library.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';
import { request } from '../../harness/wire.mjs';

/** @typedef {import('../../harness/legacy.mjs').Seen} Seen */

test('a legacy system decides who may', async (t) => {
  /** @type {Set<string>} */
  const members = new Set();
  const system = await legacy(t, ({ method, url, headers, body }, response) => {
    if (url.startsWith('/may')) {
      const may = members.has(headers['x-wx-openid']);
      return void response.end(JSON.stringify({ may }));
    }
    if (url.startsWith('/base/moved')) {
      response.writeHead(302, { location: 'http://169.254.169.254/latest', 'x-mine': '1' });
      return void response.end();
    }
    if (url.startsWith('/base/teapot')) return void response.writeHead(418).end('short and stout');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, body: body.toString('base64') }));
  });
  const made = await project(t, {
    functions: { gatekeeper: 'gatekeeper' },
    yunkai: {
      services: {
        legacy: { url: system.url, paths: ['/may'], clients: false },
        shop: { url: `${system.url}/base/`, paths: ['/items', '/moved', '/teapot'] },
      },
    },
  });
  const server = await serve(t, made.dir);
  const { envId, apiKey } = server.credentials();
  const alice = await Caller.signIn(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');
  members.add(alice.openid);
  const listed = await request(`${server.url}/_api/services`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  /** @type {(name: string) => string} */
  const secret = (name) =>
    listed.body.services.find((/** @type {any} */ it) => it.name === name).secret;
  const last = () => /** @type {Seen} */ (system.seen.at(-1));
  /** @type {(path: string, init?: RequestInit & { headers?: Record<string, string> }) => Promise<any>} */
  const ask = (path, init = {}) =>
    request(`${server.url}/v1/cloudrun/${path}`, {
      redirect: 'manual',
      ...init,
      headers: { authorization: `Bearer ${alice.accessToken}`, ...init.headers },
    });

  await t.test('a function asks whether this user may', async () => {
    assert.deepEqual(await alice.call('gatekeeper', { photo: 1 }), { may: true });
    const seen = last();
    assert.ok(isGenuine(secret('legacy'), seen, seen.body));
    assert.equal(seen.headers['x-wx-openid'], alice.openid);
    assert.equal(seen.headers['x-wx-appid'], appId);
    assert.equal(seen.headers['x-wx-env'], envId);
    assert.equal(seen.headers['x-wx-source'], 'wx_client,scf');
    assert.equal(seen.headers['x-wx-service'], 'legacy');
    assert.equal(seen.headers['x-yunkai-function'], 'gatekeeper');
    assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen.headers['x-yunkai-invocation'], undefined);
    assert.deepEqual(await bob.call('gatekeeper', { photo: 1 }), { may: false });
  });

  await t.test('an altered request is not genuine', () => {
    const seen = last();
    const key = secret('legacy');
    assert.ok(isGenuine(key, seen, seen.body));
    const forged = { ...seen.headers, 'x-wx-openid': alice.openid };
    assert.ok(!isGenuine(key, { ...seen, headers: forged }, seen.body));
    assert.ok(!isGenuine(key, { ...seen, url: '/may?photo=2' }, seen.body));
    assert.ok(!isGenuine(key, seen, Buffer.from('x')));
    assert.ok(!isGenuine(secret('shop'), seen, seen.body));
  });

  await t.test('many users at once are never mistaken for one another', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? alice : bob).call('gatekeeper', { photo: n })),
    );
    answers.forEach((answer, n) => {
      assert.deepEqual(answer, { may: n % 2 === 1 });
    });
  });

  await t.test('fetch, bodies and headers of a function pass', async () => {
    const url = 'http://shop.services.internal/items?a=1';
    const headers = { authorization: 'Basic bWU6aXQ=' };
    const init = { method: 'POST', body: 'text', headers };
    for (const by of [true, false]) {
      const answer = await alice.call('gatekeeper', { url, init, fetch: by });
      const told = JSON.parse(answer.text);
      assert.equal(told.url, '/base/items?a=1');
      assert.equal(Buffer.from(told.body, 'base64').toString(), 'text');
      assert.equal(last().headers.authorization, headers.authorization);
    }
    const nowhere = await alice.call('gatekeeper', { url: 'http://other.services.internal/' });
    assert.equal(nowhere.status, 404);
    assert.equal(JSON.parse(nowhere.text).code, 'SERVICE_NOT_FOUND');
  });

  await t.test('a client reaches what is meant for clients', async () => {
    const bytes = new Uint8Array([0, 1, 255]);
    const reply = await ask('shop/items/7?x=%2F', {
      method: 'PUT',
      body: bytes,
      headers: { 'X-WX-OPENID': bob.openid, 'X-Yunkai-Uid': 'forged', cookie: 'a=1', 'x-own': '1' },
    });
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, { method: 'PUT', url: '/base/items/7?x=%2F', body: 'AAH/' });
    const seen = last();
    assert.ok(isGenuine(secret('shop'), seen, seen.body));
    assert.equal(seen.headers['x-wx-openid'], alice.openid);
    assert.equal(seen.headers['x-wx-source'], 'wx_client');
    assert.equal(seen.headers['x-wx-call-id'], reply.headers.get('x-request-id'));
    assert.equal(seen.headers['x-own'], '1');
    for (const kept of ['authorization', 'cookie', 'x-yunkai-function']) {
      assert.equal(seen.headers[kept], undefined, kept);
    }
    assert.notEqual(seen.headers['x-yunkai-uid'], 'forged');
    const teapot = await ask('shop/teapot');
    assert.deepEqual([teapot.status, teapot.body], [418, 'short and stout']);
    const moved = await ask('shop/moved');
    assert.deepEqual([moved.status, moved.headers.get('x-mine')], [302, '1']);
  });

  await t.test('callContainer of the client library reaches it', async () => {
    const cloud = await client(server, 'bob');
    const answer = await cloud.callContainer({
      path: '/items/7?x=1',
      method: 'POST',
      header: { 'X-WX-SERVICE': 'shop' },
      data: { a: 1 },
    });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.errMsg, 'cloud.callContainer:ok');
    assert.equal(answer.data.url, '/base/items/7?x=1');
    assert.equal(Buffer.from(answer.data.body, 'base64').toString(), '{"a":1}');
    assert.equal(last().headers['x-wx-openid'], bob.openid);
    const missing = await cloud.callContainer({ path: '/', header: { 'X-WX-SERVICE': 'no' } });
    assert.deepEqual([missing.statusCode, missing.data.code], [404, 'SERVICE_NOT_FOUND']);
  });

  await t.test('nothing else can be reached', async () => {
    const before = system.seen.length;
    /** @type {[string, any, number, string][]} */
    const rows = [
      ['legacy/may', {}, 404, 'SERVICE_NOT_FOUND'],
      ['other/x', {}, 404, 'SERVICE_NOT_FOUND'],
      ['shop/admin', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/itemsx', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/items/%2e%2e/admin', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/items%2Fx', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/items/%252e%252e/admin', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/items//x', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/items/..;/admin', {}, 403, 'SERVICE_PATH_FORBIDDEN'],
      ['shop/items', { headers: { authorization: '' } }, 401, 'CHECK_LOGIN_FAILED'],
      ['shop/items', { headers: { authorization: 'Bearer x' } }, 401, 'CHECK_LOGIN_FAILED'],
      [
        'shop/items',
        { method: 'POST', body: new Uint8Array(7 << 20) },
        413,
        'EXCEED_MAX_PAYLOAD_SIZE',
      ],
    ];
    for (const [path, init, status, code] of rows) {
      const reply = await ask(path, init);
      assert.deepEqual([reply.status, reply.body.code], [status, code], path);
      assert.ok(reply.body.message && reply.body.requestId);
    }
    assert.equal(system.seen.length, before);
    assert.equal((await request(`${server.url}/_api/services`, {})).status, 401);
    const refused = await refusal(alice.call('gatekeeper', { url: 'http://services.internal/' }));
    assert.ok(refused.text);
  });
});
