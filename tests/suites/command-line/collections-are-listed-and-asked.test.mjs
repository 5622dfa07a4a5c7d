/** `yunkai database collections` and `query`, and what is said when there is no server. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { yunkai } from '../../harness/command.mjs';
import { project } from '../../harness/project.mjs';
import { run, serve, temporaryFolder } from '../../harness/server.mjs';
import { rootDir } from '../../harness/settings.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { request } from '../../harness/wire.mjs';

test('collections are listed and asked', async (t) => {
  const collections = { open: { acl: 'READONLY' }, own: {} };
  const server = await serve(t, (await project(t, { yunkai: { collections } })).dir);
  const db = nodeSdk(server).database();
  for (const n of [3, 1, 2]) await db.collection('open').add({ _id: `d${n}`, n, x: { y: n } });

  const list = await yunkai(server, ['database', 'collections', '--json']);
  assert.deepEqual(JSON.parse(list.output), [
    { name: 'open', documents: 3, acl: 'READONLY' },
    { name: 'own', documents: 0, acl: 'PRIVATE' },
  ]);
  const table = await yunkai(server, ['database', 'collections']);
  assert.match(table.output, /^NAME\s+DOCUMENTS\s+ACL\nopen\s+3\s+READONLY\nown\s+0\s+PRIVATE\n$/);

  const args = ['--filter', '{"n":{"$gt":1}}', '--sort', '{"n":-1}', '--fields', 'x.y'];
  const found = await yunkai(server, ['database', 'query', 'open', ...args]);
  assert.equal(found.output, '{"_id":"d3","x":{"y":3}}\n{"_id":"d2","x":{"y":2}}\n');
  const one = await yunkai(server, ['database', 'query', 'open', '--limit', '1', '--json']);
  assert.equal(JSON.parse(one.output).length, 1);

  const broken = await yunkai(server, ['database', 'query', 'open', '--filter', '{"n":{"$no":1}}']);
  assert.equal(broken.code, 1);
  assert.match(broken.output, /\$no.*'n'/);
});

test('the server is found in a project folder or named, and its absence is explained', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const { apiKey } = server.credentials();
  const named = ['database', 'collections', '--json', '--server', server.url, '--key', apiKey];
  assert.equal((await run(named)).output, '[]\n');
  const forged = await run([...named.slice(0, -1), 'forged']);
  assert.equal(forged.code, 1);
  const nowhere = await temporaryFolder(t);
  const absent = ['database', 'collections', '--data', nowhere];
  const { code, output } = await run(absent);
  assert.equal(code, 1);
  assert.match(output, /yunkai dev/);
  const chinese = await run(absent, { env: { LANG: 'zh_CN.UTF-8' } });
  assert.match(chinese.output, /当前目录没有运行中的服务/);
  const unreachable = [...named];
  unreachable[4] = 'http://127.0.0.1:1';
  assert.match((await run(unreachable)).output, /cannot be reached/);
});

test('the API wants the key, even on this machine, and knows its paths', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const url = `${server.url}/_api/database/collections`;
  const { apiKey } = server.credentials();
  const authorization = `Bearer ${apiKey}`;
  for (const headers of /** @type {Record<string, string>[]} */ ([
    {},
    { authorization: 'Bearer forged' },
  ])) {
    const { status, body } = await request(url, { headers });
    assert.equal(status, 401);
    assert.ok(body.message);
  }
  assert.deepEqual((await request(url, { headers: { authorization } })).body, { collections: [] });
  const made = { method: 'POST', headers: { authorization }, body: '{"name":"made"}' };
  assert.equal((await request(url, made)).status, 200);
  assert.equal((await request(url, made)).body.code, 'DATABASE_COLLECTION_ALREADY_EXIST');
  const gone = { method: 'DELETE', headers: { authorization } };
  assert.equal((await request(`${url}/made`, gone)).status, 200);
  assert.equal((await request(`${url}/made`, gone)).status, 404);
  assert.equal((await request(`${server.url}/_api/database/no`, gone)).status, 404);
});

test('every path of the description is served', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const text = await readFile(path.join(rootDir, 'docs', 'reference', 'openapi.json'), 'utf8');
  const headers = { authorization: `Bearer ${server.credentials().apiKey}` };
  for (const [template, item] of Object.entries(JSON.parse(text).paths)) {
    const place = template.replaceAll(/\{\w+\}/g, 'nothing');
    for (const method of ['get', 'post', 'delete'].filter((method) => item[method])) {
      const init = { method: method.toUpperCase(), headers };
      const { status, body } = await request(`${server.url}${place}`, init);
      assert.ok(
        status !== 405 && body.code !== 'INVALID_ACTION',
        `${method} ${template}: ${status}`,
      );
    }
  }
});
