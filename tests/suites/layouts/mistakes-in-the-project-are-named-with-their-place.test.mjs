/** Unknown keys and broken JSON in the project's files: an error with file and position. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { run, temporaryFolder } from '../../harness/server.mjs';

/** @type {[string, string, string, RegExp][]} title, file, content, words */
const rows = [
  [
    'an unknown key',
    'yunkai.json',
    '{\n  "collections": {},\n  "colections": {}\n}\n',
    /yunkai\.json.*line 3\b.*colections/s,
  ],
  [
    'an unknown permission mode',
    'yunkai.json',
    '{ "collections": { "posts": { "acl": "PUBLIC" } } }',
    /yunkai\.json.*(PUBLIC|acl)/is,
  ],
  ['JSON that is none', 'yunkai.json', '{ "collections": ', /yunkai\.json/],
  ['a project.config.json that is none', 'project.config.json', '{', /project\.config\.json/],
];

test('mistakes in the files of the project', async (t) => {
  for (const [title, file, content, words] of rows) {
    await t.test(title, async () => {
      const made = await project(t, { files: { [file]: content } });
      const data = await temporaryFolder(t);
      const { code, output } = await run(['dev', made.dir, '--port', '0', '--data', data]);
      assert.ok(code !== 0 && code !== null, `exit code ${code}: ${output}`);
      assert.match(output, words);
    });
  }
  await t.test('a folder that is no project', async () => {
    const dir = await temporaryFolder(t);
    const { code, output } = await run(['dev', dir, '--port', '0', '--data', `${dir}/data`]);
    assert.ok(code !== 0 && code !== null, output);
    assert.match(output, /project\.config\.json/);
    assert.match(output, /cloudbaserc\.json/);
  });
  await t.test('a folder that does not exist', async () => {
    const dir = await temporaryFolder(t);
    const { code, output } = await run(['dev', `${dir}/nowhere`, '--port', '0']);
    assert.ok(code !== 0 && code !== null, output);
    assert.match(output, /nowhere/);
  });
});
