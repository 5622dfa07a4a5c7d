/**
 * `cloud.database()`: collections, queries and documents, with the result shapes of wx.cloud
 * (protocol 04 §8). A query is built by copying: a reference that is kept never changes.
 */

import { Aggregate } from './aggregate';
import { callable } from './callable';
import { encodeUpdate } from './changes';
import { command, encodeProjection } from './command';
import { encodeQuery } from './conditions';
import { type Callbacks, settle, type WithCallbacks, type WithoutCallbacks } from './convention';
import { badParameter, badParameterType, CloudError, named } from './failure';
import { Geo } from './geo';
import { DatabaseRegExp, decodeValue, encodeValue, isPlainObject, ServerDate } from './values';
import type { Place } from './wire';

/** What one `get` returns at most, as in wx.cloud. */
const GET_LIMIT_MAX = 20;

/** A document as the application sees it. */
export interface DocumentData {
  _id?: string | number;
  [field: string]: any;
}

/** The result of every successful call carries `errMsg: "…:ok"`. */
export interface Ok {
  errMsg: string;
}

type Options<T> = Callbacks<T & Ok>;
type DataOptions<T> = Options<T> & { data: Record<string, any> };

/** `cloud.database()`. */
export class Database {
  readonly config: { env: string };
  readonly command = command;
  readonly Geo = Geo;
  readonly RegExp = callable(DatabaseRegExp);
  readonly serverDate = (options?: { offset?: number }): ServerDate => new ServerDate(options);

  constructor(private readonly place: Place) {
    this.config = { env: place.env };
  }

  collection(name: string): CollectionReference {
    if (typeof name !== 'string' || name === '') {
      throw named('database.collection', badParameter('a collection needs a name'));
    }
    return new CollectionReference(this.place, name);
  }
}

/** What a query has gathered so far. */
interface Gathered {
  where?: Record<string, any>;
  order: { field: string; direction: string }[];
  offset?: number;
  limit?: number;
  projection?: Record<string, any>;
}

/** Documents of a collection by a condition. */
export class Query {
  constructor(
    protected readonly place: Place,
    readonly collectionName: string,
    private readonly gathered: Gathered = { order: [] },
  ) {}

  /** Adds a condition; two of them must both hold. */
  where(condition: Record<string, any>): Query {
    const added = checked('collection.where', () => encodeQuery(condition));
    const before = this.gathered.where;
    return this.with({ where: before ? { $and: [before, added] } : added });
  }

  orderBy(fieldPath: string, order: string): Query {
    const { order: before } = this.gathered;
    if (typeof fieldPath !== 'string' || (order !== 'asc' && order !== 'desc')) {
      throw named('collection.orderBy', badParameter('orderBy takes a field and "asc" or "desc"'));
    }
    return this.with({ order: before.concat({ field: fieldPath, direction: order }) });
  }

  /** At most `max` documents; more than 20 are never returned at once. */
  limit(max: number): Query {
    return this.with({ limit: whole('collection.limit', max) });
  }

  skip(offset: number): Query {
    return this.with({ offset: whole('collection.skip', offset) });
  }

  /** Only the fields marked true, or all but those marked false. */
  field(fields: Record<string, any>): Query {
    return this.with({ projection: checked('collection.field', () => encodeProjection(fields)) });
  }

  get(options: WithCallbacks<Options<{ data: DocumentData[] }>>): void;
  get(
    options?: WithoutCallbacks<Options<{ data: DocumentData[] }>>,
  ): Promise<{ data: DocumentData[] } & Ok>;
  get(options?: unknown): any {
    return settle('collection.get', options, async () => {
      const { order, offset, limit, projection } = this.gathered;
      const reply = await this.place.read('database.queryDocument', {
        ...this.target(),
        order: order.length > 0 ? order : undefined,
        offset,
        limit: Math.min(limit ?? GET_LIMIT_MAX, GET_LIMIT_MAX),
        projection,
      });
      return { data: decodeList(reply) };
    });
  }

  count(options: WithCallbacks<Options<{ total: number }>>): void;
  count(options?: WithoutCallbacks<Options<{ total: number }>>): Promise<{ total: number } & Ok>;
  count(options?: unknown): any {
    return settle('collection.count', options, async () => {
      const reply = await this.place.read('database.countDocument', this.target());
      return { total: Number(reply.total) || 0 };
    });
  }

  /** Changes all documents of the condition; `updated` counts those that really changed. */
  update(options: WithCallbacks<DataOptions<Updated>>): void;
  update(options: WithoutCallbacks<DataOptions<Updated>>): Promise<Updated & Ok>;
  update(options: any): any {
    return settle('collection.update', options, async () => {
      const reply = await this.place.call('database.updateDocument', {
        ...this.target(),
        data: changes(options),
        multi: true,
        merge: true,
        upsert: false,
      });
      return { stats: { updated: Number(reply.updated) || 0 } };
    });
  }

  /** Removes all documents of the condition. */
  remove(options: WithCallbacks<Options<Removed>>): void;
  remove(options?: WithoutCallbacks<Options<Removed>>): Promise<Removed & Ok>;
  remove(options?: unknown): any {
    return settle('collection.remove', options, async () => {
      const target = { ...this.target(), multi: true };
      const reply = await this.place.call('database.deleteDocument', target);
      return { stats: { removed: Number(reply.deleted) || 0 } };
    });
  }

