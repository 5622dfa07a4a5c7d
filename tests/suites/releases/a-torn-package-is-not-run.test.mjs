/** A package that a loss of power has torn: noticed at the start, said, mended by a deploy. */
import assert from 'node:assert/strict';
import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { api, deploy, invoke, serveEmpty } from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';

test('a torn package is not run', async (t) => {
  const made = await project(t, {
    files: {
      'cloudfunctions/torn/index.js': "const it = require('./it.js'); exports.main = () => it",
      'cloudfunctions/torn/it.js': "module.exports = 'whole'",
      'cloudfunctions/whole/index.js': "exports.main = () => 'another'",
    },
  });
  const server = await serveEmpty(t);
  await deploy(server, made.dir);
  assert.equal(await invoke(server, 'torn'), 'whole');
  await server.kill();
  const packages = path.join(server.data, 'functions', 'packages');
  for (const hash of await readdir(packages)) {
    // A file without content is what is left of one that never reached the disk.
    await truncate(path.join(packages, hash, 'code', 'it.js'), 0).catch(() => {});
  }
  await server.start();
  await server.said(/torn.*damaged.*deploy the function again/);
  const refused = await api(server, 'POST', 'functions/torn/invoke', {});
  assert.match(refused.body.message, /torn: The package [0-9a-f]{64} is damaged/);
  assert.equal(await invoke(server, 'whole'), 'another');

  const report = await deploy(server, made.dir);
  assert.ok(report.functions.some((/** @type {any} */ it) => it.name === 'torn'));
  assert.equal(await invoke(server, 'torn'), 'whole');
});
