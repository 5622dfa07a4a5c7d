/** `cloudPay` with the vendor's SDKs against the simulator: orders, the callback, refunds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { having, ofEveryGeneration } from '../../harness/generations.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

const callback = `
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const told = cloud.database().collection('told');
exports.main = async (event) => {
  if (event.list) return (await told.limit(100).get()).data;
  await told.add({ data: { event } });
  const { total } = await told.where({ 'event.outTradeNo': event.outTradeNo }).count();
  // The first time it does not acknowledge.
  return event.attach === 'twice' && total < 2 ? { ok: true } : { errcode: 0, errmsg: '' };
};`;

test('cloudPay orders are paid and told', async (t) => {
  const manifest = JSON.stringify({ dependencies: { 'wx-server-sdk': '^4.0.2' } });
  const made = await project(t, {
    functions: {
      ...ofEveryGeneration('open'),
      open: { from: 'open', sdk: '^4.0.2' },
    },
    files: {
      'cloudfunctions/paid/index.js': callback,
      'cloudfunctions/paid/package.json': manifest,
    },
    yunkai: { collections: { told: { acl: 'ADMINONLY' } } },
  });
  const server = await serve(t, made.dir);
  const alice = await Caller.signIn(server, 'alice');
  const order = {
    body: '云开-相册',
    spbillCreateIp: '127.0.0.1',
    subMchId: '1600000001',
    totalFee: 88,
    envId: server.credentials().envId,
    functionName: 'paid',
  };
  const pay = (/** @type {string} */ fn, /** @type {string} */ api, /** @type {object} */ data) =>
    alice.call(fn, { call: 'pay', api, data });
  const told = async (/** @type {string} */ outTradeNo) =>
    (await alice.call('paid', { list: true }))
      .map((/** @type {any} */ it) => it.event)
      .filter((/** @type {any} */ it) => it.outTradeNo === outTradeNo);

  for (const fn of ['open', ...having('cloudPay').map(({ module }) => module)]) {
    await t.test(`an order is paid with ${fn}`, async () => {
      const outTradeNo = `order-${fn}`;
      const made = await pay(fn, 'unifiedOrder', { ...order, outTradeNo });
      assert.equal(made.errMsg, 'cloudPay.unifiedOrder:ok', JSON.stringify(made));
      assert.deepEqual([made.returnCode, made.resultCode], ['SUCCESS', 'SUCCESS']);
      assert.match(made.payment.package, /^prepay_id=wx/);
      assert.match(made.payment.paySign, /^[0-9A-F]{32}$/);
      assert.equal(typeof made.payment.timeStamp, 'string');
      const [event] = await eventually('the callback runs', async () => {
        const list = await told(outTradeNo);
        return list.length > 0 && list;
      });
      assert.equal(event.out_trade_no, outTradeNo);
      assert.deepEqual([event.totalFee, event.total_fee], [88, 88]);
      assert.deepEqual([event.resultCode, event.subOpenid], ['SUCCESS', alice.openid]);
      assert.equal(event.sign, undefined);
      const query = await pay(fn, 'queryOrder', { subMchId: '1600000001', outTradeNo });
      assert.deepEqual([query.tradeState, query.totalFee], ['SUCCESS', 88]);
      const again = await pay(fn, 'unifiedOrder', { ...order, outTradeNo });
      assert.equal(again.resultCode, 'FAIL');
    });
  }
  await t.test('what is not acknowledged is told again', async () => {
    const outTradeNo = 'order-twice';
    await pay('open', 'unifiedOrder', { ...order, outTradeNo, attach: 'twice' });
    await eventually('the callback runs twice', async () => (await told(outTradeNo)).length === 2);
  });
  await t.test('refunds stay within the order and are told', async () => {
    const refund = { outTradeNo: 'order-open', totalFee: 88, functionName: 'paid' };
    const part = { ...refund, outRefundNo: 'r1', refundFee: 50 };
    const first = await pay('open', 'refund', part);
    assert.deepEqual([first.resultCode, first.refundFee], ['SUCCESS', 50]);
    const tooMuch = await pay('open', 'refund', { ...refund, outRefundNo: 'r2', refundFee: 39 });
    assert.equal(tooMuch.resultCode, 'FAIL');
    const query = await pay('open', 'queryRefund', { outTradeNo: 'order-open' });
    assert.equal(query.refundCount, 1);
    await eventually('the refund is told', async () =>
      (await told('order-open')).some((/** @type {any} */ it) => it.outRefundNo === 'r1'),
    );
  });
  await t.test('unpaid orders can be closed, paid ones cannot', async () => {
    const outTradeNo = 'order-unpaid';
    await pay('open', 'unifiedOrder', { ...order, body: 'UNPAID', outTradeNo });
    assert.equal((await pay('open', 'queryOrder', { outTradeNo })).tradeState, 'NOTPAY');
    assert.equal((await pay('open', 'closeOrder', { outTradeNo })).resultCode, 'SUCCESS');
    const paid = await pay('open', 'closeOrder', { outTradeNo: 'order-open' });
    assert.equal(paid.resultCode, 'FAIL');
    const bill = await pay('open', 'downloadBill', { billDate: '20260101', billType: 'ALL' });
    assert.match(bill.data, /order-open/);
  });
  await t.test('what is missing or unknown is said', async () => {
    const missing = await pay('open', 'unifiedOrder', { ...order, totalFee: 0, outTradeNo: 'x' });
    assert.equal(missing.returnCode, 'FAIL');
    assert.match(missing.returnMsg, /total_fee/);
    const unknown = await pay('open', 'nothing', {});
    assert.equal(unknown.failed, true);
    const strangers = await fetch(`${server.url}/_wechat/pay/${server.credentials().envId}`, {
      method: 'POST',
      body: '<xml><out_trade_no>order-open</out_trade_no></xml>',
    });
    assert.equal(strangers.status, 401);
    assert.match(await strangers.text(), /FAIL/);
  });
});
