// Brings about errors and returns them as real code reads them.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;

async function caught(promise) {
  try {
    return { result: await promise };
  } catch (error) {
    return { errCode: error.errCode, errMsg: error.errMsg, isError: error instanceof Error };
  }
}

exports.main = async () => {
  await db.createCollection('here');
  await db.collection('here').add({ data: { _id: 'taken', s: 'text' } });
  return {
    missing: await caught(db.collection('nowhere').get()),
    missingAdd: await caught(db.collection('nowhere').add({ data: { a: 1 } })),
    missingCount: await caught(db.collection('nowhere').where({ a: 1 }).count()),
    twice: await caught(db.createCollection('here')),
    duplicate: await caught(db.collection('here').add({ data: { _id: 'taken' } })),
    badInc: await caught(
      db
        .collection('here')
        .doc('taken')
        .update({ data: { s: _.inc(1) } }),
    ),
    noFunction: await caught(cloud.callFunction({ name: 'nobody', data: {} })),
    failing: await caught(cloud.callFunction({ name: 'failing', data: { how: 'throw an error' } })),
  };
};
