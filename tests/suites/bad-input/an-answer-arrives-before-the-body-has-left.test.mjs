/** A client that is still sending what was refused reads the answer, and goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/** One connection on which requests are written by hand. */
class Connection {
  /** @param {net.Socket} stream */
  constructor(stream) {
    this.stream = stream;
    this.text = '';
    /** @type {Error | undefined} */
    this.broken = undefined;
    stream.setEncoding('utf8').on('data', (text) => {
      this.text += text;
    });
    stream.on('error', (error) => {
      this.broken = error;
    });
  }

  /** @param {string | Buffer} data */
  async write(data) {
    await new Promise((resolve, reject) => {
      this.stream.write(data, (error) => (error ? reject(error) : resolve(null)));
    });
  }

  /**
   * The next whole answer, which has a length.
   * @returns {Promise<{ status: number, body: string }>}
   */
  async answer() {
    for (;;) {
      const [head, rest] = this.text.split(/\r\n\r\n(.*)/s, 2);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (rest !== undefined && Buffer.byteLength(rest) >= length) {
        const body = Buffer.from(rest).subarray(0, length).toString();
        this.text = Buffer.from(rest).subarray(length).toString();
        return { status: Number(head.split(' ')[1]), body };
      }
      if (this.broken) throw this.broken;
      assert.ok(!this.stream.readableEnded, `the connection ended: ${this.text}`);
      await Promise.race([once(this.stream, 'data'), once(this.stream, 'end')]);
    }
  }
}

test('an answer arrives before the body has left', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const { hostname, port } = new URL(server.url);
  const head = (/** @type {string} */ line, /** @type {string[]} */ ...more) =>
    `${[`${line} HTTP/1.1`, `host: ${hostname}`, ...more].join('\r\n')}\r\n\r\n`;
  const health = head('GET /_health');
  const key = `authorization: Bearer ${server.credentials().apiKey}`;

  async function connect() {
    const stream = net.connect(Number(port), hostname);
    t.after(() => stream.destroy());
    await once(stream, 'connect');
    return new Connection(stream);
  }

  for (const [what, line, status, ...headers] of /** @type {const} */ ([
    ['an import without a key', 'POST /_api/database/collections/c/import', 401],
    ['an import into no collection', 'POST /_api/database/collections/c/import', 404, key],
    ['a path that is not there', 'POST /_api/nothing', 404, key],
    ['a file without a ticket', 'PUT /_files/dev/a.jpg', 403],
  ])) {
    await t.test(what, async () => {
      const connection = await connect();
      await connection.write(head(line, ...headers, 'transfer-encoding: chunked'));
      const refused = await connection.answer();
      assert.equal(refused.status, status, refused.body);
      for (let sent = 0; sent < 40; sent += 1) {
        await connection.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
      }
      await connection.write(`0\r\n\r\n${health}`);
      assert.deepEqual(await connection.answer(), { status: 200, body: '{"status":"ok"}' });
    });
  }

  await t.test('a body that waits to be asked for is not asked for', async () => {
    const connection = await connect();
    const line = head('PUT /_files/dev/a.jpg', 'content-length: 5', 'expect: 100-continue');
    await connection.write(line);
    assert.equal((await connection.answer()).status, 403);
    await once(connection.stream, 'end');
    assert.equal(connection.text, '');
  });
});
