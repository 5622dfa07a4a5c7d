/**
 * Random expressions, made by the kind of value they should give, so that most of them give one.
 * In a third of the documents fields may be missing or null. No text is empty: mingo takes it for
 * false here and for true there.
 */

/** @typedef {import('./chance.mjs').Chance} Chance */
/** @typedef {(chance: Chance, depth: number) => any} Maker */

/**
 * A tidy document for pipelines: fields of known kinds, missing or null now and then.
 * @param {Chance} chance
 * @param {number} _id
 * @param {boolean} [isWhole] nothing is missing
 */
export function record(chance, _id, isWhole = !chance.once(3)) {
  /** @type {Record<string, any>} */
  const made = { _id };
  /** @type {Record<string, () => any>} */
  const fields = {
    n: () => chance.number(),
    m: () => chance.roll(10),
    k: () => chance.one(['a', 'b', 'c']),
    s: () => chance.one(['Hello World', 'x,y,,z', ' pad ', '云开发', 'aXbX']),
    l: () => chance.some(0, 4, () => chance.roll(6)),
    d: () => ({ $date: chance.one([0, 1_700_000_000_123, 1_709_164_800_000, -86_400_000]) }),
    o: () => ({ x: chance.roll(4), y: chance.one(['p', 'q']) }),
    a: () => chance.some(0, 3, () => ({ x: chance.roll(3), y: chance.one(['p', 'q', 'r']) })),
  };
  for (const [name, make] of Object.entries(fields)) {
    if (isWhole || !chance.once(8)) made[name] = !isWhole && chance.once(12) ? null : make();
  }
  return made;
}

/** @type {Record<string, Maker[]>} */
const makers = {
  number: [
    (c, d) => ({ $add: c.some(1, 3, () => of(c, 'number', d)) }),
    (c, d) => ({ $multiply: c.some(1, 3, () => of(c, 'number', d)) }),
    (c, d) => ({ $subtract: [of(c, 'number', d), of(c, 'number', d)] }),
    (c, d) => ({ $divide: [of(c, 'number', d), c.one([1, 2, 4, -0.5])] }),
    (c, d) => ({ $mod: [of(c, 'number', d), c.one([1, 2, 3])] }),
    (c, d) => ({ [c.one(['$abs', '$ceil', '$floor'])]: of(c, 'number', d) }),
    (c, d) => ({ [c.one(['$round', '$trunc'])]: [of(c, 'number', d), c.roll(3)] }),
    (c) => ({ $pow: [c.roll(4), of(c, 'number', 0)] }),
    (c, d) => ({ $size: of(c, 'list', d) }),
    (c, d) => ({ $strLenCP: of(c, 'text', d) }),
    (c, d) => ({ $indexOfArray: [of(c, 'list', d), c.roll(5)] }),
    (c, d) => ({ $indexOfCP: [of(c, 'text', d), c.one(['X', 'l', '', '开'])] }),
    (c, d) => ({ $arrayElemAt: [of(c, 'list', d), c.roll(7) - 3] }),
    (c, d) => ({ [c.one(['$sum', '$avg', '$max', '$min'])]: of(c, 'list', d) }),
    (c, d) => ({ [c.one(['$first', '$last'])]: of(c, 'list', d) }),
    (c, d) => ({ $cmp: [of(c, 'number', d), of(c, 'number', d)] }),
    (c, d) => ({ [c.one(parts)]: of(c, 'date', d) }),
    (c, d) => ({
      $reduce: {
        input: of(c, 'list', d),
        initialValue: 0,
        in: { $add: ['$$value', '$$this'] },
      },
    }),
    (c, d) => ({
      $let: { vars: { v: of(c, 'number', d) }, in: { $multiply: ['$$v', c.roll(4)] } },
    }),
    (c, d) => ({ $getField: { field: 'x', input: of(c, 'object', d) } }),
    (c, d) => ({
      $dateDiff: {
        startDate: of(c, 'date', d),
        endDate: of(c, 'date', d),
        unit: c.one(['day', 'hour', 'month', 'year']),
      },
    }),
  ],
  text: [
    (c, d) => ({ $concat: c.some(1, 3, () => of(c, 'text', d)) }),
    (c, d) => ({ [c.one(['$toUpper', '$toLower'])]: of(c, 'text', d) }),
    (c, d) => ({ $substrCP: [of(c, 'text', d), c.roll(4), c.roll(5)] }),
    (c, d) => ({ [c.one(['$trim', '$ltrim', '$rtrim'])]: { input: of(c, 'text', d) } }),
    (c, d) => ({
      [c.one(['$replaceOne', '$replaceAll'])]: {
        input: of(c, 'text', d),
        find: c.one(['X', 'l', ',']),
        replacement: c.one(['', '-', '$x']),
      },
    }),
    (c, d) => ({ $type: of(c, c.one(['text', 'list', 'date', 'flag', 'object']), d) }),
    (c, d) => ({
      $dateToString: {
        date: of(c, 'date', d),
        format: c.one(['%Y-%m-%d', '%H:%M:%S.%L', '%j/%m']),
      },
    }),
    (c, d) => ({ $toString: c.one(['$m', true, of(c, 'text', d), of(c, 'date', d)]) }),
    (c, d) => ({
      $arrayElemAt: [{ $split: [of(c, 'text', d), c.one([',', 'X', ' '])] }, c.roll(3)],
    }),
  ],
  flag: [
    (c, d) => ({ [c.one(comparisons)]: same(c, d) }),
    (c, d) => ({ [c.one(['$and', '$or'])]: c.some(0, 3, () => of(c, 'flag', d)) }),
    (c, d) => ({ $not: [of(c, 'any', d)] }),
    (c, d) => ({ $in: [of(c, 'number', d), c.some(0, 4, () => c.roll(5))] }),
    (c, d) => ({ $isArray: [of(c, 'any', d)] }),
    (c, d) => ({ $isNumber: of(c, 'any', d) }),
    (c, d) => ({ [c.one(['$allElementsTrue', '$anyElementTrue'])]: [list(c, d)] }),
    (c, d) => ({ [c.one(['$setEquals', '$setIsSubset'])]: [list(c, d), list(c, d)] }),
    (c, d) => ({
      $regexMatch: { input: of(c, 'text', d), regex: c.one(['^x', 'l+', '云', '[A-Z]']) },
    }),
  ],
  list: [
    (c, d) => ({ $map: { input: of(c, 'list', d), in: { $add: ['$$this', 1] } } }),
    (c, d) => ({
      $filter: { input: of(c, 'list', d), as: 'e', cond: { $gt: ['$$e', c.roll(5)] } },
    }),
    (c, d) => ({ $slice: [of(c, 'list', d), c.one([-2, 1, 2])] }),
    (c, d) => ({ $slice: [of(c, 'list', d), c.roll(5) - 2, 1 + c.roll(3)] }),
    (c, d) => ({ $reverseArray: of(c, 'list', d) }),
    (c, d) => ({ $concatArrays: c.some(1, 3, () => of(c, 'list', d)) }),
    (c) => ({ $range: [c.roll(4), c.roll(8), 1 + c.roll(3)] }),
    (c, d) => ({
      $sortArray: {
        input: { [c.one(['$setUnion', '$setIntersection'])]: [of(c, 'list', d), of(c, 'list', d)] },
        sortBy: 1,
      },
    }),
    (c, d) => ({ $sortArray: { input: of(c, 'list', d), sortBy: c.one([1, -1]) } }),
    (c, d) => ({ $firstN: { n: 1 + c.roll(3), input: of(c, 'list', d) } }),
  ],
  object: [
    (c, d) => ({ $mergeObjects: c.some(1, 3, () => of(c, 'object', d)) }),
    (c, d) => ({ x: of(c, 'number', d), z: of(c, 'text', d) }),
    (c, d) => ({ $arrayToObject: { $objectToArray: of(c, 'object', d) } }),
    (c, d) => ({ $setField: { field: 'w', input: of(c, 'object', d), value: of(c, 'number', d) } }),
    (c) => ({ $arrayElemAt: ['$a', c.roll(3)] }),
  ],
  date: [
    (c, d) => ({
      $dateAdd: {
        startDate: of(c, 'date', d),
        unit: c.one(['day', 'hour', 'month', 'year', 'week']),
        amount: c.roll(20) - 5,
      },
    }),
    (c, d) => ({
      $dateTrunc: { date: of(c, 'date', d), unit: c.one(['day', 'hour', 'month', 'year']) },
    }),
    (c) => ({
      $dateFromParts: { year: 2000 + c.roll(30), month: 1 + c.roll(12), day: 1 + c.roll(28) },
    }),
    (c) => ({ $toDate: c.one([3_000_000_000, 1_700_000_000_000]) }),
    (c, d) => ({ $add: [of(c, 'date', d), c.roll(1000) * 1000] }),
  ],
};

