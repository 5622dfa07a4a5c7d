/** getWXContext, event.userInfo, DYNAMIC_CURRENT_ENV and context, for two users. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

for (const range of ['^4.0.2', '~2.6.3', 'latest']) {
  test(`who calls is told to a function with wx-server-sdk ${range}`, async (t) => {
    const { dir } = await project(t, {
      functions: { context: { from: 'context', sdk: range }, login: { from: 'login', sdk: range } },
    });
    const server = await serve(t, dir);
    const alice = await Caller.signIn(server, 'alice');
    const bob = await Caller.signIn(server, 'bob');
    assert.notEqual(alice.openid, bob.openid);
    const { envId } = server.credentials();

    for (const caller of [alice, bob, alice]) {
      const { result: seen, requestId } = await caller.invoke('context', { a: 1, s: ' 空格 ' });
      assert.equal(seen.wx.OPENID, caller.openid);
      assert.equal(seen.wx.APPID, appId);
      assert.equal(seen.wx.ENV, envId);
      assert.equal(seen.wx.SOURCE, 'wx_client');
      assert.ok(seen.wx.CLIENTIP);
      assert.deepEqual(seen.event, {
        a: 1,
        s: ' 空格 ',
        userInfo: { appId, openId: caller.openid },
      });
      assert.equal(seen.context.function_name, 'context');
      assert.equal(seen.context.request_id, requestId);
      assert.equal(seen.context.time_limit_in_ms, 20_000);
      assert.equal(seen.context.memory_limit_in_mb, 256);
      assert.equal(typeof seen.context.function_version, 'string');
    }
    await t.test('the function that DevTools generates', async () => {
      const seen = await bob.call('login', {});
      assert.equal(seen.openid, bob.openid);
      assert.equal(seen.appid, appId);
      assert.equal(seen.env, envId);
    });
    await t.test('what the client sends as userInfo is not overwritten', async () => {
      const userInfo = { nickName: 'Alice', openId: 'forged' };
      const seen = await alice.call('context', { userInfo });
      assert.equal(seen.event.userInfo.nickName, 'Alice');
      assert.equal(seen.wx.OPENID, alice.openid);
    });
    await t.test('a call without data has an empty event', async () => {
      const seen = await alice.call('context');
      assert.deepEqual(seen.event, { userInfo: { appId, openId: alice.openid } });
    });
    await t.test('a call of a server SDK has no OPENID', async () => {
      const { result } = await nodeSdk(server).callFunction({ name: 'context', data: { b: 2 } });
      assert.equal(result.event.b, 2);
      assert.equal(result.event.userInfo?.openId, undefined);
      assert.ok(!result.wx.OPENID);
      assert.equal(result.wx.ENV, envId);
    });
  });
}
