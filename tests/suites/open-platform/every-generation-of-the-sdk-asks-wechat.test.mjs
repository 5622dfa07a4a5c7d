/** `cloud.openapi.*` and `callOpenAPI` of every generation of the vendor's SDK: one scenario. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { generations, having, ofEveryGeneration } from '../../harness/generations.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk', 'base64');

test('every generation of the SDK asks WeChat', async (t) => {
  const made = await project(t, { functions: ofEveryGeneration('open') });
  const server = await serve(t, made.dir);
  const alice = await Caller.signIn(server, 'alice');

  for (const { module: fn, version, lacks } of generations) {
    const openapi = (/** @type {string} */ api, /** @type {object} */ data, appid = '') =>
      alice.call(fn, { call: 'openapi', api, data, appid });

    await t.test(`${version}: texts, files and pictures travel`, async () => {
      const message = { thing1: { value: '云开' } };
      const sent = await openapi('subscribeMessage.send', {
        touser: alice.openid,
        templateId: 't',
        data: message,
        miniprogramState: 'formal',
      });
      assert.deepEqual([sent.errCode, sent.errMsg], [0, 'openapi.subscribeMessage.send:ok']);
      const checked = await openapi('security.msgSecCheck', {
        content: 'hello',
        openid: alice.openid,
        version: 2,
        scene: 1,
      });
      assert.equal(checked.result.suggest, 'pass');
      assert.equal(typeof checked.traceId, 'string');
      const media = { contentType: 'image/png', base64: png.toString('base64') };
      const image = await openapi('security.imgSecCheck', { media });
      assert.equal(image.errMsg, 'openapi.security.imgSecCheck:ok', JSON.stringify(image));
      const code = await openapi('wxacode.get', { path: 'pages/index' });
      assert.equal(code.contentType, 'image/jpeg');
      assert.ok(code.buffer > 100, JSON.stringify(code));
    });

    await t.test(`${version}: refusals have WeChat's numbers and name the call`, async () => {
      const refused = await openapi('wxacode.getUnlimited', { scene: 'x'.repeat(33) });
      assert.deepEqual([refused.failed, refused.errCode], [true, 40169]);
      assert.match(refused.errMsg, /openapi\.wxacode\.getUnlimited:fail invalid scene/);
      const unknown = await openapi('nothing.atAll', {});
      assert.deepEqual([unknown.failed, unknown.errCode], [true, -604100]);
      assert.match(unknown.errMsg, /openapi\.nothing\.atAll:fail API not found: nothing\.atAll/);
    });

    await t.test(`${version}: callOpenAPI takes names and paths`, async () => {
      const call = (/** @type {string} */ api) =>
        alice.call(fn, { call: 'callOpenAPI', data: { api, data: { content: 'x' } } });
      for (const api of ['security.msgSecCheck', '/wxa/msg_sec_check']) {
        const { result } = await call(api);
        assert.equal(result?.errcode, 0, `${api} ${JSON.stringify(result)}`);
      }
      const unknown = await call('nothing.atAll');
      assert.equal(unknown.failed, true);
      assert.match(unknown.errMsg, /nothing\.atAll/);
    });

    await t.test(`${version}: what WeChat only documents is answered by an example`, async () => {
      const dates = { beginDate: '20260101', endDate: '20260101' };
      const seen = await openapi('analysis.getVisitPage', dates);
      assert.equal(seen.list[0].pagePath, 'pages/index/index', JSON.stringify(seen));
      const refused = await openapi('analysis.getVisitPage', {});
      assert.deepEqual([refused.failed, refused.errCode], [true, 40097]);
      assert.match(refused.errMsg, /begin_date is missing/);
    });

    if (lacks.includes('openapi({appid})')) continue;
    await t.test(`${version}: another mini program is refused, this one is not`, async () => {
      const own = await openapi('wxacode.get', { path: 'p' }, appId);
      assert.ok(own.buffer > 100, JSON.stringify(own));
      const other = await openapi('wxacode.get', { path: 'p' }, 'wx0000000000000000');
      assert.equal(other.errCode, -601018);
    });
  }

  for (const { module: fn, version } of having('Cloud')) {
    await t.test(`${version}: environments of other mini programs are refused`, async () => {
      const data = { resourceAppid: 'wx0000000000000000', resourceEnv: 'theirs' };
      const refused = await alice.call(fn, { call: 'Cloud', data });
      assert.deepEqual([refused.failed, refused.errCode], [true, -604100], JSON.stringify(refused));
    });
  }
  await server.said(/Environments are not shared between mini programs/);

  for (const generation of nodeSdks) {
    await t.test(`${generation}: wxCallContainerApi is refused with a sentence`, async () => {
      const call = { apiName: 'call', requestData: Buffer.from('?') };
      const answer = await nodeSdk(server, generation)
        .wxCallContainerApi(call)
        .catch((/** @type {any} */ error) => error);
      assert.match(`${answer?.message ?? answer}`, /services\.internal/, String(answer));
    });
  }
});
