/** Every row of both tables, through both generations of `wx-server-sdk` inside a function. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import queries from '../../tables/queries.cjs';
import updates from '../../tables/updates.cjs';

/**
 * What the function makes of a value that JSON cannot carry.
 * @param {any} value
 * @returns {any}
 */
function plain(value) {
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

for (const range of ['~4.0.2', '~2.6.3']) {
  test(`every row inside a function with wx-server-sdk ${range}`, async (t) => {
    const tables = ['queries.cjs', 'updates.cjs'];
    const { dir } = await project(t, {
      functions: { rows: { from: 'rows', sdk: range, tables } },
      yunkai: { functions: { rows: { timeout: 60 } } },
    });
    const caller = await Caller.signIn(await serve(t, dir), 'alice');

    const found = await caller.call('rows', { table: 'queries' });
    assert.equal(found.length, queries.rows.length);
    for (const [index, row] of queries.rows.entries()) {
      await t.test(`find ${row.title}`, () => {
        const total = row.ids === '' ? 0 : row.ids.split(' ').length;
        assert.deepEqual(found[index], { title: row.title, ids: row.ids, total });
      });
    }

    const changed = await caller.call('rows', { table: 'updates' });
    assert.equal(changed.length, updates.rows.length);
    for (const [index, row] of updates.rows.entries()) {
      await t.test(`change ${row.title}`, () => {
        const { title, after, updated = 1 } = row;
        assert.deepEqual(changed[index], { title, after: plain(after), updated });
      });
    }
  });
}
