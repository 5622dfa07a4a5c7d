/** `main(event, context)` behind HTTP, as the vendor's functions framework runs it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

test("a function of the framework's style is served", async (t) => {
  const made = await project(t, {
    functions: {
      styled: { from: 'styled', sdk: '^4.0.2' },
      context: { from: 'context', sdk: '^4.0.2' },
      many: 'styled-many',
    },
    yunkai: {
      routes: [
        { path: '/styled', function: 'styled' },
        { path: '/many', function: 'many' },
      ],
      functions: { styled: { kind: 'http' }, many: { kind: 'http' } },
    },
  });
  const server = await serve(t, made.dir);
  /** @type {(path: string, init?: RequestInit) => Promise<any>} */
  const ask = (path, init = {}) => request(`${server.url}/styled${path}`, init);

  await t.test('the event is the parsed body', async () => {
    const send = (/** @type {BodyInit} */ body, /** @type {string} */ type) =>
      ask('/', { method: 'POST', body, headers: { 'content-type': type, 'x-mine': 'yes' } });
    const json = await send('{"a":[1]}', 'application/json');
    assert.deepEqual(json.body, {
      event: { a: [1] },
      raw: null,
      httpMethod: 'POST',
      type: 'http',
      mine: 'yes',
    });
    const form = await send('a=1&b=2&b=3', 'application/x-www-form-urlencoded');
    assert.deepEqual(form.body.event, { a: '1', b: ['2', '3'] });
    assert.equal((await send('words', 'text/plain')).body.event, 'words');
    assert.equal((await send('\u0000', 'image/png')).body.raw, 'AA==');
    const bad = await send('{', 'application/json');
    assert.deepEqual([bad.status, bad.body.code], [400, 'BAD_REQUEST']);
    const upload = new FormData();
    upload.set('name', 'cat');
    upload.set('file', new Blob(['meow']), 'cat.txt');
    const uploaded = await ask('/upload', { method: 'POST', body: upload });
    assert.deepEqual(uploaded.body, { name: 'cat', file: 'meow' });
  });

  await t.test('what is returned becomes the answer', async () => {
    const text = await ask('/text');
    assert.equal(text.body, 'plain words');
    assert.equal(text.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal((await ask('/page')).headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal((await ask('/nothing')).status, 204);
    const built = await ask('/made');
    assert.deepEqual([built.status, built.headers.get('x-made')], [201, 'yes']);
    assert.deepEqual(built.body, { made: true });
    const failed = await ask('/throws');
    assert.equal(failed.status, 500);
    assert.deepEqual([failed.body.code, failed.body.message], ['SYS_ERR', 'System Error.']);
    const stream = await fetch(`${server.url}/styled/stream`);
    assert.equal(
      await stream.text(),
      'event: first\ndata: {"n":1}\n\ndata: two\ndata: lines\n\n: bye\n\n',
    );
  });

  await t.test('who asks is told, and kept for calls', async () => {
    const alice = await Caller.signIn(server, 'alice');
    const headers = { authorization: `Bearer ${alice.accessToken}` };
    assert.deepEqual((await ask('/who', { headers })).body, {
      nested: alice.openid,
      told: alice.openid,
    });
  });

  await t.test('several functions stand behind one server', async () => {
    const many = (/** @type {string} */ path) => request(`${server.url}/many${path}`, {});
    assert.equal((await many('/one/x')).body.from, 'one');
    assert.equal((await many('/one/deeper')).body.from, 'two');
    assert.equal((await many('/onex')).status, 404);
  });
});
