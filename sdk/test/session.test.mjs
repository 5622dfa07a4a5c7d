/**
 * Signing in: silently, once for many calls, renewed when the server asks for it, never twice for
 * one refusal; the user switcher of a browser on a dev server; and what is sent again after a lost
 * answer.
 */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { cloud } from '@yunkai/cloud';
import { failureOf, startServer } from './server.mjs';

const USERS = [
  { name: 'alice', nickname: '爱丽丝' },
  { name: 'bob', nickname: '鲍勃' },
];

let server;
beforeEach(async () => {
  server = await startServer({
    web: () => ({ data: { response_data: '1', list: [] } }),
    users: USERS,
  });
});
afterEach(() => server.close());

async function clientOf(login, options) {
  const client = new cloud.Cloud({ env: 'env-x', endpoint: server.url, login, ...options });
  await client.init();
  return client;
}

const call = (client) => client.callFunction({ name: 'f' });
const authCalls = () => server.auth.map((it) => it.call);
const tokens = () => server.seen.map((it) => it.token);

test('nothing is sent before the first call', async () => {
  await clientOf(() => assert.fail('login was called'));
  assert.deepEqual(server.auth, []);
});

test('calls that start together share one sign-in', async () => {
  let logins = 0;
  const client = await clientOf(async () => {
    logins++;
    return 'dev-alice';
  });
  await Promise.all(Array.from({ length: 10 }, () => call(client)));
  assert.equal(logins, 1);
  assert.deepEqual(authCalls(), ['provider/token', 'signin/with/provider']);
  assert.deepEqual(server.auth[0], {
    call: 'provider/token',
    client: 'env-x',
    provider_id: 'wx',
    provider_code: 'dev-alice',
    provider_params: { provider_code_type: 'open_id' },
  });
  assert.deepEqual(new Set(tokens()), new Set(['token alice 1']));
});

test('an expired token is renewed once for all calls that met it', async () => {
  const client = await clientOf(() => 'dev-alice');
  await call(client);
  server.auth.length = 0;
  server.valid.clear();
  const results = await Promise.all(Array.from({ length: 8 }, () => call(client)));
  assert.equal(results.length, 8);
  assert.deepEqual(authCalls(), ['token']);
  assert.equal(server.auth[0].refresh_token, 'refresh alice');
});

test('a token that is about to end is renewed before the call', async () => {
  server.expiresIn = 20;
  const client = await clientOf(() => 'dev-alice');
  await call(client);
  await call(client);
  assert.deepEqual(authCalls(), ['provider/token', 'signin/with/provider', 'token']);
  assert.deepEqual(tokens(), ['token alice 1', 'token alice 2']);
});

test('a refresh token that is over leads to a new sign-in', async () => {
  const client = await clientOf(() => 'dev-alice');
  await call(client);
  server.valid.clear();
  server.refresh = false;
  server.tokenCode = 'CHECK_LOGIN_FAILED';
  await call(client);
  assert.deepEqual(authCalls().slice(2), ['token', 'provider/token', 'signin/with/provider']);
});

test('a token that is refused again is a failure, not a loop', async () => {
  const client = await clientOf(() => 'dev-alice');
  server.valid.add = () => server.valid;
  const error = await failureOf(call(client));
  assert.equal(error.code, 'ACCESS_TOKEN_EXPIRED');
  assert.equal(server.seen.length, 2);
});

test('a refused sign-in says why, and the next call tries again', async () => {
  const client = await clientOf(() => 'dev-alice');
  server.refuseCodes = true;
  const error = await failureOf(call(client));
  assert.equal(error.code, 'provider_error');
  assert.match(error.errMsg, /sign-in refused: provider_error!/);
  server.refuseCodes = false;
  assert.equal((await call(client)).result, 1);
});

test('a login that gives null is anonymous', async () => {
  const client = await clientOf(async () => null);
  await call(client);
  assert.deepEqual(authCalls(), ['signin/anonymously']);
});

test('a login that fails is told by the call', async () => {
  const client = await clientOf(async () => {
    throw new Error('no network on the plane');
  });
  const error = await failureOf(call(client));
  assert.equal(error.errMsg, 'cloud.callFunction:fail no network on the plane');
});

test('several users side by side, and environments of one user', async () => {
  const [alice, bob] = await Promise.all([clientOf(() => 'dev-alice'), clientOf(() => 'dev-bob')]);
  await Promise.all([call(alice), call(bob)]);
  await alice.callFunction({ name: 'f', config: { env: 'env-y' } });
  const users = server.seen.map(({ env, token }) => `${env} ${token.split(' ')[1]}`);
  assert.deepEqual(users.sort(), ['env-x alice', 'env-x bob', 'env-y alice']);
});