  private with(addition: Partial<Gathered>): Query {
    return new Query(this.place, this.collectionName, { ...this.gathered, ...addition });
  }

  private target() {
    const { where } = this.gathered;
    return { collectionName: this.collectionName, queryType: 'WHERE', query: where };
  }
}

/** The count of changed documents. */
export interface Updated {
  stats: { updated: number };
}

/** The count of removed documents. */
export interface Removed {
  stats: { removed: number };
}

/** What `add` gives: the id, or `_ids` for an array of documents. */
export interface Added {
  _id: string | number;
  _ids?: (string | number)[];
}

/** What `set` gives. */
export interface SetResult {
  _id: string | number;
  stats: { updated: number; created: number };
}

/** `db.collection(name)`. */
export class CollectionReference extends Query {
  doc(id: string | number): DocumentReference {
    if ((typeof id !== 'string' && typeof id !== 'number') || id === '') {
      throw named('collection.doc', badParameterType('the id of a document is a string or number'));
    }
    return new DocumentReference(this.place, this.collectionName, id);
  }

  /** Adds a document, or several when `data` is an array; missing `_id`s are made by the server. */
  add(options: WithCallbacks<DataOptions<Added>>): void;
  add(options: WithoutCallbacks<DataOptions<Added>>): Promise<Added & Ok>;
  add(options: any): any {
    return settle('collection.add', options, async () => {
      const { collectionName } = this;
      const data = options?.data;
      const many = Array.isArray(data);
      if (!(many ? data : [data]).every(isPlainObject)) throw badParameterType('data is an object');
      const reply = await this.place.call('database.addDocument', {
        collectionName,
        data: encodeValue(data),
      });
      const { _id, insertedIds } = reply;
      return many ? { _id: insertedIds?.[0], _ids: insertedIds || [] } : { _id };
    });
  }

  aggregate(): Aggregate {
    return new Aggregate(this.place, this.collectionName);
  }
}

/** `db.collection(name).doc(id)`. */
export class DocumentReference {
  constructor(
    private readonly place: Place,
    private readonly collectionName: string,
    private readonly id: string | number,
    private readonly projection?: Record<string, any>,
  ) {}

  field(fields: Record<string, any>): this {
    const projection = checked('document.field', () => encodeProjection(fields));
    return new DocumentReference(this.place, this.collectionName, this.id, projection) as this;
  }

  /** The document; fails when there is none, or none the caller may read. */
  get(options: WithCallbacks<Options<{ data: DocumentData }>>): void;
  get(
    options?: WithoutCallbacks<Options<{ data: DocumentData }>>,
  ): Promise<{ data: DocumentData } & Ok>;
  get(options?: unknown): any {
    return settle('document.get', options, async () => {
      const reply = await this.place.read('database.queryDocument', {
        ...this.target(),
        projection: this.projection,
      });
      const [data] = decodeList(reply);
      if (!data) throw new CloudError(`document with _id ${this.id} does not exist`, -1);
      return { data };
    });
  }

  /** Replaces the document, or makes it. */
  set(options: WithCallbacks<DataOptions<SetResult>>): void;
  set(options: WithoutCallbacks<DataOptions<SetResult>>): Promise<SetResult & Ok>;
  set(options?: any): any {
    return settle('document.set', options, async () => {
      if (!isPlainObject(options?.data)) throw badParameterType('data is an object');
      const data = encodeValue(options.data);
      const reply = await this.change({ data, merge: false, upsert: true });
      const created = reply.upserted_id ?? reply.upsert_id ?? null;
      const updated = Number(reply.updated) || 0;
      return { _id: created ?? this.id, stats: { updated, created: created === null ? 0 : 1 } };
    });
  }

  update(options: WithCallbacks<DataOptions<Updated>>): void;
  update(options: WithoutCallbacks<DataOptions<Updated>>): Promise<Updated & Ok>;
  update(options?: any): any {
    return settle('document.update', options, async () => {
      const data = changes(options);
      const reply = await this.change({ data, merge: true, upsert: false });
      return { stats: { updated: Number(reply.updated) || 0 } };
    });
  }

  remove(options: WithCallbacks<Options<Removed>>): void;
  remove(options?: WithoutCallbacks<Options<Removed>>): Promise<Removed & Ok>;
  remove(options?: unknown): any {
    return settle('document.remove', options, async () => {
      const reply = await this.place.call('database.deleteDocument', this.target());
      return { stats: { removed: Number(reply.deleted) || 0 } };
    });
  }

  private async change(params: object): Promise<any> {
    const reply = await this.place.call('database.updateDocument', { ...this.target(), ...params });
    return reply;
  }

  private target() {
    const { collectionName, id } = this;
    return { collectionName, queryType: 'DOC', query: { _id: id }, multi: false };
  }
}

function changes(options: { data?: unknown } | undefined): Record<string, any> {
  const data = encodeUpdate(options?.data);
  if (Object.keys(data).length === 0) throw badParameter('data changes nothing');
  return data;
}

function decodeList(data: { list?: unknown }): DocumentData[] {
  return Array.isArray(data.list) ? data.list.map(decodeValue) : [];
}

function whole(api: string, value: number): number {
  if (!Number.isInteger(value) || value < 0) {
    throw named(api, badParameterType('a whole number of at least 0 is needed'));
  }
  return value;
}

// Building a query fails at once, under the name of the step, as in wx.cloud.
function checked<T>(api: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw named(api, cause);
  }
}
