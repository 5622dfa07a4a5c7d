/** A debugger as an editor is one: it speaks the inspector's protocol over a WebSocket. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

/** One attached debugger. */
export class Debugger {
  /** @param {net.Socket} socket */
  constructor(socket) {
    this.socket = socket;
    this.number = 0;
    /** @type {Map<number, { done: (result: any) => void, fail: (error: Error) => void }>} */
    this.asked = new Map();
    /** @type {any[]} events nobody has waited for yet */
    this.events = [];
    /** @type {{ method: string, done: (params: any) => void }[]} */
    this.waiting = [];
    this.received = Buffer.alloc(0);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => {});
  }

  /**
   * Attaches, until the owner ends.
   * @param {import('./server.mjs').Owner} owner
   * @param {string} url
   */
  static async attach(owner, url) {
    const { hostname, port, pathname, host } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    owner.after(async () => {
      socket.destroy();
    });
    await once(socket, 'connect');
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    let head = '';
    while (!head.includes('\r\n\r\n')) head += (await once(socket, 'data'))[0].toString('latin1');
    const magic = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(magic).digest('base64');
    if (!head.includes(accept)) throw new Error(`no WebSocket at ${url}: ${head}`);
    const made = new Debugger(socket);
    made.#receive(Buffer.from(head.slice(head.indexOf('\r\n\r\n') + 4), 'latin1'));
    return made;
  }

  /**
   * Asks and waits for the answer.
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   * @returns {Promise<any>}
   */
  send(method, params = {}) {
    this.number += 1;
    const id = this.number;
    this.#write(0x1, Buffer.from(JSON.stringify({ id, method, params })));
    return new Promise((done, fail) => this.asked.set(id, { done, fail }));
  }

  /**
   * Waits for an event, or takes one that came already.
   * @param {string} method
   * @returns {Promise<any>}
   */
  event(method) {
    const at = this.events.findIndex((it) => it.method === method);
    if (at >= 0) return Promise.resolve(this.events.splice(at, 1)[0].params);
    return new Promise((done) => this.waiting.push({ method, done }));
  }

  /** Detaches. */
  close() {
    this.#write(0x8, Buffer.alloc(0));
    this.socket.end();
  }

  /**
   * @param {number} kind
   * @param {Buffer} payload
   */
  #write(kind, payload) {
    const length = payload.length;
    const size = length < 126 ? [0x80 | length] : [0x80 | 126, (length >> 8) & 0xff, length & 0xff];
    const mask = randomBytes(4);
    const masked = payload.map((byte, at) => byte ^ mask[at % 4]);
    this.socket.write(Buffer.concat([Buffer.from([0x80 | kind, ...size]), mask, masked]));
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const { received } = this;
      if (received.length < 2) return;
      const short = received[1] & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (received.length < head) return;
      let length = short;
      if (short === 126) length = received.readUInt16BE(2);
      if (short === 127) length = Number(received.readBigUInt64BE(2));
      const end = head + length;
      if (received.length < end) return;
      this.received = received.subarray(end);
      if ((received[0] & 0xf) === 0x1) this.#take(received.subarray(head, end).toString());
    }
  }

  /** @param {string} text */
  #take(text) {
    const message = JSON.parse(text);
    const asked = this.asked.get(message.id);
    if (asked) {
      this.asked.delete(message.id);
      if (message.error) asked.fail(new Error(message.error.message));
      else asked.done(message.result);
      return;
    }
    const at = this.waiting.findIndex((it) => it.method === message.method);
    if (at >= 0) this.waiting.splice(at, 1)[0].done(message.params);
    else this.events.push(message);
  }
}
