/** Versions, aliases with a traffic split, and rolling back in one command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, deploy, functions, invoke, serveEmpty } from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';

/** @param {string} answer */
const returning = (answer) => `exports.main = async () => '${answer}'`;

/** @param {import('node:test').TestContext} t */
async function threeVersions(t) {
  const made = await project(t, { files: { 'cloudfunctions/hello/index.js': returning('one') } });
  const server = await serveEmpty(t);
  for (const answer of ['one', 'two', 'three']) {
    await made.write('cloudfunctions/hello/index.js', returning(answer));
    await deploy(server, made.dir, ['--description', answer]);
  }
  return { made, server };
}

test('every deploy that changes something is a version, and rolling back is one command', async (t) => {
  const { made, server } = await threeVersions(t);
  const versions = JSON.parse(await functions(server, 'versions', 'hello', '--json'));
  assert.deepEqual(
    versions.map((/** @type {any} */ it) => [it.version, it.description]),
    [
      [3, 'three'],
      [2, 'two'],
      [1, 'one'],
    ],
  );
  assert.match(await functions(server, 'versions', 'hello'), /VERSION.*DESCRIPTION/);
  assert.equal(await invoke(server, 'hello', '--qualifier', '2'), 'two');
  assert.equal((await functions(server, 'rollback', 'hello')).trim(), '2');
  assert.equal(await invoke(server, 'hello'), 'two');
  assert.equal((await functions(server, 'rollback', 'hello')).trim(), '1');
  assert.equal(await invoke(server, 'hello'), 'one');
  await server.kill();
  await server.start();
  assert.equal(await invoke(server, 'hello'), 'one');
  assert.equal((await functions(server, 'rollback', 'hello', '--to', '3')).trim(), '3');
  assert.equal(await invoke(server, 'hello'), 'three');
  const report = await deploy(server, made.dir);
  assert.equal(report.functions[0].changed, false);
});

test('an alias splits the calls, a user stays on one side, and versions in use are kept', async (t) => {
  const { server } = await threeVersions(t);
  await functions(server, 'alias', 'set', 'hello', 'live', '1=50', '3=50');
  const seen = new Set();
  for (let call = 0; call < 40 && seen.size < 2; call += 1) {
    seen.add(
      (await api(server, 'POST', 'functions/hello/invoke', { qualifier: 'live' })).body.result,
    );
  }
  assert.deepEqual([...seen].sort(), ['one', 'three']);
  const as = { as: 'o-somebody-with-an-openid', qualifier: 'live' };
  const first = (await api(server, 'POST', 'functions/hello/invoke', as)).body.result;
  for (let call = 0; call < 10; call += 1) {
    const { body } = await api(server, 'POST', 'functions/hello/invoke', as);
    assert.equal(body.result, first);
  }
  assert.equal((await api(server, 'DELETE', 'functions/hello/versions/1')).status, 400);
  await functions(server, 'alias', 'set', 'hello', 'live', '3');
  await functions(server, 'delete', 'hello', '--version', '1');
  const gone = await api(server, 'POST', 'functions/hello/invoke', { qualifier: '1' });
  assert.equal(gone.body.code, 'FUNCTION_NOT_FOUND');
  assert.match(gone.body.message, /no version or alias "1"; there are: \$LATEST, 2, 3, live/);
  const refused = await api(server, 'PUT', 'functions/hello/aliases/x', {
    split: [{ version: '2', weight: 90 }],
  });
  assert.equal(refused.status, 400);
  assert.match(refused.body.message, /100/);
  await functions(server, 'alias', 'delete', 'hello', 'live');
  assert.deepEqual(JSON.parse(await functions(server, 'alias', 'list', 'hello', '--json')), []);
  await functions(server, 'delete', 'hello');
  assert.deepEqual(JSON.parse(await functions(server, 'list', '--json')), []);
});

test('calls that name no version follow the alias $DEFAULT', async (t) => {
  const { server } = await threeVersions(t);
  await functions(server, 'alias', 'set', 'hello', '$DEFAULT', '2');
  assert.equal(await invoke(server, 'hello'), 'two');
  assert.equal(await invoke(server, 'hello', '--qualifier', '$LATEST'), 'three');
  assert.match(await functions(server, 'rollback', 'hello'), /\$DEFAULT/);
  assert.equal(await invoke(server, 'hello'), 'two');
});
