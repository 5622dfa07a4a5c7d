/** Message push as WeChat sends it: verified, plain and encrypted, JSON and XML, once each. */
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { appId } from '../../harness/settings.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

// The simulator's own, as docs/reference/open-platform.md says.
const token = 'yunkaidev';
const key = Buffer.from('yunkaidevyunkaidevyunkaidevyunkaidevyunkaid=', 'base64');

const sign = (/** @type {string[]} */ ...parts) =>
  createHash('sha1').update(parts.sort().join('')).digest('hex');
const now = () => String(Math.floor(Date.now() / 1000));

/** @param {string} text */
function seal(text) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  const plain = Buffer.concat([randomBytes(16), length, Buffer.from(text), Buffer.from(appId)]);
  const missing = 32 - (plain.length % 32);
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  const padded = Buffer.concat([plain, Buffer.alloc(missing, missing)]);
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64');
}

/** @param {string} sealed */
function open(sealed) {
  const cipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  const plain = Buffer.concat([cipher.update(sealed, 'base64'), cipher.final()]);
  return plain.subarray(20, 20 + plain.readUInt32BE(16)).toString();
}

const inbox = `
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const seen = cloud.database().collection('seen');
exports.main = async (event) => {
  if (event.list) return (await seen.orderBy('at', 'asc').limit(100).get()).data;
  const { OPENID } = cloud.getWXContext();
  await seen.add({ data: { event, OPENID, at: Date.now() } });
  if (event.Content === 'fail') {
    const tries = await seen.where({ 'event.MsgId': event.MsgId }).count();
    if (tries.total < 2) throw new Error('not now');
  }
  if (event.Content === 'human') {
    return {
      MsgType: 'transfer_customer_service',
      ToUserName: OPENID,
      FromUserName: event.ToUserName,
      CreateTime: 1,
    };
  }
};`;

