/** Working directory, relative files, and requiring the function's own files without './'. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('the folder of the function is its place', async (t) => {
  const { dir } = await project(t, { functions: { folder: 'folder' } });
  const caller = await Caller.signIn(await serve(t, dir), 'alice');
  assert.deepEqual(await caller.call('folder'), {
    atLoad: '数据',
    atCall: '数据',
    helper: 'helper',
    deep: 'deep helper',
    controller: 'controller',
    besideMain: true,
    cwdIsDirname: true,
  });
});
