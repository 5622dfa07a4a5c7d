// An order of the little store: the order and the product change together, or neither does.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;

exports.main = async ({ items, address, remark, breakSecond }) => {
  const { OPENID } = cloud.getWXContext();
  const transaction = await db.startTransaction();
  try {
    let totalFee = 0;
    for (const item of items) {
      const { data: product } = await transaction.collection('products').doc(item.productId).get();
      totalFee += product.price * item.quantity;
    }
    const order = { _openid: OPENID, items, address, remark, totalFee, status: 'pending_payment' };
    const added = await transaction.collection('orders').add({
      data: { ...order, totalAmount: undefined, createTime: db.serverDate() },
    });
    for (const item of items) {
      const change = breakSecond ? { name: _.inc(1) } : { hasOrders: true };
      await transaction.collection('products').doc(item.productId).update({ data: change });
    }
    await transaction.commit();
    return { success: true, data: { orderId: added._id, totalFee } };
  } catch (error) {
    await transaction.rollback();
    return { success: false, message: error.message };
  }
};
