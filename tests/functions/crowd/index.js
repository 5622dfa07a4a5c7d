// Answers, fails or never ends, and in each case leaves work behind that nobody waits for.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext();
  const stamp = (way) =>
    cloud.callFunction({ name: 'stamp', data: { claimed: OPENID, call: event.call, way } });

  await stamp('awaited');
  stamp('at once');
  db.collection('trail')
    .add({ data: { call: event.call } })
    .then(() => stamp('after a write'));
  if (event.how === 'throw') throw new Error(`of ${OPENID}`);
  if (event.how === 'reject') return Promise.reject(new Error(`of ${OPENID}`));
  if (event.how === 'exit') setTimeout(() => process.exit(1), 5);
  if (event.how === 'hang' || event.how === 'exit') return new Promise(() => {});
  if (event.how === 'nest') {
    const inner = await cloud.callFunction({ name: 'context', data: {} });
    return { openid: OPENID, inner: inner.result.wx.OPENID };
  }
  return { openid: OPENID, event: event.userInfo.openId };
};
