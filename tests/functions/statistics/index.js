// Aggregations as real projects write them.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;
const $ = db.command.aggregate;

const pipelines = {
  // sort before match, and a second match on what the lookup gave
  orphans: () =>
    db
      .collection('posts')
      .aggregate()
      .sort({ n: -1 })
      .match({ n: _.gt(0) })
      .lookup({ from: 'users', localField: 'author', foreignField: '_id', as: 'users' })
      .match({ users: [] })
      .project({ n: 1, _id: 0 })
      .end(),
  childless: () =>
    db
      .collection('posts')
      .aggregate()
      .lookup({ from: 'posts', localField: '_id', foreignField: 'parent', as: 'children' })
      .match({ children: _.size(0) })
      .sort({ _id: 1 })
      .project({ _id: 1 })
      .end(),
  // a field of the list of tags, looked up one by one
  byArray: () =>
    db
      .collection('posts')
      .aggregate()
      .match({ _id: 'p1' })
      .lookup({ from: 'tags', localField: 'tags', foreignField: '_id', as: 'tagged' })
      .project({ names: '$tagged.name' })
      .end(),
  // raw operators in plain objects, and the joined document at the top
  joined: () =>
    db
      .collection('posts')
      .aggregate()
      .match({ _id: 'p1' })
      .lookup({ from: 'users', localField: 'author', foreignField: '_id', as: 'users' })
      .replaceRoot({
        newRoot: $.mergeObjects([{ $arrayElemAt: ['$users', 0] }, '$$ROOT']),
      })
      .project({ users: 0, secret: { code: 0 } })
      .end(),
  piped: () =>
    db
      .collection('users')
      .aggregate()
      .match({ _id: 'u1' })
      .lookup({
        from: 'posts',
        let: { me: '$_id' },
        pipeline: $.pipeline()
          .match(_.expr($.and([$.eq(['$author', '$$me']), $.gt(['$n', 1])])))
          .project({ _id: 0, n: 1 })
          .done(),
        as: 'posts',
      })
      .end(),
  days: () =>
    db
      .collection('posts')
      .aggregate()
      .match({ at: _.exists(true) })
      .group({
        _id: $.dateToString({ date: '$at', format: '%Y-%m-%d', timezone: 'Asia/Shanghai' }),
        total: $.sum('$n'),
        list: $.push('$_id'),
        most: $.max('$n'),
      })
      .sort({ _id: 1 })
      .end(),
  unwound: () =>
    db
      .collection('posts')
      .aggregate()
      .unwind('$tags')
      .sortByCount('$tags')
      .sort({ count: -1, _id: 1 })
      .skip(1)
      .limit(1)
      .end(),
  none: () => db.collection('posts').aggregate().match({ n: 1000 }).count('total').end(),
  some: () =>
    db
      .collection('posts')
      .aggregate()
      .match({ n: _.gte(2) })
      .count('total')
      .end(),
  sampled: () => db.collection('posts').aggregate().limit(999999).sample({ size: 2 }).end(),
  bucketed: () =>
    db
      .collection('posts')
      .aggregate()
      .bucket({ groupBy: '$n', boundaries: [0, 2, 10], output: { count: $.sum(1) } })
      .end(),
  near: () =>
    db
      .collection('places')
      .aggregate()
      .geoNear({
        near: db.Geo.Point(113, 23),
        distanceField: 'distance',
        spherical: true,
        maxDistance: 200000,
      })
      .project({ _id: 1 })
      .end(),
  missing: () => db.collection('nowhere').aggregate().end(),
  wrong: () =>
    db
      .collection('posts')
      .aggregate()
      .addFields({ x: { $nope: 1 } })
      .end(),
};

exports.main = async ({ pipeline }) => {
  try {
    return await pipelines[pipeline]();
  } catch (error) {
    return { errCode: error.errCode, errMsg: error.errMsg };
  }
};
