/** Pulling the plug in the middle of deploys, and replacing a function under running calls. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, deploy, invoke, serveEmpty, tryDeploy } from '../../harness/deploying.mjs';
import { dice } from '../../harness/dice.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { ask } from '../../harness/observing.mjs';
import { project } from '../../harness/project.mjs';

/** @param {number} number */
const code = (number) => `const more = require('./more')
exports.main = async () => ({ number: ${number}, more })`;

test('a server killed during deploys answers with a whole version afterwards', async (t) => {
  const made = await project(t, {
    files: {
      'cloudfunctions/hello/index.js': code(0),
      'cloudfunctions/hello/more.js': 'module.exports = 0',
    },
  });
  const server = await serveEmpty(t);
  await deploy(server, made.dir);
  const chance = dice();
  t.diagnostic(`seed ${chance.seed}`);
  for (let round = 1; round <= 5; round += 1) {
    await made.write('cloudfunctions/hello/index.js', code(round));
    await made.write('cloudfunctions/hello/more.js', `module.exports = ${round}`);
    const deploying = tryDeploy(server, made.dir);
    const pause = chance.roll(150);
    await Promise.race([deploying, new Promise((resolve) => setTimeout(resolve, pause))]);
    await server.kill();
    await deploying;
    await server.start();
    const { number, more } = await invoke(server, 'hello');
    assert.equal(number, more);
    assert.ok(number <= round);
  }
});

test('running calls finish on the old version, new ones see the new one', async (t) => {
  const slow = `exports.main = async (event) => {
    if (event.slow) {
      console.log('waiting')
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
    return VERSION
  }`;
  const made = await project(t, {
    files: { 'cloudfunctions/hello/index.js': slow.replace('VERSION', '1') },
  });
  const server = await serveEmpty(t);
  await deploy(server, made.dir);
  const running = api(server, 'POST', 'functions/hello/invoke', { data: { slow: true } });
  await eventually('the call runs', async () => {
    return (await ask(server, 'logs', { function: 'hello', text: 'waiting' })).entries.length > 0;
  });
  await made.write('cloudfunctions/hello/index.js', slow.replace('VERSION', '2'));
  const began = performance.now();
  const report = await deploy(server, made.dir);
  assert.equal(await invoke(server, 'hello'), 2);
  t.diagnostic(
    `deployed in ${report.functions[0].milliseconds} ms, with both commands and a call ${Math.round(performance.now() - began)} ms`,
  );
  assert.equal((await running).body.result, 1);
});
