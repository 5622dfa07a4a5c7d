/** The API about what happened, as the console and the command line ask it. */
import assert from 'node:assert/strict';
import { refusal } from './caller.mjs';
import { eventually } from './eventually.mjs';
import { request } from './wire.mjs';

/** @typedef {import('./server.mjs').Server} Server */
/** @typedef {import('./caller.mjs').Caller} Caller */

/**
 * The record of a call that met no worker with the function's code. A deploy prepares one in its
 * own time, so the worker is ended first, again if another was prepared meanwhile.
 * @param {Server} server
 * @param {Caller} caller
 * @param {string} name a function made of the fixture `failing`
 * @returns {Promise<any>}
 */
export function coldCall(server, caller, name) {
  return eventually(`a call of ${name} is cold`, async () => {
    await refusal(caller.call(name, { how: 'exit' }));
    const { requestId } = await caller.invoke(name, { how: 'return null' });
    const { invocation } = await ask(server, `invocations/${requestId}`);
    return invocation.cold && invocation;
  });
}

/**
 * Asks `/_api/…` with the key; the body of a success.
 * @param {Server} server
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @returns {Promise<any>}
 */
export async function ask(server, path, query = {}) {
  const { status, body } = await request(address(server, path, query), {
    headers: { authorization: `Bearer ${server.credentials().apiKey}` },
  });
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}

/**
 * Follows the log: every line of JSON, as it comes, until the caller stops taking them.
 * @param {Server} server
 * @param {Record<string, string | number>} [query]
 * @returns {AsyncGenerator<any, void>}
 */
export async function* follow(server, query = {}) {
  const stop = new AbortController();
  const response = await fetch(address(server, 'logs', { ...query, follow: 1 }), {
    headers: { authorization: `Bearer ${server.credentials().apiKey}` },
    signal: stop.signal,
  });
  assert.equal(response.status, 200);
  let begun = '';
  try {
    for await (const chunk of /** @type {any} */ (response.body)) {
      const lines = (begun + Buffer.from(chunk).toString()).split('\n');
      begun = /** @type {string} */ (lines.pop());
      for (const line of lines) if (line) yield JSON.parse(line);
    }
  } finally {
    stop.abort();
  }
}

/**
 * @param {Server} server
 * @param {string} path
 * @param {Record<string, string | number>} query
 */
function address(server, path, query) {
  const text = new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)]));
  return `${server.url}/_api/${path}?${text}`;
}
