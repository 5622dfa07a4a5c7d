/** Packages of the registry as people use them, in the function's own node_modules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

const modules = ['lodash', 'moment', 'dayjs', 'node-xlsx', 'jsdom'];

for (const esbuild of [false, true]) {
  test(`dates, lists, tables and pages ${esbuild ? 'with' : 'without'} esbuild`, async (t) => {
    const functions = { everyday: { from: 'everyday', modules } };
    const server = await serve(t, (await project(t, { functions, esbuild })).dir);
    const caller = await Caller.signIn(server, 'alice');
    const { bundled, ...seen } = await caller.call('everyday', { time: '2024-02-29T01:02:03Z' });
    // jsdom reads its own files, so the whole stays as it is.
    assert.equal(bundled, false);
    assert.deepEqual(seen, {
      groups: { true: [['苹果', 3.5]], false: [['梨', 2]] },
      chunked: [[0, 1], [2, 3], [4]],
      moment: '2024年2月29日 星期四',
      dayjs: '2024年2月29日 星期四',
      sheet: {
        name: '价目',
        data: [
          ['name', 'price'],
          ['苹果', 3.5],
          ['梨', 2],
        ],
      },
      items: ['一', '二'],
    });
  });
}
