/** Errors of the auth REST carry `error` and a number, whatever is wrong with the request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auth } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';
import { request } from '../../harness/wire.mjs';

test('what is not a sign-in signs nobody in', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const token = '/auth/v1/provider/token';
  const params = { provider_code_type: 'open_id', appid: appId };
  /** @type {[string, string, any][]} */
  const rows = [
    ['no code', token, { provider_id: appId, provider_params: params }],
    [
      'an empty name',
      token,
      { provider_id: appId, provider_code: 'dev-', provider_params: params },
    ],
    ['an unknown code', token, { provider_id: appId, provider_code: 'x', provider_params: params }],
    ['an empty body', token, {}],
    ['a forged provider token', '/auth/v1/signin/with/provider', { provider_token: 'forged' }],
    ['a forged refresh token', '/auth/v1/token', refresh('forged')],
    ['no refresh token', '/auth/v1/token', { grant_type: 'refresh_token' }],
    ['an unknown grant', '/auth/v1/token', { grant_type: 'magic', refresh_token: 'x' }],
  ];
  for (const [title, path, body] of rows) {
    await t.test(title, async () => {
      const reply = await auth(server, path, body);
      assert.equal(typeof reply.error, 'string', JSON.stringify(reply));
      assert.ok(reply.error_code > 0, JSON.stringify(reply));
      assert.ok(reply.error_description, JSON.stringify(reply));
      assert.equal(reply.access_token, undefined);
      assert.equal(reply.provider_token, undefined);
    });
  }
  await t.test('a body that is no JSON', async () => {
    const reply = await request(server.url + token, { method: 'POST', body: '{"provider_id":' });
    assert.equal(typeof reply.body.error, 'string');
    assert.ok(reply.body.error_code > 0);
  });
  for (const authorization of ['', 'Bearer', 'Bearer forged', 'Basic eDp5']) {
    await t.test(`the profile for "${authorization}"`, async () => {
      const reply = await request(`${server.url}/auth/v1/user/me`, { headers: { authorization } });
      assert.equal(reply.body.error, 'unauthenticated');
      assert.equal(reply.body.error_code, 16);
    });
  }
});

/** @param {string} token */
function refresh(token) {
  return { client_id: 'x', client_secret: '', grant_type: 'refresh_token', refresh_token: token };
}
