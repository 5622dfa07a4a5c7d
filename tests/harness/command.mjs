/** The command line as a person uses it, against a server under test. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run, temporaryFolder } from './server.mjs';

/** @typedef {import('./server.mjs').Server} Server */

/**
 * Runs `yunkai …` against the server; the key and the address are given by `--data`.
 * @param {Server} server
 * @param {string[]} args
 * @param {{ env?: Record<string, string> }} [options]
 */
export function yunkai(server, args, options) {
  return run([...args, '--data', server.data], options);
}

/**
 * A file in a folder of its own that goes away with its owner.
 * @param {import('./server.mjs').Owner} owner
 * @param {string} name
 * @param {string | Uint8Array} content
 * @returns {Promise<string>}
 */
export async function fileWith(owner, name, content) {
  const file = path.join(await temporaryFolder(owner), name);
  await writeFile(file, content);
  return file;
}

/**
 * A document as BSON, for the kinds that the tests need.
 * @param {Record<string, unknown>} document
 * @returns {Buffer}
 */
export function bson(document) {
  const fields = Object.entries(document).map(([name, value]) => {
    const [kind, bytes] = payload(value);
    return Buffer.concat([Buffer.from([kind]), Buffer.from(`${name}\0`), bytes]);
  });
  const body = Buffer.concat([...fields, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/**
 * @param {unknown} value
 * @returns {[number, Buffer]}
 */
function payload(value) {
  if (typeof value === 'string') {
    const text = Buffer.from(`${value}\0`);
    return [0x02, Buffer.concat([int32(text.length), text])];
  }
  if (value instanceof Date) return [0x09, int64(value.getTime())];
  if (typeof value === 'bigint') return [0x12, int64(value)];
  if (typeof value === 'number' && Number.isInteger(value)) return [0x10, int32(value)];
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return [0x01, bytes];
  }
  if (value instanceof Uint8Array) return [0x07, Buffer.from(value)];
  if (Array.isArray(value)) return [0x04, bson(Object.fromEntries(Object.entries(value)))];
  return [0x03, bson(/** @type {any} */ (value))];
}

/** @param {number} value */
function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** @param {number | bigint} value */
function int64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