test('Node without a login says what to give', async () => {
  const client = await clientOf(undefined);
  const error = await failureOf(call(client));
  assert.match(error.errMsg, /give init a login/);
});

test('reads are sent again when no answer came; writes are not', async () => {
  const client = await clientOf(() => 'dev-alice');
  await call(client);
  let lost = 2;
  server.drop = (path) => path === '/web' && lost-- > 0;
  await client.database().collection('c').get();
  lost = 1;
  const error = await failureOf(call(client));
  assert.equal(error.errCode, -601003);
  assert.match(error.errMsg, /^cloud\.callFunction:fail request failed/);
  lost = 3;
  const read = await failureOf(client.database().collection('c').count());
  assert.equal(read.errCode, -601003);
});

// The answers never come, so that the outcome does not depend on how fast the machine is.
test('an answer that does not come in time is a failure', async () => {
  const client = await clientOf(() => 'dev-alice');
  server.other = () => {};
  const late = await failureOf(client.callContainer({ service: 's', path: '/', timeout: 1 }));
  assert.equal(late.errMsg, 'cloud.callContainer:fail timeout');

  server.hold = new Promise(() => {});
  const hurried = await clientOf(() => 'dev-bob', { timeout: 1 });
  const error = await failureOf(call(hurried));
  assert.deepEqual([error.errMsg, error.errCode], ['cloud.callFunction:fail timeout', -601003]);
});

/** A page as the library sees one: address, stores, no more. */
function openPage(search, local, session = new Map()) {
  const store = (map) => ({
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => map.set(key, value),
    removeItem: (key) => map.delete(key),
  });
  const page = {
    document: {},
    location: { search, href: `${server.url}/${search}`, protocol: 'http:', origin: server.url },
    localStorage: store(local),
    sessionStorage: store(session),
    history: {
      state: null,
      replaceState: (_, __, href) => {
        page.location.href = href;
        page.location.search = new URL(href).search;
      },
    },
  };
  Object.assign(globalThis, page);
  return page;
}

afterEach(() => {
  for (const name of ['document', 'location', 'localStorage', 'sessionStorage', 'history']) {
    delete globalThis[name];
  }
});

test('a page of a dev server is its first user, and keeps tokens for the next load', async () => {
  const local = new Map();
  openPage('', local);
  const page = new cloud.Cloud();
  await page.init({ env: 'env-x' });
  await call(page);
  assert.deepEqual(tokens(), ['token alice 1']);
  server.auth.length = 0;
  const reloaded = new cloud.Cloud();
  await reloaded.init({ env: 'env-x' });
  await call(reloaded);
  assert.deepEqual([authCalls(), tokens().at(-1)], [[], 'token alice 1']);
});

test('?as chooses the user, and switching changes page and address', async () => {
  const page = openPage('?as=bob', new Map());
  const client = new cloud.Cloud();
  await client.init({ env: 'env-x' });
  await call(client);
  assert.deepEqual(await client.devUsers(), [
    { name: 'alice', nickname: '爱丽丝', current: false },
    { name: 'bob', nickname: '鲍勃', current: true },
  ]);
  await client.switchUser('alice');
  await call(client);
  assert.deepEqual(
    tokens().map((token) => token.split(' ')[1]),
    ['bob', 'alice'],
  );
  assert.equal(page.location.search, '?as=alice');
  const error = await failureOf(client.switchUser('mallory'));
  assert.match(error.errMsg, /no simulated user "mallory"; there are: alice, bob/);
});

test('two tabs are two users, and a new tab is the last one chosen', async () => {
  const local = new Map();
  const name = async (search, session) => {
    openPage(search, local, session);
    const client = new cloud.Cloud();
    await client.init({ env: 'env-x' });
    return { client, name: (await client.devUsers()).find((user) => user.current).name };
  };
  const first = new Map();
  const second = new Map();
  assert.equal((await name('?as=bob', first)).name, 'bob');
  const { client } = await name('', second);
  assert.equal((await client.devUsers())[0].current, true);
  await client.switchUser('alice');
  assert.equal((await name('', first)).name, 'bob');
  assert.equal((await name('', new Map())).name, 'alice');
});

test('a page of a server without simulated users asks for a login', async () => {
  const plain = await startServer();
  try {
    openPage('', new Map());
    const client = new cloud.Cloud({ endpoint: plain.url });
    await client.init();
    const error = await failureOf(call(client));
    assert.match(error.errMsg, /no simulated users: give init a login/);
  } finally {
    await plain.close();
  }
});
