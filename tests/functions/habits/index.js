// Queries and changes as they stand in real projects; answers what each gave.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;
const c = db.collection('habits');

const ids = async (query) => (await query.get()).data.map((one) => one._id).join(' ');
const where = (condition) => ids(c.where(condition).orderBy('_id', 'asc'));

async function prepare() {
  await db.createCollection('habits');
  const documents = [
    { _id: 'a', photo: '1.heic', n: 1, data: { userId: 'u', kind: 'x' }, name: '' },
    { _id: 'b', photo: '2.jpg', n: 5, data: { userId: 'u', kind: 'y' }, name: null },
    { _id: 'c', photo: '3.JPG', n: 9, openid: 'secret', name: 'Cy', tags: ['k'] },
  ];
  for (const data of documents) await c.add({ data });
}

const asks = {
  'a look-ahead in a literal': () => where({ photo: /^((?!\.heic$).)*$/i }),
  'any id': () => where({ _id: /./ }),
  'a made expression': () => where({ photo: db.RegExp({ regexp: 'jpg', options: 'i' }) }),
  'in with undefined': () => where({ name: _.in([undefined, '']) }),
  'in with null finds what is missing': () => where({ data: _.in(['', null]) }),
  'eq null': () => where({ name: _.eq(null) }),
  'nested fields are paths': () => where({ data: { userId: 'u' } }),
  'a whole condition and an or': () =>
    where(_.and({ n: _.gt(0) }, _.or({ _id: 'a' }, { tags: 'k' }))),
  'or of conditions': () => where(_.or([{ n: 1 }, { n: 9 }])),
  'a chain': () => where({ n: _.lt(9).and(_.gte(5)) }),
  'or of values beside a field': () => where({ n: _.gt(8).or(_.lt(2)), photo: /heic/ }),
  'not in': () => where({ _id: _.nin(['a', 'b']) }),
  'a list holds': () => where({ tags: _.all(['k']) }),
  'where twice': () => ids(c.where({ n: _.gt(1) }).where({ _id: 'c' })),
};

exports.main = async () => {
  await prepare();
  const seen = {};
  for (const [name, ask] of Object.entries(asks)) seen[name] = await ask();
  const hidden = (await c.where({ _id: 'c' }).field({ openid: false }).get()).data[0];
  const changed = await c.where({ data: { kind: 'x' } }).update({ data: { data: { kind: 'z' } } });
  const merged = (await c.doc('a').get()).data.data;
  const nothing = await c.doc('a').update({ data: { n: 1 } });
  const lock = [];
  for (let time = 0; time < 2; time += 1) {
    try {
      await c.add({ data: { _id: 'lock' } });
      lock.push('taken');
    } catch (error) {
      lock.push(/duplicate key/.test(error.errMsg) ? 'busy' : error.errMsg);
    }
  }
  await Promise.all(Array.from({ length: 250 }, (_x, n) => c.add({ data: { many: n } })));
  const many = c.where({ many: _.exists(true) });
  const sizes = [];
  sizes.push((await many.get()).data.length);
  sizes.push((await many.limit(1000).get()).data.length);
  sizes.push((await many.skip(200).limit(100).get()).data.length);
  sizes.push((await many.count()).total);
  return { seen, hidden, changed: changed.stats, merged, nothing: nothing.stats, lock, sizes };
};
