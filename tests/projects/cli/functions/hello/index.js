'use strict';
const cloud = require('@cloudbase/node-sdk');

exports.main = async (event, context) => {
  const app = cloud.init({ env: cloud.SYMBOL_CURRENT_ENV });
  const db = app.database();
  await db.createCollection('hello');
  const { id } = await db.collection('hello').add({ by: event.name });
  const { data } = await db.collection('hello').doc(id).get();
  return { by: data[0].by, user: app.auth().getUserInfo(), limit: context.time_limit_in_ms };
};
