/** `process.env` as the platform documents it and as the project asks for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('the environment of the process', async (t) => {
  const { dir } = await project(t, {
    functions: { environment: 'environment' },
    yunkai: { functions: { environment: { env: { SHOP_NAME: '云店', LEVEL: '3' } } } },
  });
  const server = await serve(t, dir, { env: { SECRET_OF_THE_HOST: 'do not tell' } });
  const caller = await Caller.signIn(server, 'alice');
  const names = [
    'SHOP_NAME',
    'LEVEL',
    'TENCENTCLOUD_RUNENV',
    'SCF_NAMESPACE',
    'TCB_ENV',
    'WX_OPENID',
    'WX_APPID',
    'TCB_SOURCE',
    'TENCENTCLOUD_REGION',
    'TENCENTCLOUD_SECRETID',
    'SECRET_OF_THE_HOST',
  ];
  const { values, timeZone } = await caller.call('environment', { names });
  const { envId, secretId, apiKey } = server.credentials();
  assert.equal(values.SHOP_NAME, '云店');
  assert.equal(values.LEVEL, '3');
  assert.equal(values.TENCENTCLOUD_RUNENV, 'SCF');
  assert.equal(values.SCF_NAMESPACE, envId);
  assert.equal(values.TCB_ENV, envId);
  assert.equal(values.WX_OPENID, caller.openid);
  assert.equal(values.TCB_SOURCE, 'wx_client');
  assert.ok(values.TENCENTCLOUD_REGION);
  assert.ok(values.TENCENTCLOUD_SECRETID, 'the SDK ends the process when there is no key');
  assert.notEqual(values.TENCENTCLOUD_SECRETID, secretId, 'the key of the server stays outside');
  assert.notEqual(values.TENCENTCLOUD_SECRETID, apiKey);
  assert.equal(values.SECRET_OF_THE_HOST, undefined);
  assert.equal(timeZone, 0);

  await t.test('the next caller finds nothing of the last one', async () => {
    const bob = await Caller.signIn(server, 'bob');
    const seen = await bob.call('environment', { names: ['WX_OPENID'] });
    assert.equal(seen.values.WX_OPENID, bob.openid);
    const anonymous = await Caller.anonymous(server);
    const nobody = await anonymous.call('environment', { names: ['WX_OPENID'] });
    assert.ok(nobody.values.WX_OPENID !== bob.openid);
  });
});
