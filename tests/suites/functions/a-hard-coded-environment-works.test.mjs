/** `cloud.init({ env: 'prod-…' })` as real code has it: works in `dev`, with one notice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

test('a hard-coded environment id inside a function works', async (t) => {
  const made = await project(t, { yunkai: { collections: { things: { acl: 'PRIVATE' } } } });
  await made.write(
    'cloudfunctions/fixed/index.js',
    `const cloud = require('wx-server-sdk');
cloud.init({ env: 'shop-prod-1a2b3c' });
const db = cloud.database();
exports.main = async () => {
  await db.collection('things').add({ data: { a: 1 } });
  return (await db.collection('things').count()).total;
};
`,
  );
  await made.write(
    'cloudfunctions/fixed/package.json',
    JSON.stringify({ name: 'fixed', dependencies: { 'wx-server-sdk': 'latest' } }),
  );
  const server = await serve(t, made.dir);
  const caller = await Caller.signIn(server, 'alice');
  assert.equal(await caller.call('fixed'), 1);
  assert.equal(await caller.call('fixed'), 2);
  await server.said(/shop-prod-1a2b3c/);
  const notices = server.lines.filter((line) => line.includes('shop-prod-1a2b3c'));
  assert.equal(notices.length, 1, notices.join('\n'));
});
