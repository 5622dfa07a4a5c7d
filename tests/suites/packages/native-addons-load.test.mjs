/** sharp and @napi-rs/canvas: code for this processor, inside a confined worker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('a drawn picture is made smaller', async (t) => {
  const modules = ['sharp', '@napi-rs/canvas'];
  const functions = { pictures: { from: 'pictures', modules } };
  const settings = { functions: { pictures: { memory: 1024 } } };
  const made = await project(t, { functions, yunkai: settings, esbuild: true });
  const server = await serve(t, made.dir);
  const caller = await Caller.signIn(server, 'alice');
  const seen = await caller.call('pictures');
  assert.deepEqual(seen, {
    width: 16,
    height: 8,
    format: 'jpeg',
    pixel: [255, 0, 0],
    bundled: false,
  });
});
