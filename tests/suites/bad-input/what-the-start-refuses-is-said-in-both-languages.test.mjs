/** An occupied port, a directory in use, a newer format, a file in place of a directory. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { run, serve, temporaryFolder } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/**
 * A start that must fail: a code, and words in the language of LANG.
 * @param {string[]} args
 * @param {{ english: RegExp, chinese: RegExp }} words
 */
async function refuses(args, { english, chinese }) {
  for (const [lang, pattern] of /** @type {const} */ ([
    ['en_US.UTF-8', english],
    ['zh_CN.UTF-8', chinese],
  ])) {
    const { code, output } = await run(['dev', ...args], { env: { LANG: lang, LC_ALL: lang } });
    assert.ok(code !== null && code !== 0, `exit code ${code}: ${output}`);
    assert.match(output, pattern);
    assert.doesNotMatch(output, /panicked|RUST_BACKTRACE|^ready /m);
  }
}

test('an occupied port', async (t) => {
  const { dir } = await project(t);
  const listener = net.createServer().listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = /** @type {net.AddressInfo} */ (listener.address());
  const data = await temporaryFolder(t);
  await refuses([dir, '--port', String(port), '--data', path.join(data, 'data')], {
    english: new RegExp(`${port}[^]*(in use|occupied|taken|busy)[^]*--port|--port[^]*${port}`, 'i'),
    chinese: new RegExp(`${port}[^]*占用|占用[^]*${port}`),
  });
});

test('a data directory in use', async (t) => {
  const { dir } = await project(t);
  const server = await serve(t, dir);
  const db = nodeSdk(server).database();
  await db.createCollection('c');
  await refuses([dir, '--port', '0', '--data', server.data], {
    english: /in use|another|already/i,
    chinese: /占用|正在使用|另一个/,
  });
  await db.collection('c').add({ _id: 'x' });
  assert.equal((await db.collection('c').count()).total, 1, 'the first server goes on');
});

test('a data directory of a newer format', async (t) => {
  const { dir } = await project(t);
  const server = await serve(t, dir);
  const db = nodeSdk(server).database();
  await db.createCollection('c');
  await db.collection('c').add({ _id: 'x' });
  await server.stop();

  const newer = path.join(await temporaryFolder(t), 'newer');
  await cp(server.data, newer, { recursive: true });
  const file = await formatFile(newer);
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(/\d+/, (number) => String(Number(number) + 1)),
  );
  await refuses([dir, '--port', '0', '--data', newer], {
    english: /newer|format/i,
    chinese: /更新|较新|格式/,
  });

  await writeFile(file, text);
  const again = await serve(t, dir, { data: newer });
  assert.equal((await nodeSdk(again).database().collection('c').count()).total, 1);
});

/**
 * The small file that holds the format number.
 * @param {string} data
 */
async function formatFile(data) {
  const names = await readdir(data);
  const name = names.find((one) => /format/i.test(one));
  assert.ok(name, `no format file among ${names.join(', ')}`);
  return path.join(data, name);
}

test('a file in place of the data directory', async (t) => {
  const { dir } = await project(t);
  const data = path.join(await temporaryFolder(t), 'data');
  await writeFile(data, 'not a directory');
  await refuses([dir, '--port', '0', '--data', data], {
    english: /data.*director|director.*data/is,
    chinese: /目录/,
  });
  assert.equal(await readFile(data, 'utf8'), 'not a directory');
});
