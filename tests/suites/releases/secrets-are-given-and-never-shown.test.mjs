/** Secrets: encrypted in the data directory, variables of the function, in no answer and no log. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import {
  api,
  deploy,
  functions,
  invoke,
  serveEmpty,
  tryDeploy,
  withInput,
} from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';

const SECRET = 'correct-horse-battery-staple';

test('a secret reaches its function and nobody else', async (t) => {
  const made = await project(t, {
    files: {
      'cloudfunctions/keeper/index.js': `const early = process.env.PAY_KEY
        exports.main = async () => { console.log('key', early); return early.length + early[0] }`,
    },
    yunkai: { functions: { keeper: { secrets: ['PAY_KEY'] } } },
  });
  const server = await serveEmpty(t);
  const missing = await tryDeploy(server, made.dir);
  assert.notEqual(missing.code, 0);
  assert.match(missing.output, /PAY_KEY.*secrets set PAY_KEY/);

  const set = ['functions', 'secrets', 'set', 'PAY_KEY'];
  assert.equal((await withInput(server, `${SECRET}\n`, set)).code, 0);
  await deploy(server, made.dir);
  assert.equal(await invoke(server, 'keeper'), `${SECRET.length}c`);

  const shown = [
    await functions(server, 'list', '--json'),
    await functions(server, 'versions', 'keeper', '--json'),
    await functions(server, 'secrets', 'list', '--json'),
    JSON.stringify((await api(server, 'GET', 'functions/keeper')).body),
    server.lines.join('\n'),
  ].join('\n');
  assert.match(shown, /PAY_KEY/);
  assert.ok(!shown.includes(SECRET), shown);
  await server.kill();
  for (const file of await readdir(server.data, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const bytes = await readFile(path.join(file.parentPath, file.name));
    assert.ok(!bytes.includes(SECRET), path.join(file.parentPath, file.name));
  }
  await server.start();
  assert.equal(await invoke(server, 'keeper'), `${SECRET.length}c`);

  assert.equal((await withInput(server, 'another-value', set)).code, 0);
  assert.equal(await invoke(server, 'keeper'), `${'another-value'.length}a`);
  const used = await api(server, 'DELETE', 'secrets/PAY_KEY');
  assert.equal(used.status, 400);
  assert.match(used.body.message, /keeper/);
  await functions(server, 'delete', 'keeper');
  await functions(server, 'secrets', 'delete', 'PAY_KEY');
  assert.deepEqual(JSON.parse(await functions(server, 'secrets', 'list', '--json')), []);
});

test('variables have the limits of the vendor', async (t) => {
  const server = await serveEmpty(t);
  for (const [env, expected] of /** @type {[Record<string, string>, RegExp][]} */ ([
    [{ SCF_RUNTIME: 'x' }, /SCF_/],
    [{ 'not-a-name': 'x' }, /not-a-name/],
    [{ LARGE: 'x'.repeat(5_000) }, /4096/],
  ])) {
    const made = await project(t, {
      files: { 'cloudfunctions/hello/index.js': 'exports.main = async () => 1' },
      yunkai: { functions: { hello: { env } } },
    });
    const { code, output } = await tryDeploy(server, made.dir);
    assert.notEqual(code, 0);
    assert.match(output, expected);
  }
  const bad = await withInput(server, 'x', ['functions', 'secrets', 'set', 'TENCENTCLOUD_X']);
  assert.notEqual(bad.code, 0);
});
