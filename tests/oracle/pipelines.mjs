/** Random pipelines over tidy documents, one of which is looked up. */
import { of } from './expressions.mjs';

/** @typedef {import('./chance.mjs').Chance} Chance */
/** @typedef {(chance: Chance) => any} Maker */

const byId = { $sort: { _id: 1 } };

/** @type {Record<string, (chance: Chance) => any>} */
const accumulators = {
  $sum: (c) => of(c, 'number', 1),
  $avg: () => '$m',
  $min: (c) => of(c, c.one(['number', 'text', 'date']), 1),
  $max: (c) => of(c, c.one(['number', 'text', 'date']), 1),
  $first: (c) => of(c, 'any', 1),
  $last: (c) => of(c, 'any', 1),
  $push: (c) => of(c, 'any', 1),
  $mergeObjects: () => '$o',
  $count: () => ({}),
  $stdDevPop: () => '$m',
  $firstN: (c) => ({ n: 2, input: of(c, 'number', 1) }),
  $maxN: () => ({ n: 2, input: '$m' }),
  $top: () => ({ sortBy: { m: -1, _id: 1 }, output: '$_id' }),
  $bottomN: () => ({ n: 2, sortBy: { m: 1, _id: 1 }, output: ['$_id', '$m'] }),
};

/** @type {Maker[]} */
const stages = [
  (c) => [{ $match: { [c.one(['n', 'm', 'l', 'a.x', 'o.x'])]: { [c.one(ranges)]: c.roll(5) } } }],
  (c) => [{ $match: { $expr: of(c, 'flag', 2) } }],
  (c) => [{ [c.one(['$addFields', '$set'])]: { [c.one(['z', 'n', 'o.z'])]: of(c, 'any', 2) } }],
  (c) => [{ $project: { m: 1, k: 1, z: of(c, 'any', 2) } }],
  (c) => [{ $project: { [c.one(['m', 'o.x', 'a.y'])]: 0 } }],
  (c) => [{ $unset: c.one(['m', 'o.y', ['n', 'a.x']]) }],
  (c) => [{ $sort: { [c.one(['m', 'k', 'o.x'])]: c.one([1, -1]), _id: 1 } }],
  (c) => [byId, { $skip: c.roll(3) }],
  (c) => [byId, { $limit: 1 + c.roll(6) }],
  (c) => [
    {
      $unwind: c.one([
        '$l',
        '$a',
        { path: '$l', preserveNullAndEmptyArrays: true, includeArrayIndex: 'at' },
      ]),
    },
  ],
  (c) => [byId, { $group: group(c) }, byId],
  (c) => [{ $sortByCount: c.one(['$k', '$o.y']) }, { $sort: { count: -1, _id: 1 } }],
  (c) => [
    { $match: { m: { $gte: 0 } } },
    { $bucket: { groupBy: '$m', boundaries: [0, 3, 6], default: 'other', output: counted(c) } },
  ],
  () => [{ $replaceRoot: { newRoot: { $mergeObjects: [{ _id: '$_id' }, '$o'] } } }],
  (c) => [
    {
      $lookup: {
        from: 'others',
        localField: c.one(['m', 'l', 'o.x']),
        foreignField: c.one(['m', 'o.x']),
        as: 'found',
      },
    },
  ],
  (c) => [
    {
      $lookup: {
        from: 'others',
        let: { mine: '$m' },
        pipeline: [{ $match: { $expr: { [c.one(['$eq', '$gt'])]: ['$m', '$$mine'] } } }, byId],
        as: 'found',
      },
    },
  ],
  () => [{ $unionWith: { coll: 'others', pipeline: [{ $match: { m: { $gte: 5 } } }] } }],
  (c) => [
    {
      $facet: {
        one: [{ $match: { m: { $gte: c.roll(6) } } }, byId, { $project: { m: 1 } }],
        other: [{ $count: 'many' }],
      },
    },
  ],
  () => [{ $count: 'many' }],
  () => [{ $redact: { $cond: [{ $eq: ['$k', 'b'] }, '$$PRUNE', '$$DESCEND'] } }],
];

const ranges = ['$gt', '$gte', '$lt', '$lte', '$eq', '$ne'];

/** @param {Chance} chance */
function group(chance) {
  const _id = chance.one(['$k', '$o.y', null, { k: '$k', x: '$o.x' }]);
  return { _id, ...counted(chance) };
}

/** @param {Chance} chance */
function counted(chance) {
  const names = ['one', 'two'].slice(0, 1 + chance.roll(2));
  const pick = () => {
    const name = chance.one(Object.keys(accumulators));
    return { [name]: accumulators[name](chance) };
  };
  return Object.fromEntries(names.map((name) => [name, pick()]));
}

/**
 * One to four stages.
 * @param {Chance} chance
 */
export function pipeline(chance) {
  return chance.some(1, 4, () => chance.one(stages)(chance)).flat();
}
