// Takes its time, then notes who called.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async () => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { SOURCE } = cloud.getWXContext();
  await cloud
    .database()
    .collection('ticks')
    .add({ data: { source: SOURCE } });
  return 'nobody waits for this';
};
