/** `cloud.openapi.wxacode.getUnlimited` inside a function, answered by the simulator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const range of ['^4.0.2', '~2.6.3']) {
  test(`a mini-program code with wx-server-sdk ${range}`, async (t) => {
    const functions = { code: { from: 'code', sdk: range } };
    const server = await serve(t, (await project(t, { functions })).dir);
    const caller = await Caller.signIn(server, 'alice');
    const seen = await caller.call('code', { scene: 'a1b2c3' });
    assert.equal(seen.errCode, 0, JSON.stringify(seen));
    assert.equal(seen.errMsg, 'openapi.wxacode.getUnlimited:ok');
    assert.match(seen.contentType, /^image\/(jpeg|png)/);
    const picture = new Uint8Array(await (await fetch(seen.url)).arrayBuffer());
    const isJpeg = picture[0] === 0xff && picture[1] === 0xd8;
    const isPng = picture[0] === 0x89 && picture[1] === 0x50;
    assert.ok(isJpeg || isPng, 'a picture');

    await t.test('a scene that WeChat would refuse', async () => {
      const refused = await caller.call('code', { scene: 'x'.repeat(33) });
      assert.equal(refused.failed, true);
      assert.ok(refused.errCode);
    });
  });
}
