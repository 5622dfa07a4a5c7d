/** `yunkai deploy` to a server, killed and started again: nothing is built again, nothing lost. */
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { api, deploy, functions, invoke, serveEmpty, tryDeploy } from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/** @param {string} answer */
const returning = (answer) => `exports.main = async () => '${answer}'`;

test('functions, collections and the site are there after a kill', async (t) => {
  const { dir } = await project(t, {
    files: {
      'cloudfunctions/hello/index.js': returning('one'),
      'cloudfunctions/other/index.js': returning('other'),
      'site/index.html': '<p>site one</p>',
    },
    yunkai: {
      collections: { notes: { acl: 'READONLY' } },
      hosting: 'site',
      functions: { hello: { env: { GREETING: 'hi' } } },
    },
  });
  const server = await serveEmpty(t);
  const report = await deploy(server, dir);
  const lines = report.functions.map((/** @type {any} */ it) => [it.name, it.changed, it.version]);
  assert.deepEqual(lines, [
    ['hello', true, 1],
    ['other', true, 1],
  ]);
  assert.equal(report.hosting.changed, true);
  assert.equal(await invoke(server, 'hello'), 'one');
  const page = async () => (await fetch(`${server.url}/`)).text();
  assert.match(await page(), /site one/);

  await server.kill();
  await server.start();
  assert.equal(await invoke(server, 'hello'), 'one');
  assert.match(await page(), /site one/);
  const { body } = await api(server, 'GET', 'database/collections');
  assert.deepEqual(
    body.collections.map((/** @type {any} */ it) => it.name),
    ['notes'],
  );

  const again = await deploy(server, dir);
  assert.ok(again.functions.every((/** @type {any} */ it) => !it.changed && it.version === 1));
  assert.equal(again.hosting.changed, false);
});

test('a package that is gone is told to callers, and deploying mends it', async (t) => {
  const { dir } = await project(t, {
    files: { 'cloudfunctions/hello/index.js': returning('one') },
  });
  const server = await serveEmpty(t);
  await deploy(server, dir);
  await server.kill();
  const packages = path.join(server.data, 'functions', 'packages');
  for (const name of await readdir(packages)) {
    await rm(path.join(packages, name), { recursive: true });
  }
  await server.start();
  const { status, body } = await api(server, 'POST', 'functions/hello/invoke', {});
  assert.notEqual(status, 200);
  assert.match(body.message, /hello/);
  const { body: one } = await api(server, 'GET', 'functions/hello');
  assert.ok(one.refused);
  const caller = await api(server, 'GET', 'functions/nobody');
  assert.equal(caller.body.code, 'FUNCTION_NOT_FOUND');
  await deploy(server, dir);
  assert.equal(await invoke(server, 'hello'), 'one');
});

test('one function that is refused keeps none of the others from being deployed', async (t) => {
  const good = returning('good');
  const made = await project(t, {
    files: {
      'cloudfunctions/broken/index.js': good,
      'cloudfunctions/fine/index.js': good,
    },
  });
  const server = await serveEmpty(t);
  await deploy(server, made.dir);
  await made.write('cloudfunctions/broken/index.js', 'exports.main = async ( => 1');
  await made.write('cloudfunctions/fine/index.js', returning('better'));
  const { code, output } = await tryDeploy(server, made.dir);
  assert.notEqual(code, 0);
  const report = JSON.parse(output.slice(0, output.indexOf('\n')));
  const [broken, fine] = report.functions;
  assert.match(broken.refused, /index\.js/);
  assert.equal(fine.changed, true);
  assert.equal(await invoke(server, 'fine'), 'better');
  assert.equal(await invoke(server, 'broken'), 'good');
});

test('a dev server keeps versions and aliases over a restart', async (t) => {
  const made = await project(t, { files: { 'cloudfunctions/hello/index.js': returning('one') } });
  const server = await serve(t, made.dir);
  assert.equal((await functions(server, 'publish', 'hello')).trim(), '1');
  await functions(server, 'alias', 'set', 'hello', 'live', '1');
  const from = server.lines.length;
  await made.write('cloudfunctions/hello/index.js', returning('two'));
  await server.said(/hello deployed/, from);
  await server.kill();
  await server.start();
  const caller = await Caller.signIn(server, 'alice');
  assert.equal(await caller.call('hello', {}), 'two');
  assert.equal(await invoke(server, 'hello', '--qualifier', 'live'), 'one');
  assert.equal(await invoke(server, 'hello', '--as', 'alice', '--qualifier', '1'), 'one');
});
