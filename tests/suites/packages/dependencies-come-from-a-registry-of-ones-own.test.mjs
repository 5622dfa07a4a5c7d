/** `.npmrc` of a function: the registry of a scope, and its token, which is a secret. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { api, deploy, invoke, serveEmpty, tryDeploy } from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';
import { temporaryFolder } from '../../harness/server.mjs';

const TOKEN = 'a-token-nobody-may-see';

/**
 * A registry with one package, `@team/greeter`, for those who have the token.
 * @param {import('node:test').TestContext} t
 */
async function registry(t) {
  const made = await project(t, {
    files: {
      'greeter/package.json': JSON.stringify({ name: '@team/greeter', version: '1.2.3' }),
      'greeter/index.js': "module.exports = 'hello from the team'",
    },
  });
  const folder = await temporaryFolder(t);
  const pack = ['pack', '--json', path.join(made.dir, 'greeter')];
  await promisify(execFile)('npm', pack, { cwd: folder });
  const [filename] = await readdir(folder);
  const archive = await readFile(path.join(folder, filename));
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const server = http.createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      return void response.writeHead(401).end();
    }
    if (request.url === '/greeter.tgz') return void response.end(archive);
    const dist = { tarball: `http://${request.headers.host}/greeter.tgz`, integrity };
    const version = { name: '@team/greeter', version: '1.2.3', dist };
    response.setHeader('content-type', 'application/json');
    const versions = { '1.2.3': version };
    response.end(
      JSON.stringify({ name: '@team/greeter', 'dist-tags': { latest: '1.2.3' }, versions }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return `127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

test("dependencies come from a registry of one's own", async (t) => {
  const host = await registry(t);
  const npmrc = `@team:registry=http://${host}/\n//${host}/:_authToken=\${TEAM_TOKEN}\ngit=/bin/false\n`;
  const made = await project(t, {
    files: {
      'cloudfunctions/greet/index.js': "exports.main = () => require('@team/greeter')",
      'cloudfunctions/greet/package.json': JSON.stringify({
        dependencies: { '@team/greeter': '^1.0.0' },
      }),
      'cloudfunctions/greet/.npmrc': npmrc,
    },
  });
  const server = await serveEmpty(t);
  const lacking = await tryDeploy(server, made.dir);
  assert.match(lacking.output, /\.npmrc names \$\{TEAM_TOKEN\}.*secrets set TEAM_TOKEN/);

  await made.write(
    'yunkai.json',
    JSON.stringify({ functions: { greet: { secrets: ['TEAM_TOKEN'] } } }),
  );
  await api(server, 'PUT', 'secrets/TEAM_TOKEN', { value: 'a-token-that-is-wrong' });
  const wrong = await tryDeploy(server, made.dir);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.output, /npm could not install.*\.npmrc/);
  assert.ok(!wrong.output.includes('a-token-that-is-wrong'), wrong.output);

  await api(server, 'PUT', 'secrets/TEAM_TOKEN', { value: TOKEN });
  const report = await deploy(server, made.dir);
  assert.match(JSON.stringify(report), /these settings are left out: git/);
  assert.equal(await invoke(server, 'greet'), 'hello from the team');
  const kept = path.join(server.data, 'functions', 'modules');
  for (const name of await readdir(kept)) {
    assert.ok(!(await readdir(path.join(kept, name))).includes('.npmrc'));
  }
});
