/** `permissions.openapi` of a function's `config.json`, seen through the vendor's SDKs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';

const permissions = (/** @type {string[]} */ ...openapi) =>
  JSON.stringify({ permissions: { openapi } });

const REFUSED = 'system error: error code: -604101';

test('permissions of config.json are enforced', async (t) => {
  const open = (/** @type {string} */ sdk) => ({ from: 'open', sdk });
  const server = await serve(
    t,
    (
      await project(t, {
        functions: {
          some: open('^4.0.2'),
          older: open('~2.6.3'),
          none: open('^4.0.2'),
          silent: open('^4.0.2'),
        },
        files: {
          'cloudfunctions/some/config.json': permissions('wxacode.get', 'openapi.urllink.generate'),
          'cloudfunctions/older/config.json': permissions('security.msgSecCheck'),
          'cloudfunctions/none/config.json': permissions(),
          'cloudfunctions/silent/config.json': '{"triggers":[]}',
        },
      })
    ).dir,
  );
  const alice = await Caller.signIn(server, 'alice');
  const openapi = (
    /** @type {string} */ name,
    /** @type {string} */ api,
    /** @type {object} */ data = {},
    /** @type {string | undefined} */ appid = undefined,
  ) => alice.call(name, { call: 'openapi', api, data, appid });

  const code = await openapi('some', 'wxacode.get', { path: 'pages/index' });
  assert.ok(code.buffer > 100, JSON.stringify(code));
  const link = await openapi('some', 'urllink.generate');
  assert.equal(link.errMsg, 'openapi.urllink.generate:ok');
  const text = await openapi('older', 'security.msgSecCheck', { content: 'hello' });
  assert.equal(text.errMsg, 'openapi.security.msgSecCheck:ok');

  for (const [name, api] of [
    ['some', 'security.msgSecCheck'],
    ['older', 'wxacode.get'],
    ['none', 'wxacode.get'],
  ]) {
    const refused = await openapi(name, api, { content: 'x', path: 'x' });
    assert.equal(refused.failed, true, `${name} ${api}`);
    assert.equal(refused.errCode, -604101);
    assert.match(refused.errMsg, new RegExp(REFUSED));
    assert.match(refused.message, /^errCode: -604101 /);
  }
  await server.said(/none may not call wxacode\.get/);

  await t.test('a function that declares nothing may call all', async () => {
    const code = await openapi('silent', 'wxacode.get', { path: 'pages/index' });
    assert.ok(code.buffer > 100, JSON.stringify(code));
  });
  await t.test('another mini program than this one is refused, this one is not', async () => {
    const own = await openapi('silent', 'wxacode.get', { path: 'p' }, appId);
    assert.ok(own.buffer > 100, JSON.stringify(own));
    const other = await openapi('silent', 'wxacode.get', { path: 'p' }, 'wx0000000000000000');
    assert.equal(other.errCode, -601018);
  });
  await t.test('a call that nobody answers is not found', async () => {
    for (const api of ['nothing.atAll', 'auth.getBasicInfo']) {
      assert.equal((await openapi('silent', api)).errCode, -604100);
    }
  });
});
