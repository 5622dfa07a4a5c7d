/**
 * An existing system behind the server, as its operators would write it: it believes who asks only
 * after verifying the signature that `docs/reference/services.md` describes.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

const signed = [
  'x-wx-appid',
  'x-wx-call-id',
  'x-wx-env',
  'x-wx-openid',
  'x-wx-service',
  'x-wx-source',
  'x-wx-unionid',
  'x-yunkai-function',
  'x-yunkai-uid',
];

/**
 * Whether a request carries this server's word about who asks.
 * @param {string} secret of the service
 * @param {{ method?: string, url?: string, headers: Record<string, any> }} request
 * @param {Buffer} body
 */
export function isGenuine(secret, { method, url, headers }, body) {
  const time = Number(headers['x-yunkai-timestamp']);
  if (!(Math.abs(Date.now() / 1000 - time) < 300)) return false;
  const hash = createHash('sha256').update(body).digest('hex');
  const lines = signed.map((name) => `${name}:${headers[name] ?? ''}\n`);
  const text = `v1\n${time}\n${method}\n${url}\n${hash}\n${lines.join('')}`;
  const expected = Buffer.from(`v1=${createHmac('sha256', secret).update(text).digest('hex')}`);
  const given = Buffer.from(String(headers['x-yunkai-signature']));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/**
 * @typedef {object} Seen
 * @property {string} method
 * @property {string} url
 * @property {Record<string, any>} headers
 * @property {Buffer} body
 */

/** An HTTP server that notes every request and answers as it is told. */
export class Legacy {
  /** @param {(seen: Seen, response: http.ServerResponse) => void} answer */
  constructor(answer) {
    /** @type {Seen[]} */
    this.seen = [];
    this.server = http.createServer((request, response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const seen = { method, url, headers, body: Buffer.concat(chunks) };
        this.seen.push(seen);
        answer(seen, response);
      });
    });
  }

  /** @param {number} [port] */
  async listen(port = 0) {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    const address = /** @type {import('node:net').AddressInfo} */ (this.server.address());
    this.port = address.port;
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async close() {
    this.server.closeAllConnections();
    if (this.server.listening) {
      this.server.close();
      await once(this.server, 'close');
    }
  }
}

/**
 * A running legacy system that ends with its owner.
 * @param {import('./server.mjs').Owner} owner
 * @param {(seen: Seen, response: http.ServerResponse) => void} answer
 */
export async function legacy(owner, answer) {
  const system = await new Legacy(answer).listen();
  owner.after(() => system.close());
  return system;
}
