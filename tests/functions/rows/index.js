// Runs the rows of the tables through this function's wx-server-sdk and returns what it saw.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;

// Dates survive the way to the caller as {"$date": ms}.
function plain(value) {
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  }
  return value;
}

async function queries() {
  const { documents, rows } = require('./queries.cjs');
  await db.createCollection('queries');
  for (const document of documents) await db.collection('queries').add({ data: document });
  const seen = [];
  for (const row of rows) {
    const query = db.collection('queries').where(row.where(_, db));
    const found = await query.orderBy('_id', 'asc').get();
    const { total } = await query.count();
    seen.push({ title: row.title, ids: found.data.map((one) => one._id).join(' '), total });
  }
  return seen;
}

async function updates() {
  const { rows } = require('./updates.cjs');
  await db.createCollection('updates');
  const seen = [];
  for (const [index, row] of rows.entries()) {
    const _id = `row-${index}`;
    await db.collection('updates').add({ data: { _id, ...row.before } });
    const document = db.collection('updates').doc(_id);
    const { stats } = await document.update({ data: row.change(_, db) });
    const { data } = await document.get();
    delete data._id;
    seen.push({ title: row.title, after: plain(data), updated: stats.updated });
  }
  return seen;
}

exports.main = async (event) => (event.table === 'queries' ? queries() : updates());
