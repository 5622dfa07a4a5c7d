/**
 * The names of the operators inside aggregates (protocol 03 §5.5). All of them become
 * `{ $name: argument }`; only `neq` is called `$ne`.
 */

import type { NamedCommand } from './command';

/** Every operator of `db.command.aggregate`. */
// biome-ignore format: a list of words, not one per line
export const AGGREGATE_OPERATORS = [
  'abs', 'add', 'ceil', 'divide', 'exp', 'floor', 'ln', 'log', 'log10', 'mod', 'multiply', 'pow',
  'sqrt', 'subtract', 'trunc', 'arrayElemAt', 'arrayToObject', 'concatArrays', 'filter', 'in',
  'indexOfArray', 'isArray', 'map', 'range', 'reduce', 'reverseArray', 'size', 'slice', 'zip',
  'and', 'not', 'or', 'cmp', 'eq', 'gt', 'gte', 'lt', 'lte', 'neq', 'cond', 'ifNull', 'switch',
  'dateFromParts', 'dateFromString', 'dateToParts', 'dateToString', 'dayOfMonth', 'dayOfWeek',
  'dayOfYear', 'isoDayOfWeek', 'isoWeek', 'isoWeekYear', 'millisecond', 'minute', 'month',
  'second', 'hour', 'week', 'year', 'literal', 'mergeObjects', 'objectToArray',
  'allElementsTrue', 'anyElementTrue', 'setDifference', 'setEquals', 'setIntersection',
  'setIsSubset', 'setUnion', 'concat', 'indexOfBytes', 'indexOfCP', 'split', 'strLenBytes',
  'strLenCP', 'strcasecmp', 'substr', 'substrBytes', 'substrCP', 'toLower', 'toUpper', 'ltrim',
  'rtrim', 'trim', 'meta', 'addToSet', 'avg', 'first', 'last', 'max', 'min', 'push', 'stdDevPop',
  'stdDevSamp', 'sum', 'let', 'convert', 'toBool', 'toDate', 'toDecimal', 'toDouble', 'toInt',
  'toLong', 'toObjectId', 'toString', 'type',
] as const;

/** `db.command.aggregate`: a function for each name. */
export type AggregateOperators = {
  [Name in (typeof AGGREGATE_OPERATORS)[number]]: (argument?: any) => NamedCommand;
};
