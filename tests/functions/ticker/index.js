// What timers run: notes the event and what it sees of its caller; `Message` asks for more.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async (event) => {
  const { OPENID = null } = cloud.getWXContext();
  const seen = { event, openid: OPENID, source: process.env.TRIGGER_SRC || null, at: Date.now() };
  await db.collection('ticks').add({ data: { tick: event.Time, ...seen } });
  if (event.Message === 'fail') throw new Error('on purpose');
  if (event.Message === 'hang') await new Promise(() => {});
  return seen;
};
