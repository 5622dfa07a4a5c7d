/**
 * Rows: a condition and the documents it must find. Every row runs through both generations of
 * `@cloudbase/node-sdk` outside and of `wx-server-sdk` inside a function, so this file is
 * CommonJS and stands alone. It holds no assertion.
 */

const documents = [
  {
    _id: 'a',
    n: 1,
    s: 'alpha',
    tags: ['x', 'y'],
    o: { p: 1, q: { r: 'deep' } },
    at: new Date('2024-01-01T00:00:00Z'),
    flag: true,
    big: 3000000000,
  },
  {
    _id: 'b',
    n: 2,
    s: 'Beta',
    tags: ['y', 'z'],
    o: { p: 2 },
    at: new Date('2024-06-01T00:00:00Z'),
    flag: false,
    gone: null,
  },
  { _id: 'c', n: 3.5, s: 'gamma', tags: [], at: new Date('2025-01-01T00:00:00Z') },
  { _id: 'd', n: -1, s: '德尔塔', tags: 'x' },
  { _id: 'e', n: '2', s: 'ALPHABET' },
];

/** @typedef {{ title: string, where: (_: any, db: any) => unknown, ids: string }} Row */

/** @type {Row[]} */
const rows = [
  // Literals.
  { title: 'a number', where: () => ({ n: 2 }), ids: 'b' },
  { title: 'a fraction', where: () => ({ n: 3.5 }), ids: 'c' },
  { title: 'a string', where: () => ({ s: 'alpha' }), ids: 'a' },
  { title: 'a string of digits is not a number', where: () => ({ n: '2' }), ids: 'e' },
  { title: 'a boolean', where: () => ({ flag: false }), ids: 'b' },
  { title: 'a Chinese string', where: () => ({ s: '德尔塔' }), ids: 'd' },
  { title: 'an integer beyond 32 bits', where: () => ({ big: 3000000000 }), ids: 'a' },
  { title: 'a date', where: () => ({ at: new Date('2024-06-01T00:00:00Z') }), ids: 'b' },
  { title: 'two fields', where: () => ({ n: 1, s: 'alpha' }), ids: 'a' },
  { title: 'two fields that disagree', where: () => ({ n: 1, s: 'Beta' }), ids: '' },
  { title: 'an element of an array', where: () => ({ tags: 'y' }), ids: 'a b' },
  { title: 'an element or the value itself', where: () => ({ tags: 'x' }), ids: 'a d' },
  { title: 'a whole array', where: () => ({ tags: ['y', 'z'] }), ids: 'b' },
  { title: 'an empty array', where: () => ({ tags: [] }), ids: 'c' },
  { title: 'a place in an array', where: () => ({ 'tags.0': 'y' }), ids: 'b' },
  { title: 'a nested object is a path', where: () => ({ o: { p: 1 } }), ids: 'a' },
  { title: 'a deeper object is a path', where: () => ({ o: { q: { r: 'deep' } } }), ids: 'a' },
  { title: 'a dotted path', where: () => ({ 'o.q.r': 'deep' }), ids: 'a' },
  // Comparison.
  { title: 'eq', where: (_) => ({ n: _.eq(2) }), ids: 'b' },
  { title: 'eq of an object is exact', where: (_) => ({ o: _.eq({ p: 2 }) }), ids: 'b' },
  { title: 'eq of a part of an object', where: (_) => ({ o: _.eq({ p: 1 }) }), ids: '' },
  { title: 'eq of null finds missing fields', where: (_) => ({ o: _.eq(null) }), ids: 'c d e' },
  { title: 'neq', where: (_) => ({ n: _.neq(2) }), ids: 'a c d e' },
  { title: 'neq finds missing fields', where: (_) => ({ flag: _.neq(true) }), ids: 'b c d e' },
  { title: 'neq of null', where: (_) => ({ flag: _.neq(null) }), ids: 'a b' },
  { title: 'neq on an array', where: (_) => ({ tags: _.neq('y') }), ids: 'c d e' },
  { title: 'gt compares within a type', where: (_) => ({ n: _.gt(1) }), ids: 'b c' },
  { title: 'gte', where: (_) => ({ n: _.gte(1) }), ids: 'a b c' },
  { title: 'lt', where: (_) => ({ n: _.lt(2) }), ids: 'a d' },
  { title: 'lte', where: (_) => ({ n: _.lte(2) }), ids: 'a b d' },
  { title: 'lt on strings goes by code points', where: (_) => ({ s: _.lt('b') }), ids: 'a b e' },
  {
    title: 'gt on dates',
    where: (_) => ({ at: _.gt(new Date('2024-03-01T00:00:00Z')) }),
    ids: 'b c',
  },
  {
    title: 'lt on the server date',
    where: (_, db) => ({ at: _.lt(db.serverDate()) }),
    ids: 'a b c',
  },
  { title: 'gt on an array element', where: (_) => ({ tags: _.gt('y') }), ids: 'b' },
  // Membership.
  { title: 'in', where: (_) => ({ n: _.in([1, '2']) }), ids: 'a e' },
  { title: 'in of nothing', where: (_) => ({ n: _.in([]) }), ids: '' },
  { title: 'in on an array', where: (_) => ({ tags: _.in(['z', 'x']) }), ids: 'a b d' },
  { title: 'in with null', where: (_) => ({ flag: _.in([true, null]) }), ids: 'a c d e' },
  { title: 'in on ids', where: (_) => ({ _id: _.in(['e', 'a', 'zz']) }), ids: 'a e' },
  { title: 'nin', where: (_) => ({ n: _.nin([1, 2]) }), ids: 'c d e' },
  { title: 'nin on a nested path', where: (_) => ({ 'o.p': _.nin([1]) }), ids: 'b c d e' },
  // Logic.
  { title: 'a chain of and', where: (_) => ({ n: _.gt(0).and(_.lt(3)) }), ids: 'a b' },
  { title: 'and of a field', where: (_) => ({ n: _.and(_.gt(0), _.lt(3)) }), ids: 'a b' },
  { title: 'and of conditions', where: (_) => _.and([{ n: _.gt(0) }, { flag: true }]), ids: 'a' },
  { title: 'a chain of or', where: (_) => ({ n: _.lt(0).or(_.gt(3)) }), ids: 'c d' },
  { title: 'or of conditions', where: (_) => _.or([{ n: 1 }, { s: 'gamma' }]), ids: 'a c' },
  {
    title: 'or beside another field',
    where: (_) => ({ flag: _.exists(true), n: _.eq(1).or(_.eq(3.5)) }),
    ids: 'a',
  },
  {
    title: 'or inside and',
    where: (_) => _.and([{ tags: 'y' }, _.or([{ n: 1 }, { n: 7 }])]),
    ids: 'a',
  },
  { title: 'not', where: (_) => ({ n: _.not(_.gt(1)) }), ids: 'a d e' },
  // Fields.
  { title: 'exists', where: (_) => ({ flag: _.exists(true) }), ids: 'a b' },
  { title: 'exists counts null', where: (_) => ({ gone: _.exists(true) }), ids: 'b' },
  { title: 'exists not', where: (_) => ({ flag: _.exists(false) }), ids: 'c d e' },
  // Regular expressions.
  { title: 'a RegExp literal', where: () => ({ s: /^al/ }), ids: 'a' },
  { title: 'a RegExp literal with a flag', where: () => ({ s: /^al/i }), ids: 'a e' },
  {
    title: 'db.RegExp',
    where: (_, db) => ({ s: db.RegExp({ regexp: '^al', options: 'i' }) }),
    ids: 'a e',
  },
  { title: 'a Chinese RegExp', where: (_, db) => ({ s: db.RegExp({ regexp: '尔' }) }), ids: 'd' },
  { title: 'a RegExp on an array', where: () => ({ tags: /z/ }), ids: 'b' },
  { title: 'a RegExp with a lookahead', where: () => ({ s: /^((?!ta$).)*$/ }), ids: 'a c d e' },
];

module.exports = { documents, rows };
