/** The suites that speak of documents, once more with the documents in PostgreSQL. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { postgres } from '../../harness/postgres.mjs';
import { testsDir } from '../../harness/settings.mjs';

const folders = ['documents', 'transactions', 'aggregation', 'command-line'];

test('the suites of documents pass on postgresql', async (t) => {
  const address = await postgres(t);
  const files = folders
    .map((folder) => path.join(testsDir, 'suites', folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => path.join(folder, file)));
  // A runner inside a runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...outer } = process.env;
  const env = { ...outer, YUNKAI_TEST_STORE: address };
  const args = ['--test', '--test-concurrency=2', '--test-reporter=tap', ...files];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  // Of each that failed: its name, and why, up to the line that ends it.
  const broken = output.match(/^( *)not ok .*?^\1 {2}\.\.\.$/gms) ?? [output];
  assert.equal(code, 0, broken.join('\n'));
});
