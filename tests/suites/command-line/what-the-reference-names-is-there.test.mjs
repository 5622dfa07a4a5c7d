/**
 * Every path of openapi.json is answered, every command and option of the reference is known, and
 * every key of the configuration files is described there.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { serveEmpty } from '../../harness/deploying.mjs';
import { project } from '../../harness/project.mjs';
import { run } from '../../harness/server.mjs';
import { rootDir } from '../../harness/settings.mjs';

const reference = path.join(rootDir, 'docs', 'reference');

/** The commands of all code blocks of the documents: words, then options. */
async function commands() {
  const names = await readdir(reference);
  const pages = names.filter((name) => name.endsWith('.md'));
  const files = [
    ...pages.map((name) => path.join(reference, name)),
    path.join(rootDir, 'README.md'),
  ];
  /** @type {Map<string, Set<string>>} */
  const found = new Map();
  for (const file of files) {
    const blocks = (await readFile(file, 'utf8')).match(/^```(sh)?\n.*?^```/gms) ?? [];
    // A command that goes on in the next line is indented there.
    const lines = blocks.flatMap((block) => block.replace(/\n +/g, ' ').split('\n'));
    for (const line of lines) {
      const command = line.match(/(?:^|\|\s*|\/)yunkai ((?:[a-z-]+ ?)+)(.*)$/);
      if (!command) continue;
      const options = command[2].match(/(?<=[\s[])--[a-z][a-z-]*/g) ?? [];
      // The last word may be somebody's own, as in `alias set login`.
      const words = command[1].trim();
      const known = found.get(words) ?? new Set();
      found.set(words, new Set([...known, ...options]));
    }
  }
  return found;
}

test('every command and option of the reference is known', async () => {
  const all = await commands();
  assert.ok(all.size > 25, `${all.size} commands found`);
  for (const [words, options] of all) {
    let given = words.split(' ');
    let help = await run([...given, '--help']);
    while (help.code !== 0 && given.length > 1) {
      given = given.slice(0, -1);
      help = await run([...given, '--help']);
    }
    const own = words.split(' ').slice(given.length);
    assert.equal(help.code, 0, words);
    const takesArguments = /Usage: .*(<[A-Z]|\[[A-Z]+\])/.test(
      help.output.replace('[OPTIONS]', ''),
    );
    assert.ok(own.length === 0 || takesArguments, `yunkai ${words}: ${own} is not known`);
    for (const option of options) {
      assert.match(help.output, new RegExp(`${option}\\b`), `yunkai ${words} ${option}`);
    }
  }
});

/** An object with an unknown key in each place, and the page that describes the known ones. */
const places = [
  ['yunkai.json', '{"_":0}'],
  ['yunkai.json', '{"collections":{"a":{"_":0}}}'],
  ['yunkai.json', '{"collections":{"a":{"indexes":[{"_":0}]}}}'],
  ['yunkai.json', '{"storage":{"_":0}}'],
  ['yunkai.json', '{"functions":{"a":{"_":0}}}'],
  ['yunkai.json', '{"functions":{"a":{"network":{"_":0}}}}', 'functions.md'],
  ['yunkai.json', '{"routes":[{"_":0}]}', 'routes.md'],
  ['yunkai.json', '{"services":{"a":{"_":0}}}', 'services.md'],
  ['yunkai.toml', '_ = 0'],
  ['yunkai.toml', 'data = "x"\n[functions]\n_ = 0', 'functions.md', 'packages.md'],
  ['yunkai.toml', 'data = "x"\n[journal]\n_ = 0'],
  ['yunkai.toml', 'data = "x"\n[wechat]\n_ = 0'],
  ['yunkai.toml', 'data = "x"\n[wechat.pay]\n_ = 0', 'open-platform.md'],
  ['yunkai.toml', 'data = "x"\n[wechat.push]\n_ = 0', 'open-platform.md'],
];

test('every key of the configuration files is described', async (t) => {
  const made = await project(t);
  for (const [file, content, ...pages] of places) {
    await made.write(file, content);
    const place = path.join(made.dir, file);
    const { output } = await (file === 'yunkai.json'
      ? run(['deploy', made.dir, '--server', 'http://127.0.0.1:1', '--key', 'k'])
      : run(['serve', '--config', place]));
    const expected = output.match(/unknown field `_`, expected (.*)/)?.[1] ?? '';
    const keys = [...expected.matchAll(/`(\w+)`/g)].map(([, key]) => key);
    assert.ok(keys.length > 0, `${content}: ${output}`);
    const own = file.replace('.', '-').concat('.md');
    const texts = [own, ...pages].map((page) => readFile(path.join(reference, page), 'utf8'));
    const text = (await Promise.all(texts)).join('');
    for (const key of keys) {
      const isThere = new RegExp(`[\`.[]${key}[\`.[\\]]|"${key}"|^${key} = `, 'm').test(text);
      assert.ok(isThere, `${key} of ${content} is not in ${[own, ...pages]}`);
    }
  }
});

test('every path of openapi.json is answered', async (t) => {
  const server = await serveEmpty(t);
  const { apiKey } = server.credentials();
  const text = await readFile(path.join(reference, 'openapi.json'), 'utf8');
  /** @type {{ paths: Record<string, Record<string, unknown>> }} */
  const { paths } = JSON.parse(text);
  const ask = (/** @type {string} */ method, /** @type {string} */ place, key = apiKey) =>
    fetch(server.url + place, { method, headers: key ? { authorization: `Bearer ${key}` } : {} });
  for (const [place, members] of Object.entries(paths)) {
    for (const method of Object.keys(members).filter((it) => it !== 'parameters')) {
      const name = `${method.toUpperCase()} ${place}`;
      const address = place.replace(/\{\w+\}/g, 'nothing');
      const answer = await ask(method.toUpperCase(), address);
      assert.notEqual(answer.status, 405, name);
      assert.ok(answer.status < 500, `${name}: ${answer.status}`);
      const isHtml = answer.headers.get('content-type')?.includes('html');
      const body = await answer.text();
      assert.ok(!isHtml, name);
      assert.doesNotMatch(body, /"INVALID_ACTION"/, name);
      const stranger = await ask(method.toUpperCase(), address, '');
      await stranger.body?.cancel();
      assert.equal(stranger.status, 401, `${name} without a key`);
    }
  }
  await t.test('other paths are refused in JSON', async () => {
    for (const [method, place] of [
      ['GET', '/_api/nothing'],
      ['POST', '/_api/functions/hello/nothing'],
      ['GET', '/_api'],
      ['PATCH', '/_api/functions'],
    ]) {
      const answer = await ask(method, place);
      const { code, message } = await answer.json();
      assert.deepEqual([answer.status, code], [404, 'INVALID_ACTION'], `${method} ${place}`);
      assert.match(message, /openapi\.json/);
      assert.equal((await ask(method, place, '')).status, 401);
    }
  });
});
