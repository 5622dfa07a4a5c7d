/** Random filters: every operator of the language that mingo knows too. */

/** @typedef {import('./chance.mjs').Chance} Chance */

const kinds = ['string', 'object', 'array', 'bool', 'date', 'null', 'number'];
const patterns = ['x', '^x', 'y$', '^$', 'X', '^x.?$', '[xy]+', '云'];

/**
 * A filter of a whole document.
 * @param {Chance} chance
 * @param {number} [depth] how many levels of logic it may have
 * @returns {Record<string, any>}
 */
export function filter(chance, depth = 2) {
  /** @type {Record<string, any>} */
  const made = {};
  for (const path of chance.some(1, 2, () => chance.path())) {
    if (depth > 0 && chance.once(4)) {
      const logic = chance.one(['$and', '$or', '$nor']);
      made[logic] = chance.some(1, 3, () => filter(chance, depth - 1));
    } else {
      made[path] = condition(chance, depth);
    }
  }
  return made;
}

/**
 * What stands behind a path.
 * @param {Chance} chance
 * @param {number} depth
 * @returns {any}
 */
function condition(chance, depth) {
  return chance.once(4) ? chance.value(2) : operators(chance, depth);
}

/**
 * One or two operators.
 * @param {Chance} chance
 * @param {number} depth
 * @returns {Record<string, any>}
 */
function operators(chance, depth) {
  /** @type {Record<string, any>} */
  const made = {};
  for (const name of chance.some(1, 2, () => chance.one(Object.keys(operands)))) {
    made[name] = operands[name](chance, depth);
  }
  if (made.$regex !== undefined && chance.once(2)) made.$options = 'i';
  return made;
}

/** @type {Record<string, (chance: Chance, depth: number) => any>} */
const operands = {
  $eq: (chance) => chance.value(2),
  $ne: (chance) => chance.value(2),
  $gt: (chance) => chance.value(1),
  $gte: (chance) => chance.value(1),
  $lt: (chance) => chance.value(1),
  $lte: (chance) => chance.value(1),
  $in: (chance) => chance.some(0, 3, () => chance.value(1)),
  $nin: (chance) => chance.some(0, 3, () => chance.value(1)),
  $exists: (chance) => chance.once(2),
  $size: (chance) => chance.roll(4),
  $mod: (chance) => [1 + chance.roll(3), chance.roll(2)],
  $type: (chance) =>
    chance.once(3) ? chance.some(1, 2, () => chance.one(kinds)) : chance.one(kinds),
  $all: (chance) => chance.some(0, 2, () => chance.value(1)),
  $regex: (chance) => chance.one(patterns),
  $not: (chance, depth) => operators(chance, depth - 1),
  $elemMatch: (chance, depth) =>
    chance.once(2) ? filter(chance, Math.max(0, depth - 1)) : operators(chance, depth - 1),
};
