/** Unknown and hostile function names: an error with the platform's code, never a file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller, refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { admin } from '../../harness/wire.mjs';

const names = [
  'nobody',
  '',
  '.',
  '..',
  '../counter',
  'counter/../counter',
  'counter/index.js',
  '/etc/passwd',
  'counter\u0000',
  'COUNTER',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
  '函数',
];

test('a function that is not there', async (t) => {
  const { dir } = await project(t, { functions: { counter: 'counter' } });
  const server = await serve(t, dir);
  const caller = await Caller.signIn(server, 'alice');
  for (const name of names) {
    await t.test(JSON.stringify(name).slice(0, 40), async () => {
      const error = await refusal(caller.call(name, {}));
      assert.match(error.code, /^(FUNCTION_NOT_FOUND|FUNCTIONS_REQUEST_FAIL|INVALID_PARAM)$/);
      const { status, body } = await admin(server, {
        action: 'functions.invokeFunction',
        function_name: name,
        request_data: '{}',
      });
      assert.equal(status, 200);
      assert.equal(body.code, error.code);
    });
  }
  for (const value of [undefined, null, 5, {}, ['counter']]) {
    await t.test(`a name that is ${JSON.stringify(value)}`, async () => {
      const { body } = await admin(server, {
        action: 'functions.invokeFunction',
        function_name: value,
        request_data: '{}',
      });
      assert.match(body.code, /^(FUNCTION_NOT_FOUND|FUNCTIONS_REQUEST_FAIL|INVALID_PARAM)$/);
    });
  }
  await t.test('data that is not JSON', async () => {
    const { body } = await admin(server, {
      action: 'functions.invokeFunction',
      function_name: 'counter',
      request_data: '{"a":',
    });
    assert.match(body.code, /^(INVALID_PARAM|FUNCTIONS?_.*)$/);
  });
});
