/**
 * Bad packages are refused with a reason and nothing of them is served; what a deploy remarks
 * stands in the terminal.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

const fine = 'exports.main = () => process.versions.node;\n';
const unsupported = `const cloud = require('wx-server-sdk');
cloud.init();

exports.main = (event) => event.call && cloud.callDataSource({});
`;

/** @type {[string, Record<string, string>, RegExp][]} name, files, words */
const refused = [
  ['manifest', { 'index.js': fine, 'package.json': '{"dependencies"' }, /package\.json/],
  ['runtime', { 'index.js': fine }, /Python3\.9.*Nodejs22/],
  ['handler', { 'index.js': fine }, /app\.js/],
  ['dependency', { 'index.js': fine, 'package.json': local() }, /outside the package/],
];

function local() {
  return JSON.stringify({ dependencies: { secrets: 'file:/etc' } });
}

test('what a deploy refuses or remarks is said', async (t) => {
  /** @type {Record<string, string>} */
  const files = {
    'cloudfunctions/unsupported/index.js': unsupported,
    'cloudfunctions/older/index.js': fine,
  };
  for (const [name, parts] of refused) {
    for (const [file, text] of Object.entries(parts)) {
      files[`cloudfunctions/${name}/${file}`] = text;
    }
  }
  files['cloudbaserc.json'] = JSON.stringify({
    envId: 'test',
    functionRoot: './cloudfunctions',
    functions: [
      { name: 'runtime', runtime: 'Python3.9' },
      { name: 'handler', handler: 'app.main' },
      { name: 'older', runtime: 'Nodejs8.9' },
      { name: 'unsupported' },
      { name: 'manifest' },
      { name: 'dependency' },
    ],
  });
  const server = await serve(t, (await project(t, { files })).dir);
  const caller = await Caller.signIn(server, 'alice');
  for (const [name, , words] of refused) {
    await t.test(`${name}: refused`, async () => {
      await server.said(words);
      const error = await refusal(caller.call(name));
      assert.match(error.code, /^FUNCTIONS?_/);
      assert.match(error.text, words);
    });
  }
  await t.test('a call that is not supported is named, and the rest works', async () => {
    await server.said(/index\.js:4 .*cloud\.callDataSource/);
    assert.equal(await caller.call('unsupported'), null);
  });
  await t.test('an older runtime is served by what is there', async () => {
    await server.said(/Node\.js 8 is not on this machine/);
    assert.match(await caller.call('older'), /^\d+\./);
  });
});
