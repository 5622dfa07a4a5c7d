/** Function to function: the caller's OPENID stays, SOURCE tells the chain. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`a call inside a function with wx-server-sdk ${range}`, async (t) => {
    const { dir } = await project(t, {
      functions: {
        relay: { from: 'relay', sdk: range },
        relay2: { from: 'relay', sdk: range },
        context: { from: 'context', sdk: range },
      },
    });
    const server = await serve(t, dir);
    for (const name of ['alice', 'bob']) {
      const caller = await Caller.signIn(server, name);
      const seen = await caller.call('relay', { name: 'context', data: { x: 1 } });
      assert.equal(seen.outer.OPENID, caller.openid);
      assert.equal(seen.outer.SOURCE, 'wx_client');
      assert.equal(seen.inner.errMsg, 'callFunction:ok');
      assert.equal(typeof seen.inner.requestID, 'string');
      assert.equal(seen.inner.result.wx.OPENID, caller.openid);
      assert.equal(seen.inner.result.wx.SOURCE, 'wx_client,scf');
      assert.equal(seen.inner.result.event.x, 1);
    }
    await t.test('through two functions', async () => {
      const caller = await Caller.signIn(server, 'carol');
      const seen = await caller.call('relay', {
        name: 'relay2',
        data: { name: 'context', data: { deep: true } },
      });
      const inmost = seen.inner.result.inner.result;
      assert.equal(inmost.wx.OPENID, caller.openid);
      assert.match(inmost.wx.SOURCE, /^wx_client,scf(,scf)?$/);
      assert.equal(inmost.event.deep, true);
    });
    await t.test('a function that calls itself', async () => {
      const caller = await Caller.signIn(server, 'dave');
      const seen = await caller.call('relay', {
        name: 'relay',
        data: { name: 'context', data: {} },
      });
      assert.equal(seen.inner.result.inner.result.wx.OPENID, caller.openid);
    });
  });
}
