/** Import and export: every format in, nothing lost on the way out, refused rows told. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { bson, fileWith, yunkai } from '../../harness/command.mjs';
import { project } from '../../harness/project.mjs';
import { serve, temporaryFolder } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

/** @param {string} text */
const lines = (text) => text.split('\n').filter(Boolean);

test('collections are moved in and out', async (t) => {
  const server = await serve(t, (await project(t)).dir);

  /**
   * Imports a file into a new collection.
   * @param {string} collection
   * @param {string} name
   * @param {string | Uint8Array} content
   * @param {string[]} [args]
   */
  async function load(collection, name, content, args = ['--create']) {
    const file = await fileWith(t, name, content);
    return yunkai(server, ['database', 'import', collection, file, ...args]);
  }

  /** @param {string} collection */
  async function exported(collection) {
    const { code, output } = await yunkai(server, ['database', 'export', collection]);
    assert.equal(code, 0, output);
    return output;
  }

  await t.test('reads what a console exports, and writes it back to the byte', async () => {
    const rows = [
      '{"_id":"a","n":1,"big":3000000000,"half":0.1,"one":1.0,"tiny":5e-324,"t":"云开"}',
      '{"_id":"b","at":{"$date":"2019-12-06T08:23:48.811Z"},"list":[1,[2,{"x":null}],true]}',
      '{"_id":"c","long":{"$numberLong":"5"},"nan":{"$numberDouble":"NaN"},"minus":-0.0}',
      '{"_id":"d","old":{"$date":{"$numberLong":"-62167219200001"}},"re":{"$regularExpression":{"pattern":"^a","options":"i"}}}',
      '{"_id":{"$oid":"5ef0c0c0c0c0c0c0c0c0c0c0"},"bin":{"$binary":{"base64":"AAEC","subType":"00"}},"d":{"$numberDecimal":"1.10"}}',
    ];
    const first = await load('exact', 'exact.json', `${rows.join('\n')}\n`);
    assert.equal(first.code, 0, first.output);
    assert.match(first.output, /5 rows written/);
    const text = await exported('exact');
    assert.deepEqual(lines(text).sort(), [...rows].sort());
    assert.equal((await load('again', 'again.json', text)).code, 0);
    assert.equal(await exported('again'), text);
  });

  await t.test(
    'takes canonical rows, an array over several lines, and a byte order mark',
    async () => {
      const array =
        '\ufeff[\n {"_id": "x", "s": "]},{"},\n\n {"_id": {"$numberInt": "7"},\n  "n": 2}\n]\n';
      const { code, output } = await load('array', 'array.json', array);
      assert.equal(code, 0, output);
      assert.deepEqual(lines(await exported('array')), [
        '{"_id":7,"n":2}',
        '{"_id":"x","s":"]},{"}',
      ]);
    },
  );

  await t.test('takes CSV with dotted names and types cells by their look', async () => {
    const csv = [
      '_id,name,author.name,author.age,ok,zip,at,tags',
      '1,"Ann ""A"", x",Bo,30,true,0123,2024-01-02T03:04:05.678Z,"[1,2]"',
      '2,"two',
      'lines",,1.5,false,12345678901234567,yesterday,',
    ].join('\r\n');
    const { code, output } = await load('csv', 'csv.csv', csv);
    assert.equal(code, 0, output);
    const [one, two] = lines(await exported('csv')).map((line) => JSON.parse(line));
    assert.deepEqual(one, {
      _id: '1',
      name: 'Ann "A", x',
      author: { name: 'Bo', age: 30 },
      ok: true,
      zip: '0123',
      at: { $date: '2024-01-02T03:04:05.678Z' },
      tags: [1, 2],
    });
    assert.deepEqual(two, {
      _id: '2',
      name: 'two\r\nlines',
      author: { age: 1.5 },
      ok: false,
      zip: '12345678901234567',
      at: 'yesterday',
    });
    const fields = '_id,name,author.name,author.age,ok,zip,at,tags';
    const out = path.join(await temporaryFolder(t), 'out.csv');
    const args = ['database', 'export', 'csv', out, '--fields', fields];
    const written = await yunkai(server, args);
    assert.equal(written.code, 0, written.output);
    assert.equal((await load('csv2', 'csv2.csv', await readFile(out))).code, 0);
    assert.equal(await exported('csv2'), await exported('csv'));
  });

  await t.test('takes the files of mongodump', async () => {
    const documents = [
      { _id: Buffer.alloc(12, 7), n: 1, long: 2n ** 40n, at: new Date(0), list: ['a', { b: 1.5 }] },
      { _id: 'two' },
    ];
    const { code, output } = await load('dump', 'dump.bson', Buffer.concat(documents.map(bson)));
    assert.equal(code, 0, output);
    assert.deepEqual(lines(await exported('dump')), [
      '{"_id":"two"}',
      '{"_id":{"$oid":"070707070707070707070707"},"n":1,"long":1099511627776,' +
        '"at":{"$date":"1970-01-01T00:00:00.000Z"},"list":["a",{"b":1.5}]}',
    ]);
  });

  await t.test(
    'tells every refused row with its line and reason, and writes all others',
    async () => {
      const rows = ['{"_id":1}', '{"_id":1}', '{broken', '[]', '', '{"_id":[2]}', '{"_id":2}'];
      const report = path.join(await temporaryFolder(t), 'report.jsonl');
      const outcome = await load('some', 'some.json', rows.join('\n'), [
        '--create',
        '--report',
        report,
      ]);
      assert.equal(outcome.code, 1, outcome.output);
      assert.match(outcome.output, /2 rows written, 4 refused/);
      const refused = lines(await readFile(report, 'utf8')).map((line) => JSON.parse(line));
      assert.deepEqual(
        refused.map((row) => row.line),
        [2, 3, 4, 6],
      );
      assert.match(refused[0].message, /duplicate key/);
      assert.equal(refused[0]._id, 1);
      assert.match(refused[1].message, /JSON/);
      assert.match(refused[2].message, /not an object/);
      assert.match(refused[3].message, /_id/);
      assert.deepEqual(lines(await exported('some')), ['{"_id":1}', '{"_id":2}']);
    },
  );

  await t.test('refuses duplicates, or replaces when told to', async () => {
    assert.equal((await load('twice', 'a.json', '{"_id":1,"a":1}\n{"_id":2}')).code, 0);
    const again = '{"_id":1,"b":2}\n{"_id":3}\n{"c":4}';
    const refused = await load('twice', 'b.json', '{"_id":1,"b":2}\n{"_id":3}', []);
    assert.match(refused.output, /1 rows written, 1 refused/);
    const replaced = await load('twice', 'b.json', again, ['--mode', 'upsert']);
    assert.equal(replaced.code, 0, replaced.output);
    const found = lines(await exported('twice'));
    assert.deepEqual(found.slice(0, 3), ['{"_id":1,"b":2}', '{"_id":2}', '{"_id":3}']);
    assert.equal(JSON.parse(found[3]).c, 4);
  });

  await t.test('ends where a file cannot be read on, and says what is settled', async () => {
    for (const [name, content, reason] of /** @type {[string, string | Buffer, RegExp][]} */ ([
      ['open.json', '[{"_id":1},\n{"_id":2}', /Line 2: the array has no closing/],
      ['cut.bson', bson({ _id: 1 }).subarray(0, 10), /ends in the middle/],
      ['no.bson', 'this is text', /not a file of BSON/],
      ['clash.csv', 'a,a.b\n1,2', /column name/],
      ['quote.csv', 'a\n"x', /not closed/],
    ])) {
      const { code, output } = await load(`end-${name.replace('.', '-')}`, name, content);
      assert.equal(code, 1, output);
      assert.match(output, reason);
      assert.match(output, /are settled/);
    }
  });

  await t.test('refuses a collection that is not there, and one of the platform', async () => {
    const missing = await load('nowhere', 'a.json', '{}', []);
    assert.equal(missing.code, 1);
    assert.match(missing.output, /nowhere/);
    assert.equal((await load('system.accounts', 'a.json', '{}')).code, 1);
    assert.equal((await yunkai(server, ['database', 'export', 'system.accounts'])).code, 1);
  });

  await t.test('filters, sorts and cuts an export, and leaves no half file', async () => {
    const rows = Array.from({ length: 2500 }, (_, n) =>
      JSON.stringify({ _id: n, even: n % 2 === 0 }),
    );
    assert.equal((await load('many', 'many.json', rows.join('\n'))).code, 0);
    assert.equal(lines(await exported('many')).length, 2500);
    const args = ['--filter', '{"even":true,"_id":{"$gt":9}}', '--sort', '{"_id":-1}'];
    const cut = ['database', 'export', 'many', ...args, '--limit', '2', '--skip', '1'];
    const { output } = await yunkai(server, cut);
    assert.deepEqual(lines(output), ['{"_id":2496,"even":true}', '{"_id":2494,"even":true}']);
    const out = path.join(await temporaryFolder(t), 'out.json');
    assert.equal((await yunkai(server, ['database', 'export', 'missing', out])).code, 1);
    assert.ok(!existsSync(out));
  });

  await t.test('shows what the SDKs have written, and the other way round', async () => {
    const db = nodeSdk(server).database();
    await db.createCollection('shared');
    await db.collection('shared').add({ _id: 'sdk', at: new Date(1_700_000_000_000), n: 1.5 });
    assert.equal(
      (await exported('shared')).trim(),
      '{"_id":"sdk","at":{"$date":"2023-11-14T22:13:20.000Z"},"n":1.5}',
    );
    await load('shared', 'in.json', '{"_id":"file","at":{"$date":"2023-11-14T22:13:20Z"}}', []);
    const { data } = await db.collection('shared').doc('file').get();
    assert.equal(data[0].at.getTime(), 1_700_000_000_000);
  });
});
