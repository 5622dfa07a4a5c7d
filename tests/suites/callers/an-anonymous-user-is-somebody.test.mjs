/** Anonymous sign-in over the auth REST and over `/web`, and what such a user owns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { web } from '../../harness/wire.mjs';

test('an anonymous user is somebody', async (t) => {
  const { dir } = await project(t, {
    functions: { context: { from: 'context', sdk: 'latest' } },
    yunkai: { collections: { notes: { acl: 'PRIVATE' } } },
  });
  const server = await serve(t, dir);
  const one = await Caller.anonymous(server);
  const two = await Caller.anonymous(server);
  const profile = await one.profile();
  assert.equal(profile.name, 'anonymous');
  assert.notEqual(profile.sub, (await two.profile()).sub);

  await t.test('calls functions without an OPENID of WeChat', async () => {
    const seen = await one.call('context', { a: 1 });
    assert.equal(seen.event.a, 1);
    assert.ok(!seen.wx.OPENID);
  });
  await t.test('owns what it writes', async () => {
    const notes = { collectionName: 'notes' };
    await one.web('database.addDocument', { ...notes, data: { text: 'mine' } });
    const query = { ...notes, queryType: 'WHERE', query: {} };
    const { list } = await one.web('database.queryDocument', query);
    assert.equal(list.length, 1);
    assert.equal(list[0]._openid, profile.sub);
    assert.deepEqual((await two.web('database.queryDocument', query)).list, []);
  });
  await t.test('the way of @cloudbase/js-sdk 1.x', async () => {
    const { envId } = server.credentials();
    const send = async (/** @type {any} */ body) =>
      (await web(server, { dataVersion: '2020-01-10', env: envId, ...body })).body;
    const signed = await send({ action: 'auth.signInAnonymously', anonymous_uuid: '' });
    assert.ok(signed.uuid && signed.refresh_token, JSON.stringify(signed));
    const { access_token: token, access_token_expire: expire } = await send({
      action: 'auth.fetchAccessTokenWithRefreshToken',
      refresh_token: signed.refresh_token,
    });
    assert.ok(token);
    assert.ok(expire > 60_000, 'a duration in milliseconds');
    const caller = new Caller(server, { access_token: token });
    assert.equal((await caller.call('context', { b: 1 })).event.b, 1);

    const back = await send({ action: 'auth.signInAnonymously', anonymous_uuid: signed.uuid });
    assert.equal(back.uuid, signed.uuid, 'the same user at the next sign-in');
  });
});
