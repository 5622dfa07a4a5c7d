/**
 * Builds `dist/`: an ES module, a CommonJS module, the same for mini programs, and the types.
 * Refuses a bundle that has grown beyond 40 KB.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const BYTES_MAX = 40 * 1024;
const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(`${here}/package.json`, 'utf8'));

// Built aside and moved in, so that an app that is being built meanwhile never sees half a library.
const fresh = `${here}/node_modules/.dist`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });

const common = {
  entryPoints: [`${here}/src/index.ts`],
  bundle: true,
  minify: true,
  target: 'es2020',
  charset: 'utf8',
  legalComments: 'none',
  banner: { js: `/* @yunkai/cloud ${version}, Apache-2.0 */` },
};
await build({ ...common, format: 'esm', outfile: `${fresh}/index.mjs` });
await build({ ...common, format: 'cjs', outfile: `${fresh}/index.cjs` });
// WeChat's packager takes a library as it is, and old phones know no `?.`.
const old = { target: 'es2018', outfile: `${fresh}/miniprogram/index.js` };
await build({ ...common, ...old, format: 'cjs' });

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const types = ['-p', `${here}/tsconfig.json`, '--emitDeclarationOnly', '--outDir', fresh];
execFileSync(process.execPath, [tsc, ...types], { stdio: 'inherit' });

for (const file of ['index.mjs', 'index.cjs', 'miniprogram/index.js']) {
  const bytes = statSync(`${fresh}/${file}`).size;
  if (bytes > BYTES_MAX)
    throw new Error(`${file} has ${bytes} bytes, at most ${BYTES_MAX} allowed`);
  console.log(`dist/${file}: ${(bytes / 1024).toFixed(1)} KB`);
}

rmSync(`${here}/dist`, { recursive: true, force: true });
renameSync(fresh, `${here}/dist`);
