/**
 * mingo's answers in the words of ours: extended JSON in, plain JSON out, and one order of fields,
 * because objects of JavaScript put names that are numbers first.
 */

/**
 * Plain extended JSON as values of JavaScript.
 * @param {any} json
 * @returns {any}
 */
export function revive(json) {
  if (Array.isArray(json)) return json.map(revive);
  if (json === null || typeof json !== 'object') return json;
  if ('$date' in json) return new Date(json.$date);
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, revive(value)]));
}

/**
 * A value as comparable JSON: dates marked, fields sorted, what JSON cannot say is null.
 * @param {any} value
 * @returns {any}
 */
export function settle(value) {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(settle);
  if (typeof value === 'number') {
    // Two libraries may round the last digit of a power or a mean differently.
    return Number.isFinite(value) ? Number(value.toPrecision(13)) + 0 : null;
  }
  if (typeof value !== 'object') return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, settle(field)]));
}

/**
 * What a function answers, or that it refuses.
 * @param {() => any} run
 * @returns {import('../harness/oracle.mjs').Answer}
 */
export function attempt(run) {
  try {
    return { ok: settle(run()) };
  } catch (error) {
    return { error: String(error.message) };
  }
}
