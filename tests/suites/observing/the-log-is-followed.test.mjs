/** `?follow=1` and `yunkai logs --follow`: what was, then what comes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { yunkai } from '../../harness/command.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { follow } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { binary } from '../../harness/settings.mjs';

test('the log is followed', async (t) => {
  const server = await serve(t, (await project(t, { functions: { noisy: 'noisy' } })).dir);
  const alice = await Caller.signIn(server, 'alice');

  await t.test('over the API, each entry once', async () => {
    await alice.call('noisy', { word: 'before' });
    const seen = [];
    for await (const entry of follow(server, { level: 'warn', limit: 100 })) {
      if (entry.kind === 'log') seen.push(entry.text);
      if (seen.length === 2) await alice.call('noisy', { word: 'after' });
      if (seen.length === 4) break;
    }
    assert.deepEqual(seen, [
      'warn says before',
      'error says before',
      'warn says after',
      'error says after',
    ]);
  });

  await t.test('on the command line, which ends with the server', async () => {
    const child = spawn(binary(), ['logs', '--follow', '--data', server.data, '--json']);
    t.after(async () => {
      child.kill('SIGKILL');
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    await eventually('the past is printed', () => output.includes('says after'));
    await alice.call('noisy', { word: 'live' });
    await eventually('the present is printed', () => output.includes('stdout says live'));
    const found = await yunkai(server, ['logs', '--text', 'log says', '--limit', '2']);
    assert.equal(found.code, 0, found.output);
    assert.match(found.output, /noisy \S+ info log says after.*\n.*noisy \S+ info log says live/);
    const errors = await yunkai(server, ['logs', '--function', 'noisy', '--errors']);
    assert.equal(errors.output.trim().split('\n').length, 3);
    await server.stop();
    assert.equal(await ended, 0);
  });
});
