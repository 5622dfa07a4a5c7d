/** Two servers on one PostgreSQL: what is deployed to one is served by both, without a restart. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { api, deploy, functions, invoke } from '../../harness/deploying.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { postgres } from '../../harness/postgres.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { request } from '../../harness/wire.mjs';

/** @typedef {import('../../harness/server.mjs').Server} Server */

/**
 * @param {import('node:test').TestContext} t
 * @param {string} store
 * @param {Server} [first] whose keys the node shares
 */
async function node(t, store, first) {
  const dir = await temporaryFolder(t);
  const data = path.join(dir, 'data');
  await mkdir(data);
  if (first) {
    const keys = path.join('environments', first.credentials().envId, 'keys.json');
    await mkdir(path.dirname(path.join(data, keys)), { recursive: true });
    await cp(path.join(first.data, keys), path.join(data, keys));
  }
  const config = path.join(dir, 'yunkai.toml');
  await writeFile(config, `listen = "127.0.0.1:0"\ndata = "${data}"\nstore = "${store}"\n`);
  return serve(t, '', { data, config });
}

/** @param {string} answer */
const returning = (answer) =>
  `exports.main = async () => ({ it: require('./lib/it.js'), token: process.env.TOKEN })
// ${answer}`;

test('several nodes serve what one was given', async (t) => {
  const address = await postgres(t);
  const schema = `t${randomBytes(6).toString('hex')}`;
  const store = `${address}${address.includes('?') ? '&' : '?'}schema=${schema}`;
  const a = await node(t, store);
  const b = await node(t, store, a);
  const made = await project(t, {
    files: {
      'cloudfunctions/hello/index.js': returning('one'),
      'cloudfunctions/hello/lib/it.js': "module.exports = 'one'",
    },
    yunkai: { routes: [{ path: '/hello', function: 'hello' }] },
  });
  const onB = (/** @type {string} */ what, /** @type {string} */ it) =>
    eventually(`b ${what}`, async () => (await invoke(b, 'hello')).it === it);

  await t.test('a deploy, its route and its triggers', async () => {
    await deploy(a, made.dir);
    await onB('serves the first version', 'one');
    await eventually('b has the route', async () => {
      return (await request(`${b.url}/hello`, {})).body.it === 'one';
    });
    await made.write('cloudfunctions/hello/lib/it.js', "module.exports = 'two'");
    await made.write(
      'cloudfunctions/hello/config.json',
      JSON.stringify({ triggers: [{ name: 'daily', type: 'timer', config: '0 0 2 * * * *' }] }),
    );
    await deploy(a, made.dir);
    await onB('serves the second version', 'two');
    await eventually('b knows the trigger', async () => {
      const { body } = await api(b, 'GET', 'triggers');
      return body.triggers.some((/** @type {any} */ it) => it.name === 'daily');
    });
  });

  await t.test('rolling back and aliases', async () => {
    await functions(a, 'rollback', 'hello');
    await onB('follows back', 'one');
    await functions(a, 'alias', 'set', 'hello', '$DEFAULT', '2');
    await onB('follows the alias', 'two');
    await functions(b, 'alias', 'delete', 'hello', '$DEFAULT');
    await eventually('a follows, too', async () => (await invoke(a, 'hello')).it === 'one');
  });

  await t.test('secrets', async () => {
    await api(a, 'PUT', 'secrets/TOKEN', { value: 'first-value' });
    await made.write(
      'yunkai.json',
      JSON.stringify({
        routes: [{ path: '/hello', function: 'hello' }],
        functions: { hello: { secrets: ['TOKEN'] } },
      }),
    );
    await deploy(a, made.dir);
    const token = (/** @type {string} */ value) =>
      eventually(`b has ${value}`, async () => (await invoke(b, 'hello')).token === value);
    await token('first-value');
    await api(a, 'PUT', 'secrets/TOKEN', { value: 'second-value' });
    await token('second-value');
  });

  await t.test('a node that lost its packages fetches them', async () => {
    await b.kill();
    const packages = path.join(b.data, 'functions', 'packages');
    for (const name of await readdir(packages)) {
      await rm(path.join(packages, name), { recursive: true });
    }
    await b.start();
    assert.equal((await invoke(b, 'hello')).it, 'two');
  });

  await t.test('a function that is deleted', async () => {
    await functions(a, 'delete', 'hello');
    await eventually('b has it no more', async () => {
      const { body } = await api(b, 'POST', 'functions/hello/invoke', {});
      return body.code === 'FUNCTION_NOT_FOUND';
    });
  });
});
