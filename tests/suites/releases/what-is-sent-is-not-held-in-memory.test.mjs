/** Packages arrive in a file of the data directory, under a limit that holds while they arrive. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { serveEmpty } from '../../harness/deploying.mjs';

const MB = 1024 * 1024;

/** @typedef {import('../../harness/server.mjs').Server} Server */

/**
 * The most memory that the process has used, in bytes.
 * @param {Server} server
 */
function highWater(server) {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/**
 * A deploy whose code has this many megabytes, made while it is sent.
 * @param {Server} server
 * @param {number} megabytes
 */
async function send(server, megabytes) {
  const boundary = 'xxBOUNDARYxx';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="code"; filename="a.zip"\r\n\r\n`;
  async function* body() {
    yield Buffer.from(head);
    for (let sent = 0; sent < megabytes; sent += 1) yield Buffer.alloc(MB);
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  const response = await fetch(`${server.url}/_api/functions/big`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${server.credentials().apiKey}`,
      'content-type': `multipart/form-data; boundary=${boundary}`,
    },
    body: /** @type {any} */ (Readable.toWeb(Readable.from(body()))),
    // @ts-expect-error: Node's fetch wants it for bodies that are streams.
    duplex: 'half',
  });
  return { status: response.status, body: await response.json() };
}

test('what is sent is not held in memory', async (t) => {
  const server = await serveEmpty(t);
  const { envId } = server.credentials();
  const uploads = path.join(server.data, 'environments', envId, 'uploads');
  const before = highWater(server);
  const refused = await send(server, 257);
  assert.equal(refused.status, 413, JSON.stringify(refused.body));
  assert.match(refused.body.message, /The zip is over 268435456 bytes/);
  const wrong = await send(server, 200);
  assert.match(wrong.body.message, /the zip cannot be read/);
  const more = highWater(server) - before;
  assert.ok(more < 100 * MB, `the server took ${Math.round(more / MB)} MB`);
  assert.deepEqual(readdirSync(uploads), []);

  await server.kill();
  await mkdir(uploads, { recursive: true });
  await writeFile(path.join(uploads, 'left-behind.zip'), 'half of a zip');
  await server.start();
  assert.equal(existsSync(path.join(uploads, 'left-behind.zip')), false);
});
