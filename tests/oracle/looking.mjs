/** Looking into cases: which operators, paths and values they hold. */

/**
 * What kind a value of plain extended JSON is.
 * @param {any} value
 * @returns {'null' | 'array' | 'date' | 'object' | 'string' | 'number' | 'boolean'}
 */
export function kindOf(value) {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'object') return '$date' in value ? 'date' : 'object';
  return /** @type {any} */ (typeof value);
}

/**
 * Whether a value, or anything in it, passes.
 * @param {any} value
 * @param {(value: any) => boolean} passes
 * @returns {boolean}
 */
export function holds(value, passes) {
  if (passes(value)) return true;
  if (value === null || typeof value !== 'object') return false;
  return Object.values(value).some((part) => holds(part, passes));
}

/**
 * The operands of operators, wherever they stand.
 * @param {any} expression
 * @param {string[]} names
 * @returns {any[]}
 */
export function operands(expression, names) {
  /** @type {any[]} */
  const found = [];
  holds(expression, (value) => {
    if (kindOf(value) === 'object') {
      for (const name of names) if (name in value) found.push(value[name]);
    }
    return false;
  });
  return found;
}

/**
 * Every name that is no operator, wherever it stands.
 * @param {any} expression
 * @returns {string[]}
 */
export function pathsOf(expression) {
  /** @type {string[]} */
  const found = [];
  holds(expression, (value) => {
    if (kindOf(value) === 'object') {
      found.push(...Object.keys(value).filter((name) => !name.startsWith('$')));
    }
    return false;
  });
  return found;
}

/**
 * The value at a dotted path, numbers picking elements; undefined where there is none.
 * @param {any} value
 * @param {string} path
 * @returns {any}
 */
export function at(value, path) {
  for (const name of path.split('.')) value = value?.[name];
  return value;
}

/**
 * Whether a dotted path meets an array on its way or at its end.
 * @param {any} value
 * @param {string} path
 * @returns {boolean}
 */
export function meetsArray(value, path) {
  for (const name of path.split('.')) {
    value = value?.[name];
    if (Array.isArray(value)) return true;
  }
  return false;
}
