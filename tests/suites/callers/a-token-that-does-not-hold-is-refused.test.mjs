/** Missing, forged, altered tokens on `/web`: the platform's code, and nothing happens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { web } from '../../harness/wire.mjs';

const codes = /^(CHECK_LOGIN_FAILED|ACCESS_TOKEN_\w+|INVALID_ACCESS_TOKEN)$/;
/** Somebody who shows no token at all is a visitor: refused as such, or for want of permission. */
const visitorCodes = /^(CHECK_LOGIN_FAILED|DATABASE_PERMISSION_DENIED|STORAGE_EXCEED_AUTHORITY)$/;

test('a token that does not hold is refused', async (t) => {
  const { dir } = await project(t, {
    functions: { counter: 'counter' },
    yunkai: { collections: { notes: { acl: 'READONLY' } } },
  });
  const server = await serve(t, dir);
  const { envId, apiKey, secretKey } = server.credentials();
  const alice = await Caller.signIn(server, 'alice');
  const good = alice.accessToken;

  /** @param {string} claims */
  const withClaims = (claims) => {
    const parts = good.split('.');
    parts[1] = Buffer.from(claims).toString('base64url');
    return parts.join('.');
  };
  /** @type {[string, unknown][]} */
  const tokens = [
    ['none', undefined],
    ['empty', ''],
    ['a word', 'forged'],
    ['a number', 5],
    ['an object', { sub: 'x' }],
    ['cut off', good.slice(0, -4)],
    ['with one letter changed', good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A')],
    ['of another user', withClaims('{"sub":"somebody","user_id":"somebody","exp":9999999999}')],
    ['unsigned', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]}.`],
    ['the API key', apiKey],
    ['the secret key', secretKey],
    ['the refresh token', alice.tokens.refresh_token],
  ];
  const actions = [
    { action: 'functions.invokeFunction', function_name: 'counter', request_data: '{}' },
    { action: 'database.addDocument', collectionName: 'notes', data: { a: 1 } },
    { action: 'database.queryDocument', collectionName: 'notes', queryType: 'WHERE', query: {} },
    { action: 'storage.getUploadMetadata', path: 'x.txt' },
  ];
  for (const [title, token] of tokens) {
    await t.test(title, async () => {
      for (const action of actions) {
        const envelope = { dataVersion: '2020-01-10', env: envId, access_token: token, ...action };
        const { status, body } = await web(server, envelope);
        assert.equal(status, 200);
        const visitor = typeof token !== 'string' || token === '';
        assert.match(String(body.code), visitor ? visitorCodes : codes, action.action);
        assert.ok(body.message && body.requestId);
        assert.equal(body.data, undefined);
      }
    });
  }
  assert.equal((await alice.call('counter')).calls, 1, 'nothing was called');
  assert.equal((await nodeSdk(server).database().collection('notes').count()).total, 0);
});
