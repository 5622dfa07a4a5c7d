/**
 * `collection.aggregate()`: stages are sent in their order as the server's own language; only
 * `match` has the encoding of queries (protocol 03 §5.4).
 */

import { encodeQuery } from './conditions';
import { type Callbacks, settle } from './convention';
import { named } from './failure';
import { decodeValue, encodeValue } from './values';
import type { Place } from './wire';

interface Stage {
  name: string;
  value: unknown;
}

/** A pipeline under construction; every stage returns a longer one. */
export class Aggregate {
  constructor(
    private readonly place: Place,
    private readonly collectionName: string,
    private readonly stages: Stage[] = [],
  ) {}

  addFields = (fields: any) => this.with('addFields', fields);
  bucket = (options: any) => this.with('bucket', options);
  bucketAuto = (options: any) => this.with('bucketAuto', options);
  count = (fieldName: string) => this.with('count', fieldName);
  geoNear = (options: any) => this.with('geoNear', options);
  group = (group: any) => this.with('group', group);
  limit = (max: number) => this.with('limit', max);
  lookup = (options: any) => this.with('lookup', options);
  match = (condition: any) => this.with('match', condition);
  project = (fields: any) => this.with('project', fields);
  replaceRoot = (options: any) => this.with('replaceRoot', options);
  sample = (size: any) => this.with('sample', size);
  skip = (offset: number) => this.with('skip', offset);
  sort = (order: any) => this.with('sort', order);
  sortByCount = (expression: any) => this.with('sortByCount', expression);
  unwind = (path: string | object) => this.with('unwind', path);

  /** Runs the pipeline. */
  end(options?: Callbacks<{ list: any[]; errMsg: string }>): Promise<any> {
    const outcome = settle('collection.aggregate', options, async () => {
      const reply = await this.place.read('database.aggregate', {
        collectionName: this.collectionName,
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
