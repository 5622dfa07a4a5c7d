/**
 * wx-server-sdk of four generations, unmodified and in the function's own node_modules; each as
 * plain files and as a bundle, with the same answers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { generations, ofEveryGeneration } from '../../harness/generations.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const esbuild of [false, true]) {
  test(`four generations ${esbuild ? 'as bundles' : 'as plain files'}`, async (t) => {
    const functions = ofEveryGeneration('sdk');
    const yunkai = { collections: { things: {} } };
    const server = await serve(t, (await project(t, { functions, yunkai, esbuild })).dir);
    const caller = await Caller.signIn(server, 'alice');
    for (const { module: name, version } of generations) {
      await t.test(version, async () => {
        const { link, ...seen } = await caller.call(name, { self: name });
        assert.deepEqual(seen, {
          context: { OPENID: caller.openid, APPID: seen.context.APPID, SOURCE: 'string' },
          document: { owner: caller.openid, by: name, count: 3, tags: ['a', 'b'] },
          found: 1,
          status: 0,
          text: '文件',
          deleted: 0,
          nested: { openid: caller.openid, sum: 3 },
          picture: seen.picture,
          bundled: esbuild,
          version,
        });
        assert.match(seen.picture, /^image\//);
        assert.match(link, /^http/);
      });
    }
  });
}
