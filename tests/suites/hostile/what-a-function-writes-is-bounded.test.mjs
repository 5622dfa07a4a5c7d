/** 100 MB of log lines, 100 MB of output, a full /tmp, every descriptor: an end is met, and told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { Ground } from '../../harness/hostile.mjs';

test('what a function writes is bounded', async (t) => {
  const ground = await Ground.open(t, { timeout: 240 });
  await t.test('100 MB of log lines', async () => {
    const before = ground.server.lines.length;
    assert.equal(await ground.does('logs'), 'logged');
    const bytes = ground.server.lines.slice(before).join('\n').length;
    assert.ok(bytes < 10_000_000, `${bytes} bytes reached the terminal`);
  });
  await t.test('1 MB in call after call: a rate, too', async () => {
    const tooFast = () => ground.server.lines.some((line) => line.includes('1 MiB a second'));
    await eventually('the rate is told', async () => {
      assert.equal(await ground.does('logs', { megabytes: 1 }), 'logged');
      return tooFast();
    });
  });
  await t.test('100 MB of output of a program', async () => {
    const before = ground.server.lines.length;
    assert.equal((await ground.does('output')).status, 0);
    const bytes = ground.server.lines.slice(before).join('\n').length;
    assert.ok(bytes < 20_000_000, `${bytes} bytes reached the terminal`);
  });
  await t.test('/tmp', async () => {
    const { written, refused } = await ground.does('fill');
    assert.equal(refused, 'ENOSPC');
    assert.ok(written <= 512, `${written} MB fitted`);
  });
  await t.test('descriptors', async () => {
    assert.deepEqual(await ground.does('open'), { refused: 'EMFILE' });
  });
});
