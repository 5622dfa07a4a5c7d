/** CloudIDs of a client's call, `getOpenData`, `getVoIPSign`, `getCloudCallSign`: simulated. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { generations, ofEveryGeneration } from '../../harness/generations.mjs';
import { client } from '../../harness/library.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';

test('CloudIDs become open data', async (t) => {
  const functions = { ...ofEveryGeneration('open'), open: { from: 'open', sdk: '^4.0.2' } };
  const server = await serve(t, (await project(t, { functions })).dir);
  const alice = await client(server, 'alice');
  const bob = await Caller.signIn(server, 'bob');

  await t.test('top-level CloudIDs of a call carry their data', async () => {
    const data = {
      call: 'event',
      phone: alice.CloudID('dev-phone'),
      steps: alice.CloudID('dev-werun-alice'),
      share: new alice.CloudID('dev-share'),
      old: alice.CloudID('dev-expired'),
      foreign: alice.CloudID('dev-phone-bob'),
      deep: { phone: alice.CloudID('dev-phone') },
      plain: 'dev-phone',
    };
    const { result } = await alice.callFunction({ name: 'open', data });
    assert.equal(result.phone.cloudID, 'dev-phone');
    assert.match(result.phone.data.purePhoneNumber, /^138\d{8}$/);
    assert.equal(result.phone.data.watermark.appid, appId);
    assert.equal(result.steps.data.stepInfoList.length, 31);
    assert.equal(typeof result.steps.data.stepInfoList[30].step, 'number');
    assert.ok(result.share.data.openGId);
    assert.deepEqual(result.old, {
      cloudID: 'dev-expired',
      errCode: -601006,
      errMsg: 'cloudID expired',
    });
    assert.equal(result.foreign.errCode, -601007);
    assert.equal(result.foreign.data, undefined);
    assert.equal(result.deep.phone, 'dev-phone');
    assert.equal(result.plain, 'dev-phone');
  });

  await t.test('what does not open says so and the function runs', async () => {
    const sealed = { encryptedData: 'AAAA', iv: 'AAAAAAAAAAAAAAAAAAAAAA==' };
    const data = {
      call: 'event',
      sealed: alice.CloudID(sealed),
      unknown: alice.CloudID('12_never-issued'),
    };
    const { result } = await alice.callFunction({ name: 'open', data });
    assert.equal(result.sealed.errCode, -601006);
    assert.equal(result.unknown.errCode, -601005);
    assert.ok(result.userInfo.openId);
  });

  await t.test('the server counts CloudIDs, too', async () => {
    const cloud_ids = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`id${n}`, 'dev-phone']));
    const params = { function_name: 'open', request_data: '{"call":"event"}' };
    const refused = await refusal(bob.web('functions.invokeFunction', { ...params, cloud_ids }));
    assert.equal(refused.code, 'INVALID_PARAM');
    const odd = { ...params, cloud_ids: { a: 1 } };
    assert.equal((await refusal(bob.web('functions.invokeFunction', odd))).code, 'INVALID_PARAM');
  });

  for (const { module: name, version, lacks } of generations) {
    await t.test(`getOpenData and the signatures with ${version}`, async () => {
      const list = ['dev-userinfo', 'dev-phone-alice'];
      const answer = await bob.call(name, { call: 'getOpenData', data: { list } });
      assert.equal(answer.errMsg, 'getOpenData:ok', JSON.stringify(answer));
      assert.equal(answer.list[0].data.openId, bob.openid);
      assert.equal(answer.list[1].errCode, -601007);
      const timestamp = 1_559_129_714;
      const room = { groupId: 'room 1', timestamp, nonce: 'n' };
      const voip = await bob.call(name, { call: 'getVoIPSign', data: room });
      assert.match(voip.signature, /^[0-9a-f]{64}$/, JSON.stringify(voip));
      if (lacks.includes('getCloudCallSign')) return;
      const sign = { parameterList: ['a', 'b'] };
      const cloudCall = await bob.call(name, { call: 'getCloudCallSign', data: sign });
      const expected = createHmac('sha256', appId).update('["a","b"]').digest('hex');
      assert.equal(cloudCall.signature, expected);
    });
  }
});
