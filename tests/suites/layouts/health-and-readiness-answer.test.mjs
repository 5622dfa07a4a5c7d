/** `/_health` and `/_ready` answer without a credential; `/` without a site says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('health and readiness answer', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  for (const path of ['/_health', '/_ready']) {
    const response = await fetch(server.url + path);
    assert.equal(response.status, 200, path);
    await response.arrayBuffer();
  }
  const nothing = await fetch(`${server.url}/no/such/page`);
  assert.equal(nothing.status, 404);
  await nothing.arrayBuffer();
});

test('the site of the project is hosted', async (t) => {
  const page = '<!doctype html><title>云店</title>';
  const made = await project(t, {
    yunkai: { hosting: 'site' },
    files: { 'site/index.html': page, 'site/assets/app.js': 'console.log(1)' },
  });
  const server = await serve(t, made.dir);
  const index = await fetch(`${server.url}/`);
  assert.equal(index.status, 200);
  assert.match(index.headers.get('content-type') ?? '', /text\/html/);
  assert.equal(await index.text(), page);
  const script = await fetch(`${server.url}/assets/app.js`);
  assert.match(script.headers.get('content-type') ?? '', /javascript/);
  assert.equal(await script.text(), 'console.log(1)');
  for (const path of ['/../yunkai.json', '/%2e%2e/yunkai.json', '/..%2fyunkai.json']) {
    const { hostname } = new URL(server.url);
    const status = await rawStatus(hostname, server.port, path);
    assert.ok(status === 404 || status === 400 || status === 403, `${path}: ${status}`);
  }
});

/**
 * The status of a request whose path no client normalises.
 * @param {string} host
 * @param {number} port
 * @param {string} path
 * @returns {Promise<number>}
 */
async function rawStatus(host, port, path) {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request({ host, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
