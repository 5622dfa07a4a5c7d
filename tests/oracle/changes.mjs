/** Random updates, sorts and projections. */
import { filter } from './filters.mjs';

/** @typedef {import('./chance.mjs').Chance} Chance */

/**
 * One to three fields with directions.
 * @param {Chance} chance
 */
export function sort(chance) {
  return fields(chance, 1, 3, () => chance.one([1, -1]));
}

/**
 * Fields to keep or to leave out, at times with parts of arrays.
 * @param {Chance} chance
 */
export function projection(chance) {
  const keep = chance.once(2) ? 1 : 0;
  const made = fields(chance, 1, 3, () => keep);
  if (chance.once(3)) made._id = chance.roll(2);
  if (chance.once(4)) made[chance.one(['a', 'b', 'c'])] = part(chance);
  return made;
}

/** @param {Chance} chance */
function part(chance) {
  if (chance.once(2)) {
    const from = chance.roll(7) - 3;
    return { $slice: chance.once(2) ? from : [from, 1 + chance.roll(3)] };
  }
  return { $elemMatch: filter(chance, 0) };
}

/**
 * One or two operators over different fields.
 * @param {Chance} chance
 */
export function update(chance) {
  /** @type {Record<string, any>} */
  const made = {};
  for (const name of chance.some(1, 2, () => chance.one(Object.keys(operators)))) {
    made[name] = operators[name](chance);
  }
  return made;
}

/**
 * Documents for updates: with numbers in `n` and lists in `l`, besides what all have.
 * @param {Chance} chance
 * @param {number} count
 */
export function changeable(chance, count) {
  return chance.documents(count).map((document) => ({
    ...document,
    ...(chance.once(4) ? {} : { n: chance.number(), m: { n: chance.number() } }),
    ...(chance.once(4) ? {} : { l: chance.some(0, 4, () => chance.value(1)), m: { l: [] } }),
  }));
}

/**
 * @param {Chance} chance
 * @param {() => any} operand
 * @param {string[]} [paths] where it makes sense; it goes elsewhere now and then
 */
function on(chance, operand, paths) {
  const path = () => (paths && !chance.once(8) ? chance.one(paths) : chance.path());
  return Object.fromEntries(chance.some(1, 2, () => [path(), operand()]));
}

const numbers = ['n', 'm.n', 'l.0', 'k', 'm.k'];
const lists = ['l', 'm.l', 'k', 'm.k', 'l.1'];

/** @type {Record<string, (chance: Chance) => any>} */
const operators = {
  $set: (chance) => on(chance, () => chance.value(2)),
  $unset: (chance) => on(chance, () => ''),
  $inc: (chance) => on(chance, () => chance.roll(5) - 2, numbers),
  $mul: (chance) => on(chance, () => chance.roll(5) - 2, numbers),
  $min: (chance) => on(chance, () => chance.scalar()),
  $max: (chance) => on(chance, () => chance.scalar()),
  $rename: (chance) => on(chance, () => chance.one(['d', 'e', 'd.a'])),
  $push: (chance) => on(chance, () => (chance.once(2) ? pushed(chance) : chance.value(1)), lists),
  $addToSet: (chance) =>
    on(chance, () => (chance.once(2) ? { $each: each(chance) } : chance.value(1)), lists),
  $pop: (chance) => on(chance, () => chance.one([1, -1]), lists),
  $pullAll: (chance) => on(chance, () => each(chance), lists),
  $pull: (chance) =>
    on(
      chance,
      () => chance.one([() => chance.scalar(), () => ({ $gte: chance.number() })])(),
      lists,
    ),
};

/** @param {Chance} chance */
function each(chance) {
  return chance.some(0, 3, () => chance.value(1));
}

/** @param {Chance} chance */
function pushed(chance) {
  /** @type {Record<string, any>} */
  const made = { $each: each(chance) };
  if (chance.once(3)) made.$position = chance.roll(5) - 2;
  if (chance.once(3)) made.$slice = chance.roll(7) - 3;
  if (chance.once(3)) made.$sort = chance.one([1, -1]);
  return made;
}

/**
 * @param {Chance} chance
 * @param {number} least
 * @param {number} most
 * @param {() => any} operand
 * @returns {Record<string, any>}
 */
function fields(chance, least, most, operand) {
  return Object.fromEntries(chance.some(least, most, () => [chance.path(), operand()]));
}
