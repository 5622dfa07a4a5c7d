/**
 * What `where` understands: conditions as values, and their form on the wire as the official
 * clients send them (protocol 03 §2.5, §5.1). Nested objects become dotted paths, logic moves to
 * the top.
 */

import { badParameterType } from './failure';
import { Encodable, encodeValue, isPlainObject } from './values';

type Wire = Record<string, any>;
type Logic = 'and' | 'or' | 'nor' | 'not';

/** Operators on the value of one field, by their names in wx.cloud and on the wire. */
export const WIRE_NAMES: Record<string, string> = { neq: 'ne' };

/** Conditions joined by and, or, nor, not; also the parent of every condition on a field. */
export class LogicCommand extends Encodable {
  constructor(
    readonly logic: Logic | '',
    readonly operands: unknown[],
  ) {
    super();
  }

  and(...conditions: any[]): LogicCommand {
    return new LogicCommand('and', [this, ...spread(conditions)]);
  }

  or(...conditions: any[]): LogicCommand {
    return new LogicCommand('or', [this, ...spread(conditions)]);
  }

  nor(...conditions: any[]): LogicCommand {
    return new LogicCommand('nor', [this, ...spread(conditions)]);
  }

  not(condition: any): LogicCommand {
    return this.and(new LogicCommand('not', [condition]));
  }

  /** The form inside `$elemMatch` and `$pull`, where there is no field to hoist to. */
  encode(): unknown {
    const operands = this.operands.map((operand) => encodeValue(operand));
    if (this.logic === 'not') return { $not: operands[0] };
    if (this.logic !== 'and') return { [`$${this.logic}`]: operands };
    const merged: Record<string, unknown> = {};
    for (const operand of operands as Record<string, unknown>[]) {
      // Two conditions of one name cannot share an object.
      if (Object.keys(operand).some((key) => key in merged)) return { $and: operands };
      Object.assign(merged, operand);
    }
    return merged;
  }
}

/** A condition on the value of one field, `_.gt(1)`; more are added by chaining. */
export class QueryCommand extends LogicCommand {
  declare eq: QueryOperators['eq'];
  declare neq: QueryOperators['neq'];
  declare gt: QueryOperators['gt'];
  declare gte: QueryOperators['gte'];
  declare lt: QueryOperators['lt'];
  declare lte: QueryOperators['lte'];
  declare in: QueryOperators['in'];
  declare nin: QueryOperators['nin'];
  declare exists: QueryOperators['exists'];
  declare mod: QueryOperators['mod'];
  declare all: QueryOperators['all'];
  declare elemMatch: QueryOperators['elemMatch'];
  declare size: QueryOperators['size'];
  declare geoNear: QueryOperators['geoNear'];
  declare geoWithin: QueryOperators['geoWithin'];
  declare geoIntersects: QueryOperators['geoIntersects'];

  constructor(
    readonly operator: string,
    readonly operand: unknown,
  ) {
    super('', []);
    // `_.gt(1).lt(5)`: every operator again, joined by and.
    for (const name of Object.keys(QUERY_OPERATORS) as (keyof QueryOperators)[]) {
      this[name] = (...args: any[]) => this.and((QUERY_OPERATORS[name] as any)(...args)) as any;
    }
  }

  override encode(): unknown {
    const { operator, operand } = this;
    if (operator === 'geoNear') return { $nearSphere: near(operand) };
    if (operator === 'geoWithin' || operator === 'geoIntersects') {
      const { geometry, centerSphere } = operand as Record<string, unknown>;
      const area = centerSphere
        ? { $centerSphere: encodeValue(centerSphere) }
        : { $geometry: encodeValue(geometry) };
      return { [`$${operator}`]: area };
    }
    // Inside `$elemMatch` an object is a query of its own, with its own logic.
    const query = operator === 'elemMatch' && isPlainObject(operand);
    const encoded = query ? encodeQuery(operand) : encodeValue(operand);
    return { [`$${WIRE_NAMES[operator] || operator}`]: encoded };
  }
}

function near(operand: unknown): object {
  const { geometry, maxDistance, minDistance } = operand as Record<string, unknown>;
  const area: Record<string, unknown> = { $geometry: encodeValue(geometry) };
  if (maxDistance !== undefined) area.$maxDistance = maxDistance;
  if (minDistance !== undefined) area.$minDistance = minDistance;
  return area;
}

/** A condition on whole documents that stands at the top of a query, `_.expr(…)`. */
export class TopCommand extends LogicCommand {
  constructor(
    private readonly name: string,
    private readonly argument: unknown,
  ) {
    super('', []);
  }

  override encode(): unknown {
    return { [`$${this.name}`]: encodeValue(this.argument) };
  }
}

/** Arguments given one by one, or as one array. */
export function spread(conditions: any[]): any[] {
  return conditions.length === 1 && Array.isArray(conditions[0]) ? conditions[0] : conditions;
}

