/**
 * A WebSocket client by hand: the handshake with any headers, messages in order, the end. What a
 * server may send is read; fragments and extensions are not asked for.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { eventually } from './eventually.mjs';

/** One connection. */
export class Socket {
  /**
   * @param {import('node:net').Socket} stream
   * @param {http.IncomingMessage} response
   * @param {Buffer} head
   */
  constructor(stream, response, head) {
    this.stream = stream;
    this.headers = response.headers;
    /** @type {(string | Buffer)[]} */
    this.messages = [];
    this.closed = false;
    this.rest = head;
    stream.on('data', (/** @type {Buffer} */ chunk) => this.read(chunk));
    stream.on('close', () => {
      this.closed = true;
    });
    stream.on('error', () => {});
    this.read(Buffer.alloc(0));
  }

  /** @param {Buffer} chunk */
  read(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      if (this.rest.length < 2) return;
      let length = this.rest[1] & 0x7f;
      let at = 2;
      if (length === 126) {
        if (this.rest.length < 4) return;
        length = this.rest.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (this.rest.length < 10) return;
        length = Number(this.rest.readBigUInt64BE(2));
        at = 10;
      }
      if (this.rest.length < at + length) return;
      const kind = this.rest[0] & 0x0f;
      const data = this.rest.subarray(at, at + length);
      this.rest = this.rest.subarray(at + length);
      if (kind === 1) this.messages.push(data.toString());
      else if (kind === 2) this.messages.push(Buffer.from(data));
      else if (kind === 8) this.stream.end();
    }
  }

  /** @param {string | Uint8Array} message */
  send(message) {
    const text = typeof message === 'string';
    this.frame(text ? 1 : 2, Buffer.from(/** @type {any} */ (message)));
  }

  /** @param {number} kind @param {Buffer} data */
  frame(kind, data) {
    const mask = randomBytes(4);
    const head =
      data.length < 126
        ? Buffer.from([0x80 | kind, 0x80 | data.length])
        : data.length < 65_536
          ? Buffer.from([0x80 | kind, 0xfe, data.length >> 8, data.length & 0xff])
          : Buffer.concat([Buffer.from([0x80 | kind, 0xff]), big(data.length)]);
    const masked = data.map((byte, at) => byte ^ mask[at % 4]);
    this.stream.write(Buffer.concat([head, mask, masked]));
  }

  /** @param {number} count */
  async received(count) {
    await eventually(`${count} messages arrive`, () => this.messages.length >= count);
    return this.messages;
  }

  async gone() {
    await eventually('the connection ends', () => this.closed);
  }

  close() {
    this.frame(8, Buffer.alloc(0));
  }
}

/** @param {number} length */
function big(length) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/**
 * Opens a WebSocket; a refusal is an answer with a status.
 * @param {import('./server.mjs').Owner} owner
 * @param {string} url `http://…`
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ socket?: Socket, status: number, text: string }>}
 */
export async function connect(owner, url, headers = {}) {
  const request = http.get(url, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers,
    },
  });
  const upgraded = once(request, 'upgrade').then(([response, stream, head]) => {
    const socket = new Socket(stream, response, head);
    owner.after(async () => void stream.destroy());
    return { socket, status: 101, text: '' };
  });
  const answered = once(request, 'response').then(async ([response]) => {
    let text = '';
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, text };
  });
  return Promise.race([upgraded, answered]);
}
