/** `yunkai dev --inspect`: a debugger attaches, stops a call, looks at a variable, lets it go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { Debugger } from '../../harness/debugger.mjs';
import { project } from '../../harness/project.mjs';
import { run, serve } from '../../harness/server.mjs';

const code = `exports.main = async (event) => {
  const secret = event.a * 2;
  return { secret, sum: secret + event.b };
};
`;

/** @param {import('../../harness/server.mjs').Server} server */
async function address(server) {
  return /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(await server.said(/Debugger at ws:/))?.[0] ?? '';
}

test('a function is stepped through', async (t) => {
  const made = await project(t, {
    functions: { echo: 'echo' },
    // Stopped for longer than this, a call goes on all the same.
    yunkai: { functions: { sums: { timeout: 1 } } },
    files: { 'cloudfunctions/sums/index.js': code },
  });
  const args = ['--inspect', 'sums', '--inspect-port', '0'];
  const server = await serve(t, made.dir, { args });
  const alice = await Caller.signIn(server, 'alice');
  assert.deepEqual(await alice.call('sums', { a: 1, b: 1 }), { secret: 2, sum: 3 });

  const url = await address(server);
  const debug = await Debugger.attach(t, url);
  await debug.send('Debugger.enable');
  const where = { urlRegex: '.*/code/index\\.js$', lineNumber: 2 };
  const { locations } = await debug.send('Debugger.setBreakpointByUrl', where);
  assert.equal(locations.length, 1);

  const answer = alice.call('sums', { a: 20, b: 2 });
  const { callFrames } = await debug.event('Debugger.paused');
  assert.equal(callFrames[0].functionName, 'exports.main');
  const ask = { callFrameId: callFrames[0].callFrameId, expression: 'secret' };
  assert.equal((await debug.send('Debugger.evaluateOnCallFrame', ask)).result.value, 40);
  const change = { ...ask, expression: 'event.b = 60' };
  await debug.send('Debugger.evaluateOnCallFrame', change);
  const echoed = await alice.call('echo', { meanwhile: true });
  assert.equal(echoed.meanwhile, true, 'other functions go on');
  await debug.send('Debugger.resume');
  assert.deepEqual(await answer, { secret: 40, sum: 100 });

  await t.test('a save brings the debugger of the next worker', async () => {
    const seen = server.lines.length;
    debug.close();
    await made.write('cloudfunctions/sums/index.js', code.replace('* 2', '* 3'));
    await server.said(/sums deployed/, seen);
    assert.equal((await alice.call('sums', { a: 1, b: 0 })).secret, 3);
    const line = await server.said(/Debugger at ws:/, seen);
    assert.equal(new URL(/ws:\S+/.exec(line)?.[0] ?? '').port, new URL(url).port);
  });
});

test('with --inspect-brk the first call waits and stops before the handler', async (t) => {
  const files = { 'cloudfunctions/sums/index.js': code };
  const args = ['--inspect', 'sums', '--inspect-port', '0', '--inspect-brk'];
  const server = await serve(t, (await project(t, { files })).dir, { args });
  const alice = await Caller.signIn(server, 'alice');
  const answer = alice.call('sums', { a: 1, b: 1 });
  const debug = await Debugger.attach(t, await address(server));
  await debug.send('Debugger.enable');
  const paused = debug.event('Debugger.paused');
  await debug.send('Runtime.runIfWaitingForDebugger');
  const { callFrames } = await paused;
  assert.equal(callFrames[0].functionName, 'run');
  await debug.send('Debugger.resume');
  assert.deepEqual(await answer, { secret: 2, sum: 3 });
});

test('a function that is not there is named', async (t) => {
  const { dir } = await project(t);
  const { code: status, output } = await run(['dev', dir, '--port', '0', '--inspect', 'nobody']);
  assert.equal(status, 1);
  assert.match(output, /no function 'nobody'/);
});
