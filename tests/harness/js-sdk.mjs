/**
 * The vendor's client SDK of the first generation in Node, by the custom adapter that its
 * documentation describes: requests, forms and a store in memory. It forges nothing.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** @typedef {import('./server.mjs').Server} Server */

/** A store of strings that forgets with the process. */
class Memory {
  constructor() {
    /** @type {Map<string, string>} */
    this.map = new Map();
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    this.map.set(key, value);
  }

  /** @param {string} key */
  getItem(key) {
    return this.map.get(key) ?? null;
  }

  /** @param {string} key */
  removeItem(key) {
    this.map.delete(key);
  }

  clear() {
    this.map.clear();
  }
}

/** Requests by `fetch`; addresses come without a scheme when the page gives it. */
class Requests {
  /** @param {{ url: string, data?: any, headers?: any }} options */
  async post({ url, data, headers }) {
    return answer(
      await fetch(absolute(url), { method: 'POST', headers, body: JSON.stringify(data) }),
    );
  }

  /** @param {{ url: string, headers?: any }} options */
  async get({ url, headers }) {
    return answer(await fetch(absolute(url), { headers }));
  }

  /** @param {{ url: string, file: any, data: Record<string, string>, headers?: any }} options */
  async upload({ url, file, data, headers }) {
    const form = new FormData();
    for (const [name, value] of Object.entries(data)) form.append(name, value);
    form.append('file', file);
    return answer(await fetch(absolute(url), { method: 'POST', headers, body: form }));
  }

  /** @param {{ url: string, headers?: any }} options */
  async download({ url, headers }) {
    const response = await fetch(absolute(url), { headers });
    return { statusCode: response.status, data: await response.arrayBuffer(), header: {} };
  }
}

/** @param {string} url */
function absolute(url) {
  return url.startsWith('//') ? `http:${url}` : url;
}

/** @param {Response} response */
async function answer(response) {
  const text = await response.text();
  /** @type {any} */
  let data = text;
  try {
    data = JSON.parse(text);
  } catch {
    // XML of an upload stays text.
  }
  return { statusCode: response.status, data, header: Object.fromEntries(response.headers) };
}

/**
 * An app of `@cloudbase/js-sdk` 1.8.4 pointed at the server.
 * @param {Server} server
 * @returns {any}
 */
export function jsSdk(server) {
  const sdk = require('js-sdk-1');
  const cloudbase = sdk.default ?? sdk;
  const store = new Memory();
  const adapter = {
    root: {},
    reqClass: Requests,
    wsClass: WebSocketLess,
    localStorage: store,
    primaryStorage: 'local',
  };
  const runtime = { isMatch: () => true, genAdapter: () => adapter, runtime: 'web' };
  cloudbase.useAdapters(runtime);
  cloudbase.registerEndPoint(`http://${server.host}/web`, 'http');
  return cloudbase.init({ env: server.credentials().envId });
}

/** Live queries are not driven here. */
class WebSocketLess {
  constructor() {
    throw new Error('no live queries in this adapter');
  }
}