test('WeChat pushes messages to functions', async (t) => {
  const manifest = JSON.stringify({ dependencies: { 'wx-server-sdk': '^4.0.2' } });
  const made = await project(t, {
    files: {
      'cloudfunctions/inbox/index.js': inbox,
      'cloudfunctions/inbox/package.json': manifest,
    },
    yunkai: {
      collections: { seen: { acl: 'ADMINONLY' } },
      functions: {
        inbox: {
          triggers: [
            { name: 'texts', type: 'push', msgType: 'text' },
            { name: 'popup', type: 'push', msgType: 'event', event: 'subscribe_msg_popup_event' },
          ],
        },
      },
    },
  });
  const server = await serve(t, made.dir);
  const address = `${server.url}/_wechat/push/${server.credentials().envId}`;
  const nonce = '263014780';
  const seen = async () =>
    (await nodeSdk(server).callFunction({ name: 'inbox', data: { list: true } })).result;
  const post = (/** @type {string} */ body, at = now(), signature = sign(token, at, nonce)) =>
    fetch(`${address}?signature=${signature}&timestamp=${at}&nonce=${nonce}`, {
      method: 'POST',
      body,
    });
  const text = (/** @type {number} */ MsgId, /** @type {string} */ Content) =>
    JSON.stringify({
      ToUserName: 'gh_1',
      FromUserName: 'oSender',
      CreateTime: 1_482_048_670,
      MsgType: 'text',
      Content,
      MsgId,
    });

  await t.test('the console verifies the address', async () => {
    const at = now();
    const query = `timestamp=${at}&nonce=${nonce}&echostr=hello`;
    const good = await fetch(`${address}?signature=${sign(token, at, nonce)}&${query}`);
    assert.deepEqual([good.status, await good.text()], [200, 'hello']);
    const bad = await fetch(`${address}?signature=${'0'.repeat(40)}&${query}`);
    assert.equal(bad.status, 401);
  });
  await t.test('a text runs the function once, however often it comes', async () => {
    for (let n = 0; n < 3; n++) {
      const reply = await post(text(1, '你好'));
      assert.deepEqual([reply.status, await reply.text()], [200, 'success']);
    }
    const [only, ...more] = await seen();
    assert.equal(more.length, 0);
    assert.deepEqual(only.event, JSON.parse(text(1, '你好')));
    assert.equal(only.OPENID, 'oSender');
  });
  await t.test('a claim outlives a restart', async () => {
    await server.kill();
    await server.start();
    assert.equal(await (await post(text(1, '你好'))).text(), 'success');
    assert.equal((await seen()).length, 1);
  });
  await t.test('a run that failed is tried again by the next repetition', async () => {
    assert.equal((await post(text(2, 'fail'))).status, 500);
    assert.equal((await post(text(2, 'fail'))).status, 200);
    assert.equal((await post(text(2, 'fail'))).status, 200);
    const tries = (await seen()).filter((/** @type {any} */ it) => it.event.MsgId === 2);
    assert.equal(tries.length, 2);
  });
  await t.test('an encrypted XML event, and its list', async () => {
    const xml = `<xml><ToUserName>gh_1</ToUserName><FromUserName>oSender</FromUserName>
      <CreateTime>1610969440</CreateTime><MsgType>event</MsgType>
      <Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List>
      <TemplateId>T1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString>
      <PopupScene>0</PopupScene></List></SubscribeMsgPopupEvent></xml>`;
    const at = now();
    const sealed = seal(xml);
    const query = `timestamp=${at}&nonce=${nonce}&signature=${sign(token, at, nonce)}`;
    const fits = sign(token, at, nonce, sealed);
    const body = `<xml><ToUserName>gh_1</ToUserName><Encrypt>${sealed}</Encrypt></xml>`;
    const forged = await fetch(`${address}?${query}&msg_signature=${sign(token, at, nonce)}`, {
      method: 'POST',
      body,
    });
    assert.equal(forged.status, 401);
    const reply = await fetch(`${address}?${query}&encrypt_type=aes&msg_signature=${fits}`, {
      method: 'POST',
      body,
    });
    assert.deepEqual([reply.status, await reply.text()], [200, 'success']);
    const last = (await seen()).at(-1).event;
    assert.equal(last.List.TemplateId, 'T1');
    assert.equal(last.CreateTime, 1_610_969_440);
  });
  await t.test('a passive reply is sealed as the message was', async () => {
    assert.equal(JSON.parse(await (await post(text(3, 'human'))).text()).ToUserName, 'oSender');
    const at = now();
    const sealed = seal(text(4, 'human'));
    const fits = sign(token, at, nonce, sealed);
    const reply = await fetch(`${address}?timestamp=${at}&nonce=${nonce}&msg_signature=${fits}`, {
      method: 'POST',
      body: JSON.stringify({ ToUserName: 'gh_1', Encrypt: sealed }),
    });
    const { Encrypt, MsgSignature, TimeStamp, Nonce } = JSON.parse(await reply.text());
    assert.equal(MsgSignature, sign(token, String(TimeStamp), Nonce, Encrypt));
    assert.equal(JSON.parse(open(Encrypt)).MsgType, 'transfer_customer_service');
  });
  await t.test('what nobody wants is answered and shown; strangers run nothing', async () => {
    const before = (await seen()).length;
    const other = JSON.stringify({ MsgType: 'event', Event: 'wxa_media_check', trace_id: 'x' });
    assert.equal(await (await post(other)).text(), 'success');
    const old = String(Number(now()) - 600);
    assert.equal((await post(text(5, 'late'), old)).status, 401);
    assert.equal((await post(text(6, 'x'), now(), '0'.repeat(40))).status, 401);
    assert.equal((await post('not a message')).status, 400);
    assert.equal((await post('x'.repeat(300_000))).status, 413);
    assert.equal((await seen()).length, before);
    await eventually('the refusals are told', () =>
      server.lines.find((line) => /A pushed message was refused/.test(line)),
    );
  });
});
