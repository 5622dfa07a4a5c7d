/** The unmodified `tcb-router` in the function's own node_modules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`tcb-router beside wx-server-sdk ${range}`, async (t) => {
    const router = { from: 'router', sdk: range, modules: ['tcb-router'] };
    const { dir } = await project(t, { functions: { router } });
    const server = await serve(t, dir);
    const caller = await Caller.signIn(server, 'alice');
    const openId = caller.openid;
    const music = await caller.call('router', { $url: 'music' });
    assert.deepEqual(music, { data: { openId, musicName: '数鸭子', musicType: '儿歌' } });
    for (const $url of ['movie', 'film']) {
      const film = await caller.call('router', { $url });
      assert.deepEqual(film, { data: { openId, movieName: '钢铁侠' } });
    }
    assert.equal(await caller.call('router', { $url: 'nowhere' }), null);
  });
}
