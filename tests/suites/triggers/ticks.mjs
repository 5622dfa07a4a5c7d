/** What the tests of triggers share: asking the API, and reading what the functions noted. */
import { nodeSdk } from '../../harness/vendor.mjs';

/** @typedef {import('../../harness/server.mjs').Server} Server */

/**
 * A request to `/_api/…`, answered in JSON.
 * @param {Server} server
 * @param {string} method
 * @param {string} path
 * @param {{ key?: string, body?: unknown }} [options]
 * @returns {Promise<any>}
 */
export async function api(server, method, path, { key, body } = {}) {
  const response = await fetch(`${server.url}/_api/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key ?? server.credentials().apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}

/**
 * Every document of a collection, in the order of `_id`.
 * @param {Server} server
 * @param {string} [name]
 * @returns {Promise<any[]>}
 */
export async function ticksOf(server, name = 'ticks') {
  /** @type {any[]} */
  const found = [];
  const collection = nodeSdk(server).database().collection(name);
  for (;;) {
    /** @type {{ data: any[] }} */
    const { data } = await collection.skip(found.length).limit(1000).get();
    found.push(...data);
    if (data.length < 1000) return found;
  }
}

/**
 * The events that `follower` was run for, in the order of its runs.
 * @param {Server} server
 * @returns {Promise<any[]>}
 */
export async function eventsOf(server) {
  const noted = await ticksOf(server, 'events');
  return noted.sort((a, b) => a.at - b.at).map(({ event }) => JSON.parse(event));
}
