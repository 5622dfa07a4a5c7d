/** A function that returns, throws or prints a secret does not put it into the log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploy, functions, invoke, serveEmpty, withInput } from '../../harness/deploying.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { ask } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';

// Of several lines, as a private key: it stands escaped in JSON.
const SECRET = 'correct-horse\nbattery-staple';

test('what is kept has no secrets', async (t) => {
  const code = `exports.main = async ({ fails }) => {
    console.log('the key is', process.env.PAY_KEY);
    if (fails) throw new Error('cannot pay with ' + process.env.PAY_KEY);
    return { key: process.env.PAY_KEY };
  };`;
  const made = await project(t, {
    files: { 'cloudfunctions/leaky/index.js': code },
    yunkai: { functions: { leaky: { secrets: ['PAY_KEY'] } } },
  });
  const server = await serveEmpty(t);
  const set = ['functions', 'secrets', 'set', 'PAY_KEY'];
  assert.equal((await withInput(server, `${SECRET}\n`, set)).code, 0);
  await deploy(server, made.dir);
  assert.deepEqual(await invoke(server, 'leaky'), { key: SECRET });
  await assert.rejects(invoke(server, 'leaky', '--data', '{"fails":true}'));

  const entries = await eventually('everything is in the log', async () => {
    const found = await ask(server, 'logs', { function: 'leaky' });
    return found.entries.filter((/** @type {any} */ it) => it.kind === 'log').length >= 3 && found;
  });
  const [failed, done] = (await ask(server, 'invocations')).invocations;
  assert.equal(done.result, '{"key":"[secret]"}');
  assert.equal(failed.error.message, 'cannot pay with [secret]');
  assert.ok(!/horse|battery/.test(JSON.stringify([entries, failed, done])));
  const printed = await functions(server, 'logs', 'leaky', '--text', 'the key is', '--limit', '1');
  assert.match(printed, /leaky \S+ info the key is \[secret\]/);
  assert.ok(!(await functions(server, 'logs', 'nobody')).includes('leaky'));
});
