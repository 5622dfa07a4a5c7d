/** Under `yunkai serve` logs and figures want the key of their environment. */
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
  const text = `listen = "127.0.0.1:0"\ndata = "${data}"\n[journal]\ndays = 2\nmegabytes = 8\n`;
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
});
