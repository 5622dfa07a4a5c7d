/** Who may speak to `/admin`: the key pair (TC3), the API key (Bearer); nobody else. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdkByKey, nodeSdks } from '../../harness/vendor.mjs';
import { admin } from '../../harness/wire.mjs';

test('the credentials of server SDKs', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const count = { action: 'database.calculateDocument', collectionName: 'c', queryType: 'WHERE' };
  await nodeSdk(server).database().createCollection('c');

  await t.test('the file of credentials is for its owner alone', () => {
    const { mode } = statSync(path.join(server.data, 'credentials.json'));
    assert.equal(mode & 0o777, 0o600);
  });
  for (const generation of nodeSdks) {
    await t.test(`${generation} signs with the key pair`, async () => {
      const { total } = await nodeSdk(server, generation).database().collection('c').count();
      assert.equal(total, 0);
    });
    await t.test(`${generation} with a wrong secret is refused`, async () => {
      const app = nodeSdk(server, generation, { secretKey: 'wrong' });
      const error = await refusal(app.database().collection('c').count());
      assert.match(String(error.code), /SIGN|AUTH|CREDENTIAL|LOGIN|PERMISSION/i);
    });
    await t.test(`${generation} with an unknown id is refused`, async () => {
      const app = nodeSdk(server, generation, { secretId: 'AKIDnobody' });
      const error = await refusal(app.database().collection('c').count());
      assert.match(String(error.code), /SIGN|AUTH|CREDENTIAL|LOGIN|PERMISSION|SECRET/i);
    });
  }
  await t.test('the API key as a bearer', async () => {
    const { total } = await nodeSdkByKey(server).database().collection('c').count();
    assert.equal(total, 0);
  });
  await t.test('another API key is refused', async () => {
    const app = nodeSdkByKey(server, 'not-the-key');
    const error = await refusal(app.database().collection('c').count());
    assert.match(String(error.code), /SIGN|AUTH|CREDENTIAL|LOGIN|PERMISSION|TOKEN/i);
  });
  const { secretId } = server.credentials();
  const caller = await Caller.signIn(server, 'alice');
  /** @type {[string, Record<string, string>][]} */
  const proofs = [
    ['no proof at all', {}],
    ['an empty bearer', { authorization: 'Bearer ' }],
    ['a scheme that does not exist', { authorization: 'Magic abc' }],
    ['a user token', { authorization: `Bearer ${caller.accessToken}` }],
    [
      'a signature without its time stamp',
      {
        authorization: `TC3-HMAC-SHA256 Credential=${secretId}/2024-01-01/tcb/tc3_request, SignedParams=action, SignedHeaders=host, Signature=00`,
      },
    ],
  ];
  for (const [title, headers] of proofs) {
    await t.test(`${title} is refused with status 200 and a code`, async () => {
      const { status, body } = await admin(server, count, headers);
      assert.equal(status, 200);
      assert.ok(body.code, `accepted: ${JSON.stringify(body)}`);
      assert.ok(body.message);
      assert.ok(body.requestId);
      assert.equal(body.data, undefined);
    });
  }
});
