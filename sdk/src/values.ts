/**
 * Values of documents and their form on the wire (protocol 03 §2.2): dates, server dates, regular
 * expressions and places out and back. Operators are encoded by `encoding.ts`, not here.
 */

import { badParameter, badParameterType, CloudError, ERR_CODE } from './failure';
import { GeoValue, geoOf } from './geo';

/** The server's clock at the moment of writing, plus `offset` milliseconds. */
export class ServerDate {
  readonly options: { offset: number };

  constructor(options?: { offset?: number }) {
    const offset = options?.offset ?? 0;
    if (typeof offset !== 'number' || !Number.isFinite(offset)) {
      throw badParameterType('serverDate takes { offset } in milliseconds');
    }
    this.options = { offset };
  }
}

/** A regular expression for queries, `db.RegExp({ regexp, options })`. */
export class DatabaseRegExp {
  readonly regexp: string;
  readonly options: string;

  constructor({ regexp, options }: { regexp: string; options?: string }) {
    if (typeof regexp !== 'string' || regexp === '') {
      throw badParameter('db.RegExp takes { regexp } with a pattern');
    }
    this.regexp = regexp;
    this.options = options || '';
  }
}

/** An operator or another value that knows its own form on the wire. */
export abstract class Encodable {
  /** The form on the wire where the value of a field stands. */
  abstract encode(): unknown;
}

/** Whether `value` is an object to look into, and not a value of its own. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !isLeaf(value);
}

function isLeaf(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof ServerDate ||
    value instanceof DatabaseRegExp ||
    value instanceof GeoValue ||
    value instanceof Encodable
  );
}

/** The form of `value` on the wire; members that are undefined are dropped. */
export function encodeValue(value: unknown, parents: object[] = []): unknown {
  if (typeof value === 'bigint') throw badParameterType('a document cannot hold a BigInt');
  if (typeof value !== 'object' || value === null) return value;
  if (isLeaf(value)) return encodeLeaf(value);
  if (parents.includes(value)) {
    throw new CloudError('the data refers to itself', ERR_CODE.circularReference);
  }
  const path = [...parents, value];
  if (Array.isArray(value)) return value.map((item) => encodeValue(item, path));
  const encoded: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined && typeof member !== 'function')
      encoded[key] = encodeValue(member, path);
  }
  return encoded;
}

function encodeLeaf(value: object): unknown {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw badParameter('the data holds an invalid Date');
    return { $date: value.getTime() };
  }
  if (value instanceof RegExp) return { $regex: value.source, $options: value.flags };
  if (value instanceof DatabaseRegExp) return { $regex: value.regexp, $options: value.options };
  if (value instanceof ServerDate) return { $date: { offset: value.options.offset } };
  if (value instanceof GeoValue) return value.toJSON();
  return (value as Encodable).encode();
}

/** The value that `wire` stands for: Family A, and the EJSON that aggregates answer with. */
export function decodeValue(wire: unknown): any {
  if (Array.isArray(wire)) return wire.map(decodeValue);
  if (typeof wire !== 'object' || wire === null) return wire;
  const object = wire as Record<string, any>;
  const keys = Object.keys(object);
  if (keys.length <= 2 && keys[0]?.startsWith('$')) {
    const special = decodeSpecial(object, keys);
    if (special !== undefined) return special;
  }
  const decoded: Record<string, any> = {};
  for (const key of keys) decoded[key] = decodeValue(object[key]);
  return geoOf(decoded) || decoded;
}

function decodeSpecial(object: Record<string, any>, keys: string[]): unknown {
  if (keys.includes('$regex')) {
    return new DatabaseRegExp({ regexp: object.$regex, options: object.$options });
  }
  if (keys.length !== 1) return undefined;
  const inner = object[keys[0] as string];
  switch (keys[0]) {
    case '$date': {
      const ms = typeof inner === 'object' ? Number(inner?.$numberLong) : inner;
      return new Date(ms);
    }
    case '$oid':
      return inner;
    case '$numberInt':
    case '$numberLong':
    case '$numberDouble':
      return Number(inner);
    case '$regularExpression':
      return new DatabaseRegExp({ regexp: inner.pattern, options: inner.options });
    default:
      return undefined;
  }
}
