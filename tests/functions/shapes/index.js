// One of each database operation; returns the results as the SDK gives them.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;

exports.main = async () => {
  const seen = {};
  const c = db.collection('shapes');
  seen.createCollection = await db.createCollection('shapes');
  seen.add = await c.add({ data: { _id: 'one', n: 1, at: new Date(0) } });
  seen.addWithoutId = await c.add({ data: { n: 2 } });
  seen.get = await c.where({ _id: 'one' }).get();
  seen.dateIsDate = seen.get.data[0].at instanceof Date;
  seen.docGet = await c.doc('one').get();
  seen.count = await c.count();
  seen.update = await c.doc('one').update({ data: { n: 5 } });
  seen.updateNothing = await c.doc('nobody').update({ data: { n: 5 } });
  seen.updateWhere = await c.where({ n: _.gt(0) }).update({ data: { m: 1 } });
  seen.setNew = await c.doc('two').set({ data: { a: 1 } });
  seen.setOld = await c.doc('two').set({ data: { b: 2 } });
  seen.afterSet = await c.doc('two').get();
  seen.remove = await c.doc('two').remove();
  seen.removeNothing = await c.doc('two').remove();
  seen.removeWhere = await c.where({ m: 1 }).remove();
  try {
    seen.missing = await c.doc('nobody').get();
  } catch (error) {
    seen.missing = { errCode: error.errCode, errMsg: error.errMsg };
  }
  const gentle = cloud.database({ throwOnNotFound: false });
  seen.missingGently = await gentle.collection('shapes').doc('nobody').get();
  return seen;
};
