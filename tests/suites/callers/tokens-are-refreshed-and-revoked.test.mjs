/** The shape of credentials, refreshing them, and revoking them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auth, Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('tokens are refreshed and revoked', async (t) => {
  const functions = { context: { from: 'context', sdk: 'latest' } };
  const server = await serve(t, (await project(t, { functions })).dir);
  const { envId } = server.credentials();
  const caller = await Caller.signIn(server, 'alice');
  assert.equal(caller.tokens.token_type, 'Bearer');
  assert.equal(typeof caller.tokens.refresh_token, 'string');
  assert.ok(caller.tokens.expires_in > 60);
  assert.ok(caller.tokens.sub);

  const grant = {
    client_id: envId,
    client_secret: '',
    grant_type: 'refresh_token',
    refresh_token: caller.tokens.refresh_token,
  };
  const fresh = await auth(server, '/auth/v1/token', grant);
  assert.ok(fresh.access_token, JSON.stringify(fresh));
  const again = new Caller(server, fresh);
  assert.equal((await again.call('context')).wx.OPENID, caller.openid);
  assert.equal(fresh.sub, caller.tokens.sub);

  await auth(server, '/auth/v1/revoke', { token: fresh.refresh_token });
  const refused = await auth(server, '/auth/v1/token', {
    ...grant,
    refresh_token: fresh.refresh_token,
  });
  assert.ok(refused.error, JSON.stringify(refused));
  assert.equal(refused.access_token, undefined);
});
