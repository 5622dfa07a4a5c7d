/**
 * Rows: a document, a change and the document after it, with the number of modified documents.
 * Every row runs through both generations of `@cloudbase/node-sdk` outside and of `wx-server-sdk`
 * inside a function, so this file is CommonJS and stands alone. It holds no assertion.
 */

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {any} before
 * @property {(_: any, db: any) => unknown} change
 * @property {any} after
 * @property {number} [updated] 1 when absent
 */

const day = new Date('2024-05-06T07:08:09.010Z');

/** @type {Row[]} */
const rows = [
  // Plain values.
  { title: 'a new field', before: {}, change: () => ({ a: 1 }), after: { a: 1 } },
  { title: 'a field replaced', before: { a: 1 }, change: () => ({ a: 'x' }), after: { a: 'x' } },
  { title: 'null', before: { a: 1 }, change: () => ({ a: null }), after: { a: null } },
  {
    title: 'Chinese and emoji',
    before: {},
    change: () => ({ a: '照片📷' }),
    after: { a: '照片📷' },
  },
  { title: 'a date', before: {}, change: () => ({ a: day }), after: { a: day } },
  { title: 'an array', before: { a: [1, 2] }, change: () => ({ a: [3] }), after: { a: [3] } },
  {
    title: 'a nested object changes only its paths',
    before: { o: { x: 1, y: { z: 1, w: 2 } } },
    change: () => ({ o: { y: { z: 5 } } }),
    after: { o: { x: 1, y: { z: 5, w: 2 } } },
  },
  {
    title: 'a nested object makes its parents',
    before: {},
    change: () => ({ o: { y: { z: 5 } } }),
    after: { o: { y: { z: 5 } } },
  },
  {
    title: 'a dotted path',
    before: { o: { x: 1 } },
    change: () => ({ 'o.y': 2 }),
    after: { o: { x: 1, y: 2 } },
  },
  {
    title: 'a place in an array',
    before: { a: [1, 2, 3] },
    change: () => ({ 'a.1': 9 }),
    after: { a: [1, 9, 3] },
  },
  {
    title: 'a field of an array element',
    before: { a: [{ k: 1, v: 1 }, { k: 2 }] },
    change: () => ({ 'a.0.k': 7 }),
    after: { a: [{ k: 7, v: 1 }, { k: 2 }] },
  },
  {
    title: 'the same value modifies nothing',
    before: { a: 1, o: { b: 'x' } },
    change: () => ({ a: 1, o: { b: 'x' } }),
    after: { a: 1, o: { b: 'x' } },
    updated: 0,
  },
  {
    title: 'set replaces an object',
    before: { o: { x: 1, y: 2 } },
    change: (_) => ({ o: _.set({ z: 3 }) }),
    after: { o: { z: 3 } },
  },
  // Numbers.
  { title: 'inc', before: { n: 1 }, change: (_) => ({ n: _.inc(2) }), after: { n: 3 } },
  { title: 'inc down', before: { n: 1 }, change: (_) => ({ n: _.inc(-5) }), after: { n: -4 } },
  {
    title: 'inc of a missing field',
    before: {},
    change: (_) => ({ n: _.inc(2) }),
    after: { n: 2 },
  },
  {
    title: 'inc by a fraction',
    before: { n: 1 },
    change: (_) => ({ n: _.inc(0.5) }),
    after: { n: 1.5 },
  },
  {
    title: 'inc beyond 32 bits',
    before: { n: 2147483647 },
    change: (_) => ({ n: _.inc(1) }),
    after: { n: 2147483648 },
  },
  {
    title: 'inc of a nested field',
    before: { o: { n: 1, m: 1 } },
    change: (_) => ({ o: { n: _.inc(1) } }),
    after: { o: { n: 2, m: 1 } },
  },
  {
    title: 'inc by zero modifies nothing',
    before: { n: 1 },
    change: (_) => ({ n: _.inc(0) }),
    after: { n: 1 },
    updated: 0,
  },
  { title: 'mul', before: { n: 6 }, change: (_) => ({ n: _.mul(7) }), after: { n: 42 } },
  {
    title: 'mul of a missing field',
    before: {},
    change: (_) => ({ n: _.mul(7) }),
    after: { n: 0 },
  },
  // Fields.
  { title: 'remove', before: { a: 1, b: 2 }, change: (_) => ({ a: _.remove() }), after: { b: 2 } },
  {
    title: 'remove of a nested field',
    before: { o: { x: 1, y: 2 } },
    change: (_) => ({ o: { x: _.remove() } }),
    after: { o: { y: 2 } },
  },
  {
    title: 'remove of a missing field modifies nothing',
    before: { b: 2 },
    change: (_) => ({ a: _.remove() }),
    after: { b: 2 },
    updated: 0,
  },
  // Arrays.
  {
    title: 'push one',
    before: { a: [1] },
    change: (_) => ({ a: _.push(2) }),
    after: { a: [1, 2] },
  },
  {
    title: 'push several',
    before: { a: [1] },
    change: (_) => ({ a: _.push([2, 3]) }),
    after: { a: [1, 2, 3] },
  },
  {
    title: 'push an object',
    before: { a: [] },
    change: (_) => ({ a: _.push({ by: 'x', at: day }) }),
    after: { a: [{ by: 'x', at: day }] },
  },
  {
    title: 'push onto nothing',
    before: {},
    change: (_) => ({ a: _.push(['x']) }),
    after: { a: ['x'] },
  },
  {
    title: 'push at a position',
    before: { a: [1, 4] },
    change: (_) => ({ a: _.push({ each: [2, 3], position: 1 }) }),
    after: { a: [1, 2, 3, 4] },
  },
  {
    title: 'push sorted and cut',
    before: { a: [5, 1] },
    change: (_) => ({ a: _.push({ each: [3, 9], sort: -1, slice: 3 }) }),
    after: { a: [9, 5, 3] },
  },
  {
    title: 'unshift',
    before: { a: [3] },
    change: (_) => ({ a: _.unshift([1, 2]) }),
    after: { a: [1, 2, 3] },
  },
  { title: 'pop', before: { a: [1, 2, 3] }, change: (_) => ({ a: _.pop() }), after: { a: [1, 2] } },
  {
    title: 'shift',
    before: { a: [1, 2, 3] },
    change: (_) => ({ a: _.shift() }),
    after: { a: [2, 3] },
  },
  {
    title: 'pop of an empty array modifies nothing',
    before: { a: [] },
    change: (_) => ({ a: _.pop() }),
    after: { a: [] },
    updated: 0,
  },
  {
    title: 'pull a value wherever it is',
    before: { a: [1, 2, 1, 3] },
    change: (_) => ({ a: _.pull(1) }),
    after: { a: [2, 3] },
  },
  {
    title: 'pull by a condition',
    before: { a: [1, 6, 3, 9] },
    change: (_) => ({ a: _.pull(_.gt(5)) }),
    after: { a: [1, 3] },
  },
  {
    title: 'pull objects by their fields',
    before: {
      a: [
        { k: 1, z: 1 },
        { k: 2, z: 2 },
        { k: 3, z: 1 },
      ],
    },
    change: (_) => ({ a: _.pull({ k: _.in([1, 2]), z: 1 }) }),
    after: {
      a: [
        { k: 2, z: 2 },
        { k: 3, z: 1 },
      ],
    },
  },
  {
    title: 'addToSet of a new value',
    before: { a: ['x'] },
    change: (_) => ({ a: _.addToSet('y') }),
    after: { a: ['x', 'y'] },
  },
  {
    title: 'addToSet of a known value modifies nothing',
    before: { a: ['x', 'y'] },
    change: (_) => ({ a: _.addToSet('y') }),
    after: { a: ['x', 'y'] },
    updated: 0,
  },
  {
    title: 'addToSet of several',
    before: { a: [1, 2] },
    change: (_) => ({ a: _.addToSet({ each: [2, 3, 3] }) }),
    after: { a: [1, 2, 3] },
  },
  {
    title: 'addToSet of an equal object modifies nothing',
    before: { a: [{ k: 1 }] },
    change: (_) => ({ a: _.addToSet({ k: 1 }) }),
    after: { a: [{ k: 1 }] },
    updated: 0,
  },
  // Together.
  {
    title: 'several operators at once',
    before: { n: 1, a: ['x'], old: true, s: 's' },
    change: (_) => ({ n: _.inc(1), a: _.push('y'), old: _.remove(), s: 't' }),
    after: { n: 2, a: ['x', 'y'], s: 't' },
  },
];

module.exports = { rows };
