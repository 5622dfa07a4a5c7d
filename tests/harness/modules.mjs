/**
 * Puts an npm package of `tests/node_modules` with everything it needs into the `node_modules`
 * of a function, as an upload from DevTools with "all files" does. The lock file says what it
 * needs; nothing is fetched.
 */
import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { testsDir } from './settings.mjs';

/**
 * @param {string} name the folder in `tests/node_modules`, such as `tcb-router`
 * @param {string} target a `node_modules` folder
 * @param {string} [as] the name it gets there, when ours is an alias
 */
export async function copyPackage(name, target, as = name) {
  const lock = JSON.parse(await readFile(path.join(testsDir, 'package-lock.json'), 'utf8'));
  const first = `node_modules/${name}`;
  for (const place of closure(lock.packages, first)) {
    // What is optional is there when it is for this machine.
    if (!existsSync(path.join(testsDir, place))) continue;
    const inside = place.slice('node_modules/'.length);
    const renamed = inside === name || inside.startsWith(`${name}/`);
    const goal = renamed ? as + inside.slice(name.length) : inside;
    await cp(path.join(testsDir, place), path.join(target, goal), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
}

/**
 * The top-level places of a package and of all that it reaches.
 * @typedef {Record<string, string>} Ranges
 * @param {Record<string, { dependencies?: Ranges, optionalDependencies?: Ranges }>} packages
 * @param {string} first
 * @returns {Set<string>}
 */
function closure(packages, first) {
  const seen = new Set([first]);
  const queue = [first];
  for (let place = queue.pop(); place; place = queue.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = packages[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = resolve(packages, place, name);
      if (found && !seen.has(found)) {
        seen.add(found);
        queue.push(found);
      }
    }
  }
  return new Set([...seen].filter((place) => place.lastIndexOf('node_modules/') === 0));
}

/**
 * Where Node would find a dependency of the package at a place.
 * @param {Record<string, unknown>} packages
 * @param {string} place
 * @param {string} name
 * @returns {string | undefined}
 */
function resolve(packages, place, name) {
  for (let at = place; ; at = at.slice(0, at.lastIndexOf('/node_modules/'))) {
    const candidate = `${at}/node_modules/${name}`;
    if (packages[candidate]) return candidate;
    if (!at.includes('/node_modules/')) break;
  }
  const top = `node_modules/${name}`;
  return packages[top] ? top : undefined;
}
