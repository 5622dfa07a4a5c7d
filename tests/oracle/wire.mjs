/**
 * Runs rows of the document language through `/admin`, in the dialect that keeps every kind of
 * value. A row has a collection of its own; documents without `_id` get their place as one, which
 * is taken out of the answers again.
 */
import { admin } from '../harness/wire.mjs';

/**
 * @typedef {import('./rows.mjs').Row} Row
 * @typedef {{ data?: any, code?: string, message?: string }} Body
 */

/** The wire to one server. */
export class Wire {
  /**
   * @param {import('../harness/server.mjs').Server} server
   * @param {import('../harness/oracle.mjs').Language} language
   */
  constructor(server, language) {
    this.server = server;
    this.language = language;
  }

  /**
   * Runs one row; says what is wrong, or nothing.
   * @param {string} collection its name, used by no other row
   * @param {Row} row
   * @returns {Promise<string | undefined>}
   */
  async run(collection, row) {
    const documents = row.documents ?? [row.document ?? {}];
    const made = await this.fill(collection, documents);
    if (made.code) return `not stored: ${made.code} ${made.message}`;
    if ('update' in row) return this.update(collection, row);
    if ('pipeline' in row || 'expression' in row) return this.pipeline(collection, row);
    if ('projection' in row) return this.projection(collection, row);
    if ('sort' in row) return this.sort(collection, row);
    if ('filter' in row) return this.filter(collection, row);
    return 'a kind of row that the wire does not know';
  }

  /**
   * Makes the collection with its documents.
   * @param {string} collection
   * @param {any[]} documents
   * @returns {Promise<Body>}
   */
  async fill(collection, documents) {
    const created = await this.send('addCollection', collection, {});
    if (created.code || documents.length === 0) return created;
    const data = documents.map((document, _id) => JSON.stringify({ _id, ...document }));
    return this.send('insertDocument', collection, { data });
  }

  /**
   * @param {string} action
   * @param {string} collectionName
   * @param {Record<string, unknown>} params
   * @returns {Promise<Body>}
   */
  async send(action, collectionName, params) {
    const envelope = { action: `database.${action}`, collectionName, ...params };
    return (await admin(this.server, envelope)).body;
  }

  /**
   * The ids that are found, as text.
   * @param {string} collection
   * @param {Row} row
   * @param {Record<string, unknown>} params
   * @param {number[]} expected the places of the documents in the row
   */
  async ids(collection, row, params, expected) {
    const body = await this.send('getDocument', collection, {
      queryType: 'WHERE',
      query: '{}',
      limit: 1000,
      projection: '{"_id":1}',
      ...params,
    });
    if (row.error || body.code) return refusal(row, body);
    const documents = expected.map((place) => ({ _id: row.documents[place]._id ?? place }));
    return differs(body.data.list, await this.canonical(documents));
  }

  /**
   * @param {string} collection
   * @param {Row} row
   */
  async filter(collection, row) {
    const query = JSON.stringify(row.filter);
    const wrong = await this.ids(collection, row, { query }, row.matches);
    if (wrong || row.error) return wrong;
    const counted = await this.send('calculateDocument', collection, { queryType: 'WHERE', query });
    const total = counted.data?.total;
    return total === row.matches.length ? undefined : `counted ${JSON.stringify(counted)}`;
  }

  /**
   * @param {string} collection
   * @param {Row} row
   */
  sort(collection, row) {
    return this.ids(collection, row, { order: JSON.stringify(row.sort) }, row.order);
  }

  /**
   * @param {string} collection
   * @param {Row} row
   */
  async projection(collection, row) {
    const body = await this.send('getDocument', collection, {
      queryType: 'WHERE',
      query: JSON.stringify(row.filter ?? {}),
      projection: JSON.stringify(row.projection),
    });
    if (row.error || body.code) return refusal(row, body);
    return this.compare(row, body.data.list, row.becomes);
  }

  /**
   * @param {string} collection
   * @param {Row} row
   */
  async update(collection, row) {
    if (row.insert) return this.upsert(collection, row);
    const query = JSON.stringify({ ...row.filter, _id: row.document._id ?? 0 });
    const body = await this.send('modifyDocument', collection, {
      queryType: 'WHERE',
      query,
      data: JSON.stringify(row.update),
      arrayFilters: row.arrayFilters,
      merge: true,
      multi: false,
      upsert: false,
    });
    const found = await this.send('getDocument', collection, { queryType: 'WHERE', query: '{}' });
    const changes = 'becomes' in row && row.becomes !== 'same';
    const wrong = await this.compare(
      row,
      found.data.list,
      changes && !row.error ? row.becomes : row.document,
    );
    if (row.error || body.code) return refusal(row, body) ?? wrong;
    if (body.data.updated !== (changes ? 1 : 0)) return `updated ${body.data.updated}`;
    return wrong;
  }

