/** Under `yunkai serve` logs and figures want the key of their environment, the console its own port. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

test('only the operator looks', async (t) => {
  const folder = await temporaryFolder(t);
  const config = path.join(folder, 'yunkai.toml');
  const data = path.join(folder, 'data');
  const listen = 'listen = "127.0.0.1:0"\nconsole_listen = "127.0.0.1:0"\n';
  const text = `${listen}data = "${data}"\n[journal]\ndays = 2\nmegabytes = 8\n`;
  await writeFile(config, text);
  const server = await serve(t, folder, { config, data });
  const { apiKey } = server.credentials();
  const authorization = `Bearer ${apiKey}`;
  for (const what of ['_api/logs', '_api/invocations', '_api/metrics', '_api/usage', '_metrics']) {
    const url = `${server.url}/${what}`;
    assert.equal((await fetch(url)).status, 401, what);
    assert.equal((await fetch(url, { headers: { authorization: 'Bearer no' } })).status, 401, what);
    assert.equal((await fetch(url, { headers: { authorization } })).status, 200, what);
    const elsewhere = await request(`${url}?env=elsewhere`, { headers: { authorization } });
    assert.equal(elsewhere.status, 400, what);
  }
  assert.equal((await fetch(`${server.url}/_console`)).status, 404);
  const line = await server.said(/^console {2}http/);
  const apart = new URL(line.slice('console  '.length));
  assert.notEqual(apart.origin, server.url);
  const page = await fetch(apart);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.equal((await fetch(`${apart.origin}/_api/logs`)).status, 401);
  const headers = { authorization };
  assert.equal((await fetch(`${apart.origin}/_api/logs`, { headers })).status, 200);
  assert.equal((await fetch(`${apart.origin}/web`, { method: 'POST', body: '{}' })).status, 404);
});
