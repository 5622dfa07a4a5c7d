/** The store of the field study: an order and its product change together; twenty at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('an order is placed whole or not at all', async (t) => {
  const { dir } = await project(t, {
    functions: { orders: { from: 'orders', sdk: 'latest' } },
    yunkai: { collections: { orders: {}, products: {} } },
  });
  const server = await serve(t, dir);
  const bob = await Caller.signIn(server, 'bob');
  const db = nodeSdk(server).database();
  const products = Array.from({ length: 20 }, (_, n) => ({ _id: `p${n}`, name: 'tea', price: 5 }));
  await db.collection('products').add(products);
  const order = (/** @type {string} */ productId, /** @type {object} */ more = {}) =>
    bob.call('orders', { items: [{ productId, quantity: 2 }], address: 'x', remark: '', ...more });

  const placed = await order('p0');
  assert.equal(placed.success, true, JSON.stringify(placed));
  const { data } = await db.collection('orders').doc(placed.data.orderId).get();
  assert.equal(data[0].status, 'pending_payment');
  assert.equal(data[0].totalFee, 10);
  assert.equal(data[0]._openid, bob.openid);
  assert.ok(!('totalAmount' in data[0]));
  assert.ok(data[0].createTime instanceof Date);
  assert.equal((await db.collection('products').doc('p0').get()).data[0].hasOrders, true);

  const broken = await order('p1', { breakSecond: true });
  assert.equal(broken.success, false);
  assert.match(broken.message, /name/);
  assert.equal((await db.collection('orders').count()).total, 1);
  const missing = await order('nothing');
  assert.equal(missing.success, false);

  const many = await Promise.all(products.map((product) => order(product._id)));
  assert.deepEqual(
    many.filter((one) => !one.success),
    [],
  );
  assert.equal((await db.collection('orders').count()).total, 21);
});
