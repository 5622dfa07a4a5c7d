/**
 * `db.command`: the operators of queries, updates, projections and aggregates in one object, and
 * the form of projections on the wire (protocol 03 §5.3, §5.5).
 */

import { Aggregate } from './aggregate';
import { AGGREGATE_OPERATORS, type AggregateOperators } from './aggregate-operators';
import { UPDATE_OPERATORS } from './changes';
import { LogicCommand, QUERY_OPERATORS, spread, TopCommand, WIRE_NAMES } from './conditions';
import { Encodable, encodeValue } from './values';

/** `{ $name: argument }`, an operator inside an aggregate or a projection. */
export class NamedCommand extends Encodable {
  constructor(
    private readonly name: string,
    private readonly argument: unknown,
  ) {
    super();
  }

  encode(): unknown {
    return { [`$${this.name}`]: encodeValue(this.argument) };
  }
}

/** `db.command`. */
export const command = {
  ...QUERY_OPERATORS,
  ...UPDATE_OPERATORS,
  and: (...conditions: any[]) => new LogicCommand('and', spread(conditions)),
  or: (...conditions: any[]) => new LogicCommand('or', spread(conditions)),
  nor: (...conditions: any[]) => new LogicCommand('nor', spread(conditions)),
  not: (condition: any) => new LogicCommand('not', [condition]),
  expr: (expression: any) => new TopCommand('expr', expression),
  jsonSchema: (schema: any) => new TopCommand('jsonSchema', schema),
  /** `{ search, language, caseSensitive, diacriticSensitive }`, or the words alone. */
  text: (search: any) => new TopCommand('text', dollared(search)),
  project: {
    slice: (value: number | [number, number]) => new NamedCommand('slice', value),
    elemMatch: (condition: any) => new NamedCommand('elemMatch', condition),
  },
  aggregate: aggregateOperators(),
};

function dollared(search: any): object {
  if (typeof search === 'string') return { $search: search };
  const options: Record<string, unknown> = {};
  for (const key of Object.keys(search)) options[`$${key}`] = search[key];
  return options;
}

function aggregateOperators(): AggregateOperators & { pipeline(): Aggregate } {
  const operators: Record<string, (argument?: any) => NamedCommand> = {};
  for (const name of AGGREGATE_OPERATORS) {
    const wireName = WIRE_NAMES[name] || name;
    operators[name] = (argument = {}) => new NamedCommand(wireName, argument);
  }
  return { ...(operators as AggregateOperators), pipeline: () => new Aggregate(null, '') };
}

/** The wire form of `field({ a: true })`: 1, 0 or a projection operator. */
export function encodeProjection(fields: Record<string, unknown>): Record<string, any> {
  const projection: Record<string, any> = {};
  for (const path of Object.keys(fields)) {
    const value = fields[path];
    if (typeof value === 'boolean') projection[path] = value ? 1 : 0;
    else if (value !== undefined) projection[path] = encodeValue(value);
  }
  return projection;
}
