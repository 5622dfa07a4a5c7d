/** `/_console`: calls with their figures and lines, the log, the simulator's events, as they come. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Caller, refusal } from '../harness/caller.mjs';
import { project } from '../harness/project.mjs';
import { serve, temporaryFolder } from '../harness/server.mjs';
import { browser, Phone } from './phone.mjs';

test('the console shows what happens', async (t) => {
  const { dir } = await project(t, { functions: { noisy: 'noisy', failing: 'failing' } });
  const server = await serve(t, dir);
  const phone = await Phone.of(await browser(t), 'alice', server.url);
  const { page } = phone;
  await page.goto(`${server.url}/_console`);
  await page.locator('#state.live').waitFor();
  const caller = await Caller.signIn(server, 'zhangsan');
  const body = page.locator('body');
  await body.filter({ hasText: 'zhangsan' }).waitFor();
  const { requestId } = await caller.invoke('noisy', { word: 'console-word' });
  await body.filter({ hasText: 'log says console-word' }).waitFor();
  await body.filter({ hasText: requestId.slice(0, 8) }).waitFor();

  const failed = await refusal(caller.call('failing', { how: 'throw an error' }));
  await page.locator(`#calls tr[data-id="${failed.requestId}"]`).click();
  await page.locator('#record', { hasText: 'index.js:5' }).waitFor();
  await page.locator(`#calls tr[data-id="${requestId}"]`).click();
  await page.locator('#record', { hasText: 'stdout says console-word' }).waitFor();
  await page.locator('#errors').check();
  await page.locator(`#calls tr[data-id="${requestId}"]`).waitFor({ state: 'detached' });
  await page.locator(`#calls tr[data-id="${failed.requestId}"]`).waitFor();
  await page.locator('#figures', { hasText: 'failing' }).waitFor();
  await phone.photograph('30-console');
  phone.hasNoTrouble();
});

test('the console of a server asks for the key', async (t) => {
  const folder = await temporaryFolder(t);
  const [config, data] = ['yunkai.toml', 'data'].map((name) => path.join(folder, name));
  const listen = 'listen = "127.0.0.1:0"\nconsole_listen = "127.0.0.1:0"\n';
  await writeFile(config, `${listen}data = "${data}"\n`);
  const server = await serve(t, folder, { config, data });
  const url = (await server.said(/^console {2}http/)).slice('console  '.length);
  const page = await (await browser(t)).newPage();
  await page.goto(url);
  await page.locator('#sign-in').waitFor();
  await page.locator('#key').fill('wrong');
  await page.locator('#sign-in button').click();
  await page.locator('#refused').waitFor();
  await page.locator('#key').fill(server.credentials().apiKey);
  await page.locator('#sign-in button').click();
  await page.locator('#state.live').waitFor();
  await page.locator('#where', { hasText: server.credentials().envId }).waitFor();
});
