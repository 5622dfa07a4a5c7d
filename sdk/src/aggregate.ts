/**
 * `collection.aggregate()`: stages are sent in their order as the server's own language; only
 * `match` has the encoding of queries (protocol 03 §5.4).
 */

import { encodeQuery } from './conditions';
import { type Callbacks, settle } from './convention';
import { badParameter, named } from './failure';
import { decodeValue, encodeValue } from './values';
import type { Place } from './wire';

const STAGES = [
  'addFields',
  'bucket',
  'bucketAuto',
  'count',
  'geoNear',
  'group',
  'limit',
  'lookup',
  'match',
  'project',
  'replaceRoot',
  'sample',
  'skip',
  'sort',
  'sortByCount',
  'unwind',
] as const;

interface Stage {
  name: string;
  value: unknown;
}

/** A pipeline under construction; every stage returns a longer one. */
export class Aggregate {
  constructor(
    private readonly place: Place | null,
    private readonly collectionName: string,
    private readonly stages: Stage[] = [],
  ) {
    for (const name of STAGES) this[name] = (value: any) => this.with(name, value);
  }

  declare addFields: (fields: any) => Aggregate;
  declare bucket: (options: any) => Aggregate;
  declare bucketAuto: (options: any) => Aggregate;
  declare count: (fieldName: string) => Aggregate;
  declare geoNear: (options: any) => Aggregate;
  declare group: (group: any) => Aggregate;
  declare limit: (max: number) => Aggregate;
  declare lookup: (options: any) => Aggregate;
  declare match: (condition: any) => Aggregate;
  declare project: (fields: any) => Aggregate;
  declare replaceRoot: (options: any) => Aggregate;
  declare sample: (size: any) => Aggregate;
  declare skip: (offset: number) => Aggregate;
  declare sort: (order: any) => Aggregate;
  declare sortByCount: (expression: any) => Aggregate;
  declare unwind: (path: string | object) => Aggregate;

  /** The stages as a value, for `lookup({ pipeline })`. */
  done(): object[] {
    return this.stages.map(({ name, value }) => ({ [`$${name}`]: value }));
  }

  /** Runs the pipeline. */
  end(options?: Callbacks<{ list: any[]; errMsg: string }>): Promise<any> {
    const outcome = settle('collection.aggregate', options, async () => {
      if (!this.place) throw badParameter('a pipeline ends with done()');
      const reply = await this.place.read('database.aggregate', {
        collectionName: this.collectionName,
        // Without a stage that says more, as in a mini program.
        limit: 20,
        stages: this.stages.map(({ name, value }) => ({
          stageKey: `$${name}`,
          stageValue: JSON.stringify(value),
        })),
      });
      return { list: listOf(reply.list) };
    });
    return outcome as Promise<any>;
  }

  private with(name: string, value: unknown): Aggregate {
    try {
      const encoded = name === 'match' ? encodeQuery(value) : encodeValue(value);
      return new Aggregate(this.place, this.collectionName, [
        ...this.stages,
        { name, value: encoded },
      ]);
    } catch (cause) {
      throw named('collection.aggregate', cause);
    }
  }
}

// The list arrives as text, and its documents as texts within it (protocol 03 §4).
function listOf(list: unknown): any[] {
  const items: unknown = typeof list === 'string' ? JSON.parse(list) : list;
  if (!Array.isArray(items)) return [];
  return items.map((item) => decodeValue(typeof item === 'string' ? JSON.parse(item) : item));
}
