/** What the tests of streams share: handing in records. */

/** @typedef {import('../../harness/server.mjs').Server} Server */

/**
 * Hands in records of a stream, as an administrator.
 * @param {Server} server
 * @param {string} stream
 * @param {unknown[]} records
 * @param {{ key?: string }} [options]
 * @returns {Promise<{ sequenceNumbers: number[] }>}
 */
export async function send(server, stream, records, { key } = {}) {
  const response = await fetch(`${server.url}/v1/streams/${stream}/records`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key ?? server.credentials().apiKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ records }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}
