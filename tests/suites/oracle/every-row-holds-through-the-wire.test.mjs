/** Every row of the document language, as raw envelopes to the real binary. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { language } from '../../harness/oracle.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { rows } from '../../oracle/rows.mjs';
import { Wire } from '../../oracle/wire.mjs';

/** How many rows are on their way at once. */
const AT_ONCE = 16;

/** Fewer rows than this and some were lost. */
const ROWS_MIN = 2_000;

test('every row holds through the wire', async (t) => {
  const server = await serve(t, (await project(t)).dir);
  const wire = new Wire(server, language(t));
  const all = rows();
  // A server has a memory limit and a clock of its own.
  const isElsewhere = (/** @type {any} */ row) =>
    'memory_bytes' in row || JSON.stringify(row).includes('$$NOW');
  const asked = all.filter((row) => row.only !== 'pure' && !isElsewhere(row));
  /** @type {string[]} */
  const failures = [];
  const waiting = asked.entries();
  const work = async () => {
    for (const [number, row] of waiting) {
      const why = await wire.run(`row${number}`, row);
      if (why) failures.push(`${row.file} "${row.name}": ${why}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  t.diagnostic(
    `${asked.length} rows ran, ${all.length - asked.length} cannot: they set a memory limit or the clock, or mean what is never stored`,
  );
  assert.equal(failures.length, 0, failures.join('\n'));
  assert.ok(asked.length >= ROWS_MIN, `only ${asked.length} rows`);
});
