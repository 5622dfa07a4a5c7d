/**
 * A syntax error, a missing dependency, no `main`, no `index.js`: the caller gets a code and
 * words that name the cause, the terminal too, and the other functions go on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/** @type {[string, string, RegExp][]} name, source, words */
const broken = [
  ['syntax', 'exports.main = async () => {\n  return {;\n};\n', /SyntaxError|Unexpected token/],
  [
    'dependency',
    "const thing = require('no-such-package-here');\nexports.main = () => thing();\n",
    /no-such-package-here/,
  ],
  ['nomain', 'exports.handler = () => 1;\n', /main/],
  ['nofunction', 'exports.main = 5;\n', /main/],
  ['atload', "throw new Error('not today');\n", /not today/],
];

test('what is wrong with a package is said', async (t) => {
  const made = await project(t, { functions: { counter: 'counter' } });
  for (const [name, source] of broken) {
    await made.write(`cloudfunctions/${name}/index.js`, source);
    await made.write(`cloudfunctions/${name}/package.json`, JSON.stringify({ name }));
  }
  await made.write('cloudfunctions/noindex/readme.txt', 'nothing to run');
  const server = await serve(t, made.dir);
  const caller = await Caller.signIn(server, 'alice');
  for (const [name, , words] of broken) {
    await t.test(name, async () => {
      const error = await refusal(caller.call(name, {}));
      assert.match(error.code, /^FUNCTIONS?_/);
      assert.match(error.text, words);
      await server.said(words);
    });
  }
  await t.test('a folder without index.js', async () => {
    const error = await refusal(caller.call('noindex', {}));
    assert.match(error.code, /^FUNCTIONS?_/);
    assert.match(error.text, /index\.js|noindex/);
  });
  await t.test('the others go on', async () => {
    assert.equal((await caller.call('counter')).calls, 1);
  });
  await t.test('a repaired function works without a restart', async () => {
    await made.write('cloudfunctions/syntax/index.js', 'exports.main = async () => "well";\n');
    const { eventually } = await import('../../harness/eventually.mjs');
    await eventually('it answers', async () => (await caller.call('syntax', {})) === 'well');
  });
});
