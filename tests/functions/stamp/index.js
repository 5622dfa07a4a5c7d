// Writes down who is said to call and who is seen to call.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext();
  const data = { claimed: event.claimed, seen: OPENID, call: event.call, way: event.way };
  return db.collection('stamps').add({ data });
};