/** The argument of an operator that takes an array. */
export function listed(name: string, value: unknown): unknown {
  if (!Array.isArray(value)) throw badParameterType(`_.${name} takes an array`);
  return value;
}

/** A place to compare with. */
export interface GeometryOption {
  geometry?: unknown;
}

/** The operators of queries on one field. */
export const QUERY_OPERATORS = {
  eq: (value: any) => new QueryCommand('eq', value),
  neq: (value: any) => new QueryCommand('neq', value),
  gt: (value: any) => new QueryCommand('gt', value),
  gte: (value: any) => new QueryCommand('gte', value),
  lt: (value: any) => new QueryCommand('lt', value),
  lte: (value: any) => new QueryCommand('lte', value),
  in: (values: any[]) => new QueryCommand('in', listed('in', values)),
  nin: (values: any[]) => new QueryCommand('nin', listed('nin', values)),
  exists: (wanted: boolean) => new QueryCommand('exists', wanted),
  /** `_.mod(10, 1)` and `_.mod([10, 1])`: divisor and remainder. */
  mod: (divisor: number | [number, number], remainder?: number) =>
    new QueryCommand('mod', Array.isArray(divisor) ? divisor : [divisor, remainder]),
  all: (values: any[]) => new QueryCommand('all', listed('all', values)),
  elemMatch: (condition: any) => new QueryCommand('elemMatch', condition),
  size: (length: number) => new QueryCommand('size', length),
  /** Distances in metres. */
  geoNear: (options: GeometryOption & { maxDistance?: number; minDistance?: number }) =>
    new QueryCommand('geoNear', options),
  /** `centerSphere`: `[[longitude, latitude], radius in radians]`. */
  geoWithin: (options: GeometryOption & { centerSphere?: unknown }) =>
    new QueryCommand('geoWithin', options),
  geoIntersects: (options: GeometryOption) => new QueryCommand('geoIntersects', options),
};

type QueryOperators = typeof QUERY_OPERATORS;

/** The wire form of `where(condition)`. */
export function encodeQuery(condition: unknown): Wire {
  if (condition instanceof LogicCommand) return encodeLogic(condition, '');
  if (!isPlainObject(condition)) throw badParameterType('where takes an object or a command');
  const query: Wire = {};
  addConditions(query, condition, '');
  return query;
}

function addConditions(query: Wire, conditions: Wire, prefix: string): void {
  for (const key of Object.keys(conditions)) {
    const value = conditions[key];
    if (value === undefined) continue;
    const path = prefix + key;
    if (value instanceof LogicCommand) {
      merge(query, encodeLogic(value, path));
    } else if (key.startsWith('$')) {
      merge(query, { [path]: rawOperand(value) });
    } else if (isPlainObject(value) && isNested(value)) {
      addConditions(query, value, `${path}.`);
    } else {
      merge(query, { [path]: encodeValue(value) });
    }
  }
}

// `{ a: { $gt: 1 } }` is an operator that the user wrote by hand, and `{ a: {} }` an empty object.
function isNested(value: Wire): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && !keys.some((key) => key.startsWith('$'));
}

function rawOperand(value: unknown): unknown {
  if (!Array.isArray(value)) return encodeValue(value);
  return value.map((item) => (isPlainObject(item) ? encodeQuery(item) : encodeValue(item)));
}

/** Logic on the field `path`, or on whole documents when `path` is empty. */
function encodeLogic(command: LogicCommand, path: string): Wire {
  if (command instanceof TopCommand) return command.encode() as Wire;
  if (command instanceof QueryCommand) {
    const operator = command.encode() as Wire;
    return path ? { [path]: operator } : operator;
  }
  const branches = command.operands.map((operand) => encodeBranch(operand, path));
  if (command.logic !== 'not') return { [`$${command.logic}`]: branches };
  const [operand] = command.operands;
  const simple = operand instanceof QueryCommand || !(operand instanceof LogicCommand);
  if (path && simple) return { [path]: { $not: encodeValue(operand) } };
  // `$not` takes no logic: "not (a and b)" is "none of (a and b)".
  return { $nor: branches };
}

function encodeBranch(operand: unknown, path: string): Wire {
  if (operand instanceof LogicCommand) return encodeLogic(operand, path);
  if (!path) return encodeQuery(operand);
  const query: Wire = {};
  addConditions(query, { [path]: operand }, '');
  return query;
}

// Two fields may both bring an `$or`: both must hold, so they go below one `$and`.
function merge(query: Wire, addition: Wire): void {
  for (const key of Object.keys(addition)) {
    if (!(key in query)) {
      query[key] = addition[key];
    } else if (key === '$and' || key === '$nor') {
      query[key] = query[key].concat(addition[key]);
    } else {
      query.$and = (query.$and || []).concat({ [key]: addition[key] });
    }
  }
}
