/**
 * Envelopes sent by hand, for what no SDK would send: malformed bodies, unknown actions, missing
 * and forged proofs of identity.
 */

/** @typedef {import('./server.mjs').Server} Server */

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {any} body the parsed JSON, or the text when it is not JSON
 * @property {Headers} headers
 */

/**
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<Reply>}
 */
export async function request(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  /** @type {any} */
  let body = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON: the test sees the text and says so.
  }
  return { status: response.status, body, headers: response.headers };
}

/**
 * One envelope to `/admin`, with the API key unless the headers say otherwise.
 * @param {Server} server
 * @param {unknown} envelope an object, or a string that is sent as it is
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Reply>}
 */
export function admin(server, envelope, headers) {
  const { envId, apiKey } = server.credentials();
  const proof = headers ?? { authorization: `Bearer ${apiKey}` };
  const whole =
    envelope !== null && typeof envelope === 'object' && !Array.isArray(envelope)
      ? { envName: envId, ...envelope }
      : envelope;
  return request(`${server.url}/admin?env=${envId}&seqId=test_1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...proof },
    body: typeof whole === 'string' ? whole : JSON.stringify(whole),
  });
}

/**
 * One envelope to `/web`.
 * @param {Server} server
 * @param {unknown} envelope an object, or a string that is sent as it is
 * @returns {Promise<Reply>}
 */
export function web(server, envelope) {
  const { envId } = server.credentials();
  return request(`${server.url}/web?env=${envId}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json;charset=UTF-8',
      'x-sdk-version': '@cloudbase/js-sdk/1.8.4',
    },
    body: typeof envelope === 'string' ? envelope : JSON.stringify(envelope),
  });
}
