/**
 * Where mingo and we differ and why ours is right: MongoDB's documented behaviour. A rule excuses
 * as little as it can; a difference that no rule excuses fails the test.
 */
import { at, holds, kindOf, meetsArray, operands, pathsOf } from './looking.mjs';

/**
 * @typedef {import('../harness/oracle.mjs').Answer} Answer
 *
 * @typedef {object} Difference
 * @property {string} name
 * @property {string[]} kinds the kinds of cases it is about
 * @property {string} reason
 * @property {(one: any, ours: Answer, theirs: Answer) => boolean} applies
 */

/** Stages after which fields of the documents are gone. */
const reshapes = /^\$(project|unset|group|sortByCount|bucket|replaceRoot|facet|count)$/;

const calendar = ['$dateTrunc', '$dateAdd', '$isoWeek', '$isoWeekYear', '$week'];

/** Expressions that may give the empty text: of their own, or out of an array of texts. */
const makesText = /\$(substr|l?trim|rtrim|replace|split|concat|toLower|arrayElemAt|first|last)/;

const orderings = ['$gt', '$gte', '$lt', '$lte'];
const comparisons = [...orderings, '$eq', '$ne', '$cmp'];

/** @type {Difference[]} */
export const differences = [
  {
    name: 'objects are ordered by the kinds of their fields before their names',
    kinds: ['filter', 'sort', 'pipeline'],
    reason:
      'BSON comparison of objects goes field by field in stored order: kind, then name, then value. mingo compares names first.',
    applies: ({ filter, sort, pipeline, documents }) =>
      pipeline
        ? operands(pipeline, ['$group']).some(({ _id }) => isObject(_id))
        : sort
          ? holds(documents, (value) => Object.keys(sort).some((path) => isObject(at(value, path))))
          : operands(filter, orderings).some(isObject),
  },
  {
    name: 'arrays are ordered as a whole',
    kinds: ['filter'],
    reason:
      'With an array as operand MongoDB compares the stored array as a whole, element by element, as well as its elements. mingo compares something else.',
    applies: ({ filter }) =>
      operands(filter, orderings).some((operand) => kindOf(operand) === 'array'),
  },
  {
    name: '$mod is for numbers',
    kinds: ['filter'],
    reason:
      'MongoDB never matches $mod with what is no number; mingo converts dates, null and booleans.',
    applies: ({ filter, documents }) =>
      operands(filter, ['$mod']).length > 0 &&
      holds(documents, (value) =>
        ['date', 'null', 'boolean', 'string', 'array'].includes(kindOf(value)),
      ),
  },
  {
    name: '$gte and $lte of null include missing fields',
    kinds: ['filter'],
    reason: 'Both include equality with null, and equality with null includes missing fields.',
    applies: ({ filter }) => operands(filter, ['$gte', '$lte']).includes(null),
  },
  {
    name: '$all of null includes missing fields',
    kinds: ['filter'],
    reason:
      '$all is the conjunction of equalities, and equality with null includes missing fields.',
    applies: ({ filter }) => operands(filter, ['$all']).some((operand) => operand.includes(null)),
  },
  {
    name: 'arrays within arrays are not entered by name',
    kinds: ['filter'],
    reason:
      'A name in a path enters the objects of an array, not the arrays in it; an array without objects has nothing at that path.',
    applies: ({ filter, documents }) =>
      pathsOf(filter).some((path) => path.includes('.')) &&
      holds(documents, (value) => kindOf(value) === 'array' && !value.some(isObject)),
  },
  {
    name: '$type looks at the elements of arrays',
    kinds: ['filter', 'projection'],
    reason:
      'An array has the kinds of its elements, besides its own; mingo looks at the array alone.',
    applies: ({ filter, projection, documents }) =>
      operands(filter ?? projection, ['$type']).length > 0 &&
      holds(documents, (value) => kindOf(value) === 'array' && value.length > 0),
  },
  {
    name: '$in of an array finds equal arrays',
    kinds: ['filter'],
    reason: '$in is equality with one of its operands, and an array equals an equal array.',
    applies: ({ filter }) =>
      operands(filter, ['$in', '$nin']).some((list) => list.some(Array.isArray)),
  },
  {
    name: '$all finds scalars and whole arrays',
    kinds: ['filter'],
    reason:
      '$all is the conjunction of equalities: a scalar equals itself, an array an equal array. mingo does not find the scalar when other documents went before.',
    applies: ({ filter, documents }) =>
      operands(filter, ['$all']).some(
        (list) =>
          list.some(Array.isArray) ||
          holds(documents, (value) => list.every((/** @type {any} */ one) => isSame(value, one))),
      ),
  },
  {
    name: '$elemMatch of fields asks objects and arrays, of arrays only',
    kinds: ['filter'],
    reason:
      'A condition on fields is met by elements that are objects or arrays (fields 0, 1, …), and only by elements of an array; mingo asks scalars too, and what a path gathers.',
    applies: ({ filter, documents }) =>
      operands(filter, ['$elemMatch']).length > 0 &&
      holds(documents, (value) => kindOf(value) === 'array' && value.length > 0),
  },
  {
    name: 'what is missing below an object of an array is missing',
    kinds: ['filter', 'projection'],
    reason:
      'A path of three names into an array of objects finds nothing there, which equals null and has no size. mingo gathers an empty list.',
    applies: ({ filter, projection, documents }) =>
      pathsOf(filter ?? projection).some((path) => path.includes('.')) &&
      holds(documents, (value) => kindOf(value) === 'array' && value.some(isObject)),
  },
  {
    name: 'regular expressions do not enter arrays within arrays',
    kinds: ['filter'],
    reason: 'The elements of an array are tried, not the elements of its elements.',
    applies: ({ filter, documents }) =>
      operands(filter, ['$regex']).length > 0 && holds(documents, isArrayOfArrays),
  },
  {
    name: 'an array is sorted by one of its elements',
    kinds: ['sort'],
    reason:
      'An array stands for its smallest element, descending for its largest, an empty one comes before null, and equal keys keep their order. mingo sorts groups of equal arrays.',
    applies: ({ sort, documents }) =>
      Object.keys(sort).some((path) =>
        documents.some((/** @type {any} */ document) => meetsArray(document, path)),
      ),
  },
  {
    name: 'a number in the path of a projection is a name',
    kinds: ['projection'],
    reason: 'Projections pick no elements by index; $slice does.',
    applies: ({ projection }) => pathsOf(projection).some((path) => /\.\d/.test(path)),
  },
  {
    name: '_id and $slice go with leaving out',
    kinds: ['projection'],
    reason:
      '_id may be kept and $slice may stand beside fields that are left out. mingo refuses both.',
    applies: ({ projection }, ours, theirs) =>
      ours.error === undefined &&
      theirs.error === 'Cannot do exclusion and inclusion in projection.' &&
      Object.values(projection).includes(0) &&
      (projection._id === 1 || operands(projection, ['$slice']).length > 0),
  },
  {
    name: 'mingo breaks on null',
    kinds: ['projection', 'update'],
    reason: 'A path through null leads nowhere, which is no error.',
    applies: (_, ours, theirs) =>
      ours.error === undefined && /Cannot read properties of/.test(theirs.error ?? ''),
  },
  {
    name: '$slice by itself keeps the other fields',
    kinds: ['projection'],
    reason:
      '$slice does not choose fields; without any choice all are kept. mingo takes it for a choice.',
    applies: ({ projection }) =>
      operands(projection, ['$slice']).length > 0 &&
      !Object.entries(projection).some(([name, field]) => name !== '_id' && field === 1),
  },
  {
    name: 'fields are left out of arrays within arrays too',
    kinds: ['projection'],
    reason: 'A projection of find enters arrays within arrays.',
    applies: ({ projection, documents }) =>
      pathsOf(projection).some((path) => path.includes('.')) && holds(documents, isArrayOfArrays),
  },
  {
    name: '$elemMatch in a projection chooses as the operator does',
    kinds: ['projection'],
    reason:
      'A condition on fields is met by objects and arrays only, and by none, no field is shown.',
    applies: ({ projection, documents }) =>
      operands(projection, ['$elemMatch']).length > 0 &&
      holds(documents, (value) => kindOf(value) === 'array' && !value.every(isObject)),
  },
  {
    name: 'an operator that cannot be applied is refused',
    kinds: ['update'],
    reason:
      'MongoDB refuses $inc and $mul of what is no number, array operators on what is no array, and fields below a value that has none. mingo does nothing.',
    applies: ({ documents: [document], update }, ours, theirs) =>
      theirs.error === undefined &&
      (ours.error ?? '') !== '' &&
      targets(update).some(([operator, path]) => cannotBeApplied(document, operator, path)),
  },
  {
    name: '$rename does not reach into arrays',
    kinds: ['update'],
    reason: 'The fields of $rename may not be elements of arrays, nor lie in them.',
    applies: ({ documents: [document], update }, ours) =>
      /\$rename cannot reach/.test(ours.error ?? '') &&
      targets(update).some(
        ([operator, path]) => operator === '$rename' && meetsArray(document, path),
      ),
  },
  {
    name: '$min and $max compare across kinds, an array as a whole',
    kinds: ['update'],
    reason: 'Both use the BSON comparison order; arrays come after objects, texts and numbers.',
    applies: ({ documents: [document], update }) =>
      targets(update).some(
        ([operator, path, operand]) =>
          ['$min', '$max'].includes(operator) && kindOf(at(document, path)) !== kindOf(operand),
      ),
  },
  {
    name: 'an array that is made is made by the same rules',
    kinds: ['update'],
    reason:
      '$sort, $slice and being a set hold for a missing field too; mingo puts $each there as it is.',
    applies: ({ documents: [document], update }) =>
      targets(update).some(
        ([, path, operand]) => at(document, path) === undefined && operand?.$each !== undefined,
      ),
  },
  {
    name: '$push sorts in BSON order',
    kinds: ['update'],
    reason: 'Elements are ordered across kinds as documents are; mingo has an order of its own.',
    applies: ({ update }) => operands(update, ['$sort']).length > 0,
  },
  {
    name: '$pull of a value and $pullAll take out what equals it',
    kinds: ['update'],
    reason: 'A plain value is compared with each element as a whole; an array that holds it stays.',
    applies: ({ documents, update }) =>
      targets(update).some(
        ([operator, , operand]) =>
          operator === '$pullAll' || (operator === '$pull' && !isObject(operand)),
      ) && holds(documents, isArrayOfArrays),
  },
  {
    name: '$addToSet adds what is not there to an array that is no set',
    kinds: ['update'],
    reason:
      'What is added is compared with each element. mingo counts different elements before and after and so leaves arrays with doubles as they are.',
    applies: ({ documents: [document], update }) =>
      targets(update).some(
        ([operator, path]) => operator === '$addToSet' && hasDoubles(at(document, path)),
      ),
  },
  {
    name: 'mingo refuses what gives null or nothing',
    kinds: ['expression', 'pipeline'],
    reason:
      'Arithmetic and array operators give null for null, the first or last of nothing is missing, and a single object can be merged. mingo has its own complaints.',
    applies: (_, ours, theirs) =>
      ours.error === undefined && /must resolve to|expects/.test(theirs.error ?? ''),
  },
  {
    name: 'an operator that mingo does not know in expressions',
    kinds: ['expression', 'pipeline'],
    reason: '$indexOfCP is an expression of MongoDB; mingo looks for an accumulator of that name.',
    applies: (_, ours, theirs) =>
      ours.error === undefined && /is not registered/.test(theirs.error ?? ''),
  },
  {
    name: 'months end where they end, and weeks are those of ISO 8601',
    kinds: ['expression', 'pipeline'],
    reason:
      'A year after 29 February is 28 February, the month of 1 January 1970 begins on it, 31 December 1969 is in the first week of 1970, and weeks of $week begin with Sunday. mingo says otherwise.',
    applies: ({ expression, pipeline }, ours, theirs) =>
      ours.error === undefined &&
      theirs.error === undefined &&
      operands(expression ?? pipeline, calendar).length > 0,
  },
  {
    name: 'null in another case is the empty text',
    kinds: ['expression', 'pipeline'],
    reason: '$toUpper and $toLower give an empty text for null and for what is missing.',
    applies: ({ expression, pipeline }) =>
      operands(expression ?? pipeline, ['$toUpper', '$toLower']).length > 0,
  },
  {
    name: 'halves are rounded to the even neighbour',
    kinds: ['expression', 'pipeline'],
    reason: '$round takes 0.75 to 0.8 and 0.25 to 0.2; mingo sees the double behind the digits.',
    applies: ({ expression, pipeline }) => operands(expression ?? pipeline, ['$round']).length > 0,
  },
  {
    name: '$getField of null is null',
    kinds: ['expression'],
    reason: 'Only a missing input gives nothing; mingo gives nothing for null too.',
    applies: ({ expression }, ours, theirs) =>
      operands(expression, ['$getField']).length > 0 &&
      holds(ours.ok, (value) => value === null) &&
      theirs.error === undefined,
  },
  {
    name: 'values are compared across kinds, arrays element by element',
    kinds: ['expression', 'pipeline'],
    reason:
      'Comparisons of expressions use the order of all kinds: what is missing and null first, numbers, texts, objects, arrays, booleans, dates. An array is less than a longer one that begins with it. mingo answers false across kinds and sorts arrays first.',
    applies: ({ expression, pipeline }) =>
      operands(expression ?? pipeline, comparisons).some(Array.isArray),
  },
  {
    name: 'the empty text is true',
    kinds: ['expression', 'pipeline'],
    reason:
      'False are false, null, 0 and what is missing; mingo has $not take the empty text for false too.',
    applies: ({ expression, pipeline }) =>
      operands(expression ?? pipeline, ['$not']).some((operand) =>
        makesText.test(JSON.stringify(operand)),
      ),
  },
  {
    name: 'null and missing go through expressions',
    kinds: ['expression', 'pipeline'],
    reason:
      'Most operators give null for null and for what is missing, which are ordered before everything else; mingo refuses some of it, mixes both, or goes on.',
    applies: ({ documents, collections, expression, pipeline }) =>
      pipeline
        ?.slice(0, -1)
        .some((/** @type {any} */ stage) => reshapes.test(Object.keys(stage)[0])) ||
      holds(
        expression ?? pipeline,
        (value) =>
          typeof value === 'string' &&
          value.startsWith('$') &&
          [...documents, ...(collections?.others ?? [])].some(
            (document) => (document[value.slice(1).split('.')[0]] ?? null) === null,
          ),
      ),
  },
  {
    name: '$top gives what it puts out',
    kinds: ['pipeline'],
    reason: '$top is one result, $topN a list of them. mingo gives a list of one.',
    applies: ({ pipeline }) => operands(pipeline, ['$top']).length > 0,
  },
  {
    name: '$push leaves out what is missing',
    kinds: ['pipeline'],
    reason: 'An array of a group has no place for what is missing; mingo puts null there.',
    applies: ({ pipeline }) => operands(pipeline, ['$push']).length > 0,
  },
  {
    name: 'a computed field below a field makes the field',
    kinds: ['pipeline'],
    reason:
      'What is set at a.b makes a an object even when the value is missing, and may be a itself. mingo makes nothing, or a circle.',
    applies: ({ pipeline }) =>
      operands(pipeline, ['$addFields', '$set']).some((fields) =>
        Object.hasOwn(Object(fields), 'o.z'),
      ),
  },
  {
    name: 'what is set below an array is set in its elements',
    kinds: ['pipeline'],
    reason:
      '$set of {z: {x: 1}} is $set of z.x, in every element of an array and in none of an empty one. mingo puts an object in the place of the array.',
    applies: ({ pipeline, documents }) =>
      holds(documents, Array.isArray) &&
      operands(pipeline, ['$addFields', '$set']).some((fields) =>
        Object.values(fields).some(
          (value) => isObject(value) && !Object.keys(value).some((name) => name.startsWith('$')),
        ),
      ),
  },
  {
    name: 'what is not looked at is not computed',
    kinds: ['pipeline'],
    reason:
      'A $match that does not need what stages before it compute goes first; what it leaves out cannot fail in them. mingo keeps the order.',
    applies: ({ pipeline }, ours, theirs) =>
      ours.error === undefined &&
      theirs.error !== undefined &&
      pipeline.slice(1).some((/** @type {any} */ stage) => '$match' in stage),
  },
  {
    name: 'what was copied is apart',
    kinds: ['pipeline'],
    reason:
      'Leaving out a.b changes a alone. mingo lets a field that was set to $a share its elements, and leaves b out there, too; so do the documents that $unwind made of one.',
    applies: ({ pipeline }) =>
      operands(pipeline, ['$addFields', '$set', '$group', '$project', '$unwind']).length > 0 &&
      operands(pipeline, ['$project', '$unset']).some((fields) =>
        JSON.stringify(fields).includes('.'),
      ),
  },
  {
    name: 'empty buckets are not shown',
    kinds: ['pipeline'],
    reason:
      '$bucket gives a document for each bucket that has one. mingo shows all, and lists for $top.',
    applies: ({ pipeline }) => operands(pipeline, ['$bucket']).length > 0,
  },
  {
    name: '$count of nothing gives nothing',
    kinds: ['pipeline'],
    reason: 'Without a document there is no group to count. mingo gives 0.',
    applies: ({ pipeline }) =>
      operands(pipeline, ['$count']).some((name) => typeof name === 'string'),
  },
  {
    name: '$lookup of a list looks up its elements',
    kinds: ['pipeline'],
    reason: 'What equals an element is found, nothing otherwise. mingo finds a null.',
    applies: ({ pipeline }) =>
      operands(pipeline, ['$lookup']).some((lookup) => lookup.localField === 'l'),
  },
];

