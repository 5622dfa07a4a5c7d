/**
 * What `update` understands: changes of fields as values, and their form on the wire, grouped by
 * operator (protocol 03 §2.5, §5.2).
 */

import { listed, spread } from './conditions';
import { badParameter, badParameterType } from './failure';
import { Encodable, encodeValue, isPlainObject } from './values';

type Wire = Record<string, any>;

/** A change of one field, `_.inc(1)`. */
export class UpdateCommand extends Encodable {
  constructor(
    readonly operator: string,
    readonly operand: unknown,
  ) {
    super();
  }

  encode(): never {
    throw badParameter(`_.${this.operator} changes a field: it belongs in update alone`);
  }
}

/** `_.push` and `_.unshift` take values one by one or as one array. */
function pushed(values: any[]): object {
  const [first] = values;
  const options = values.length === 1 && typeof first === 'object' && first !== null ? first : null;
  if (!options || Array.isArray(options) || !Array.isArray(options.each)) {
    return { $each: spread(values) };
  }
  const modifiers: Record<string, unknown> = { $each: options.each };
  for (const name of ['position', 'sort', 'slice']) {
    if (options[name] !== undefined) modifiers[`$${name}`] = options[name];
  }
  return modifiers;
}

/** The operators of updates. */
export const UPDATE_OPERATORS = {
  set: (value: any) => new UpdateCommand('set', value),
  remove: () => new UpdateCommand('unset', ''),
  inc: (by: number) => new UpdateCommand('inc', by),
  mul: (by: number) => new UpdateCommand('mul', by),
  min: (value: any) => new UpdateCommand('min', value),
  max: (value: any) => new UpdateCommand('max', value),
  rename: (path: string) => new UpdateCommand('rename', path),
  bit: (operation: any) => new UpdateCommand('bit', operation),
  /** Values, or `{ each, position, sort, slice }`. */
  push: (...values: any[]) => new UpdateCommand('push', pushed(values)),
  pop: () => new UpdateCommand('pop', 1),
  shift: () => new UpdateCommand('pop', -1),
  unshift: (...values: any[]) => new UpdateCommand('push', { $each: spread(values), $position: 0 }),
  /** A value, or `{ each: [...] }`. */
  addToSet: (value: any) => new UpdateCommand('addToSet', value),
  pull: (condition: any) => new UpdateCommand('pull', condition),
  pullAll: (values: any[]) => new UpdateCommand('pullAll', listed('pullAll', values)),
};

/** The wire form of `update({ data })`: one object per operator. */
export function encodeUpdate(data: unknown): Wire {
  if (!isPlainObject(data)) throw badParameterType('data must be an object');
  const update: Wire = {};
  addChanges(update, data, '', []);
  return update;
}

function addChanges(update: Wire, data: Wire, prefix: string, parents: object[]): void {
  if (parents.includes(data)) encodeValue(data);
  for (const key of Object.keys(data)) {
    const value = data[key];
    if (value === undefined) continue;
    if (!prefix && key.startsWith('$')) {
      update[key] = { ...update[key], ...(encodeValue(value) as Wire) };
    } else if (value instanceof UpdateCommand) {
      change(update, value.operator, prefix + key, encodeValue(value.operand));
    } else if (isPlainObject(value) && !Object.keys(value).some((name) => name.startsWith('$'))) {
      // An empty object leaves no trace, as in the official clients; `_.set({})` writes one.
      addChanges(update, value, `${prefix}${key}.`, [...parents, data]);
    } else {
      change(update, 'set', prefix + key, encodeValue(value));
    }
  }
}

function change(update: Wire, operator: string, path: string, operand: unknown): void {
  update[`$${operator}`] = { ...update[`$${operator}`], [path]: operand };
}