  /**
   * The document of the row is what the conditions of the upsert make.
   * @param {string} collection
   * @param {Row} row
   */
  async upsert(collection, row) {
    const seed = { _id: 'made', ...row.document };
    const body = await this.send('modifyDocument', collection, {
      queryType: 'WHERE',
      query: JSON.stringify(seed),
      data: JSON.stringify(row.update),
      merge: true,
      multi: false,
      upsert: true,
    });
    if (row.error || body.code) return refusal(row, body);
    const found = await this.send('getDocument', collection, {
      queryType: 'WHERE',
      query: JSON.stringify({ _id: seed._id }),
    });
    return this.compare(row, found.data.list, row.becomes === 'same' ? row.document : row.becomes);
  }

  /**
   * Runs stages, or an expression as the only field of the result.
   * @param {string} collection
   * @param {Row} row
   */
  async pipeline(collection, row) {
    let pipeline = row.pipeline ?? [{ $replaceRoot: { newRoot: { value: row.expression } } }];
    for (const [name, documents] of Object.entries(row.collections ?? {})) {
      const own = `${collection}_${name}`;
      pipeline = renamed(pipeline, name, own);
      const made = await this.fill(own, documents);
      if (made.code) return `not stored: ${made.code} ${made.message}`;
    }
    const stages = pipeline.flatMap((/** @type {object} */ stage) =>
      Object.entries(stage).map(([stageKey, value]) => ({
        stageKey,
        stageValue: JSON.stringify(value),
      })),
    );
    const body = await this.send('aggregateDocuments', collection, { stages });
    if (row.error || body.code) return refusal(row, body);
    const value = 'value' in row ? { value: row.value } : {};
    const expected = await this.canonical('expression' in row ? [value] : row.gives);
    const found = body.data.list;
    return row.any_order ? differs(found.sort(), expected.sort()) : differs(found, expected);
  }

  /**
   * Compares the only document found with the expected one.
   * @param {Row} row
   * @param {string[]} list
   * @param {any} expected
   */
  async compare(row, list, expected) {
    const wanted = await this.canonical([expected ?? {}]);
    if ('_id' in (expected ?? {}) || '_id' in (row.document ?? {})) return differs(list, wanted);
    const without = list.map((text) => {
      const { _id, ...rest } = JSON.parse(text);
      return JSON.stringify(rest);
    });
    return differs(
      without,
      wanted.map((text) => JSON.stringify(JSON.parse(text))),
    );
  }

  /**
   * Documents as the wire writes them.
   * @param {any[]} documents
   * @returns {Promise<string[]>}
   */
  async canonical(documents) {
    const [answer] = await this.language.ask([{ kind: 'canonical', documents }]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.ok;
  }
}

/**
 * Stages in which a collection has another name.
 * @param {any} stages
 * @param {string} name
 * @param {string} own
 * @returns {any}
 */
function renamed(stages, name, own) {
  if (Array.isArray(stages)) return stages.map((stage) => renamed(stage, name, own));
  if (stages === null || typeof stages !== 'object') return stages;
  const entries = Object.entries(stages).map(([field, value]) => {
    const isName = ['from', 'coll', '$unionWith'].includes(field) && value === name;
    return [field, isName ? own : renamed(value, name, own)];
  });
  return Object.fromEntries(entries);
}

/**
 * @param {Row} row
 * @param {Body} body
 */
function refusal(row, body) {
  if (!row.error) return `refused: ${body.code} ${body.message}`;
  if (!body.code) return `not refused: ${JSON.stringify(body)}`;
  const message = String(body.message);
  if (message.includes(row.error) && message.includes(' / ')) return undefined;
  return `refused with "${message}" in place of "${row.error}"`;
}

/**
 * @param {string[]} found
 * @param {string[]} expected
 */
function differs(found, expected) {
  if (JSON.stringify(found) === JSON.stringify(expected)) return undefined;
  return `found ${found.join(' ')}, expected ${expected.join(' ')}`;
}