/**
 * What an update wants to change: operator, path and operand.
 * @param {any} update
 * @returns {[string, string, any][]}
 */
function targets(update) {
  return Object.entries(update).flatMap(([operator, fields]) =>
    Object.entries(fields).map(
      ([path, operand]) => /** @type {[string, string, any]} */ ([operator, path, operand]),
    ),
  );
}

/**
 * @param {any} document
 * @param {string} operator
 * @param {string} path
 */
function cannotBeApplied(document, operator, path) {
  const names = path.split('.');
  const parents = names.slice(1).map((_, index) => names.slice(0, index + 1).join('.'));
  const blocked = parents.some((parent, index) => {
    const value = at(document, parent);
    if (value === undefined || isObject(value)) return false;
    return kindOf(value) !== 'array' || !/^\d+$/.test(names[index + 1]);
  });
  const value = at(document, path);
  if (blocked || value === undefined) return blocked;
  const wanted = { $inc: 'number', $mul: 'number' }[operator] ?? 'array';
  const picky = /^\$(inc|mul|push|pull|pullAll|pop|addToSet)$/.test(operator);
  return picky && kindOf(value) !== wanted;
}

/** @param {any} value */
function hasDoubles(value) {
  const texts =
    kindOf(value) === 'array' ? value.map((/** @type {any} */ one) => JSON.stringify(one)) : [];
  return new Set(texts).size < texts.length;
}

/**
 * @param {any} one
 * @param {any} other
 */
function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** @param {any} value */
function isArrayOfArrays(value) {
  return kindOf(value) === 'array' && value.some(Array.isArray);
}

/** @param {any} value */
function isObject(value) {
  return kindOf(value) === 'object';
}
