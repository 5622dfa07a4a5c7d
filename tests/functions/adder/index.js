// Adds one document and answers when the platform has acknowledged it.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async ({ collection, document }) =>
  db.collection(collection).add({ data: document });
