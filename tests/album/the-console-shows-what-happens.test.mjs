/** `/_console`: the simulator's events and the live log, as they come. */
import { test } from 'node:test';
import { Caller } from '../harness/caller.mjs';
import { project } from '../harness/project.mjs';
import { serve } from '../harness/server.mjs';
import { browser, Phone } from './phone.mjs';

test('the console shows what happens', async (t) => {
  const { dir } = await project(t, { functions: { noisy: 'noisy' } });
  const server = await serve(t, dir);
  const phone = await Phone.of(await browser(t), 'alice', server.url);
  await phone.page.goto(`${server.url}/_console`);
  const caller = await Caller.signIn(server, 'zhangsan');
  const body = phone.page.locator('body');
  await body.filter({ hasText: 'zhangsan' }).waitFor();
  const { requestId } = await caller.invoke('noisy', { word: 'console-word' });
  await body.filter({ hasText: 'log says console-word' }).waitFor();
  await body.filter({ hasText: requestId.slice(0, 8) }).waitFor();
  await phone.photograph('30-console');
  phone.hasNoTrouble();
});