/** @type {Record<string, (chance: Chance) => any>} */
const leaves = {
  number: (c) => c.one(['$n', '$m', '$o.x', c.number(), c.roll(5)]),
  text: (c) => c.one(['$s', '$k', '$o.y', 'literal']),
  flag: (c) => c.one([true, false]),
  list: (c) => c.one(['$l', '$a.x', { $literal: [1, 2, 3] }, { $literal: [] }]),
  object: (c) => c.one(['$o', { x: 1 }]),
  date: (c) => c.one(['$d', '$d', { $date: 1_582_934_400_000 }]),
};

const comparisons = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'];
const parts = ['$year', '$month', '$dayOfMonth', '$hour', '$minute', '$second', '$millisecond'];
parts.push('$dayOfWeek', '$dayOfYear', '$isoWeek', '$isoWeekYear', '$isoDayOfWeek', '$week');

/**
 * An expression that gives a value of that kind, or null, or nothing.
 * @param {Chance} chance
 * @param {string} kind
 * @param {number} depth
 * @returns {any}
 */
export function of(chance, kind, depth) {
  if (kind === 'any') return of(chance, chance.one(Object.keys(makers)), depth);
  if (depth <= 0 || chance.once(4)) return leaves[kind](chance);
  if (chance.once(10)) {
    return {
      $cond: [of(chance, 'flag', depth - 1), of(chance, kind, depth - 1), of(chance, kind, 0)],
    };
  }
  if (chance.once(10)) return { $ifNull: [of(chance, kind, depth - 1), of(chance, kind, 0)] };
  return chance.one(makers[kind])(chance, depth - 1);
}

/**
 * Two expressions of one kind.
 * @param {Chance} chance
 * @param {number} depth
 */
function same(chance, depth) {
  const kind = chance.one(['number', 'text', 'date', 'list']);
  return [of(chance, kind, depth), of(chance, kind, depth)];
}

/**
 * A list that is one.
 * @param {Chance} chance
 * @param {number} depth
 */
function list(chance, depth) {
  return { $ifNull: [of(chance, 'list', depth), { $literal: [] }] };
}
