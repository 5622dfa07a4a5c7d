// Returns before its work is done, as much real code does: nothing below is awaited.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext();
  const stamp = (way) =>
    cloud.callFunction({
      name: 'stamp',
      data: { claimed: OPENID, call: event.call, way },
    });

  // At once.
  stamp('at once');

  // A chain: the second request leaves after the first has come back.
  db.collection('stamps')
    .where({ claimed: OPENID })
    .count()
    .then(() => stamp('after a read'));

  // The habit of many apps: forEach with an async function.
  [1, 2].forEach(async (n) => {
    await db.collection('trail').add({ data: { owner: OPENID, call: event.call, n } });
    await stamp(`after write ${n}`);
  });

  // Later than the answer: may be too late to land, must not land in another name.
  setTimeout(() => stamp('after a timer'), 15);

  return { openid: OPENID };
};
