/**
 * Projects in temporary folders, laid out as WeChat DevTools does it or copied from
 * `tests/projects`. Functions come unmodified from `tests/functions`; only their declared
 * range of `wx-server-sdk` varies.
 */
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyPackage } from './modules.mjs';
import { temporaryFolder } from './server.mjs';
import { appId, testsDir } from './settings.mjs';

/**
 * @typedef {object} FunctionChoice
 * @property {string} from a folder of `tests/functions`
 * @property {string} [sdk] the range of `wx-server-sdk` to declare
 * @property {(string | { name: string, as: string })[]} [modules] packages put into the function's
 *   own `node_modules`, under the name they have there
 * @property {string[]} [tables] files of `tests/tables` put beside `index.js`
 *
 * @typedef {object} ProjectOptions
 * @property {Record<string, string | FunctionChoice>} [functions] name → where it comes from
 * @property {Record<string, unknown>} [yunkai] the content of `yunkai.json`
 * @property {Record<string, string>} [files] more files by path
 * @property {boolean} [esbuild] whether the project has esbuild, so that functions are bundled
 */

/** A project folder on disk. */
export class Project {
  /** @param {string} dir */
  constructor(dir) {
    this.dir = dir;
  }

  /**
   * Writes a file, making its folders.
   * @param {string} name path inside the project
   * @param {string | Uint8Array} content
   */
  async write(name, content) {
    const file = path.join(this.dir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  /** @param {string} name path inside the project */
  async remove(name) {
    await rm(path.join(this.dir, name), { recursive: true, force: true });
  }

  /**
   * Puts a function into `cloudfunctions/`.
   * @param {string} name
   * @param {string | FunctionChoice} choice
   */
  async addFunction(name, choice) {
    const {
      from,
      sdk,
      modules = [],
      tables = [],
    } = typeof choice === 'string' ? /** @type {FunctionChoice} */ ({ from: choice }) : choice;
    const target = path.join(this.dir, 'cloudfunctions', name);
    await cp(path.join(testsDir, 'functions', from), target, { recursive: true });
    if (sdk) {
      const manifest = { name, version: '1.0.0', main: 'index.js' };
      const dependencies = { 'wx-server-sdk': sdk };
      await this.write(
        `cloudfunctions/${name}/package.json`,
        JSON.stringify({ ...manifest, dependencies }, null, 2),
      );
    }
    for (const module of modules) {
      const { name, as } = typeof module === 'string' ? { name: module, as: module } : module;
      await copyPackage(name, path.join(target, 'node_modules'), as);
    }
    for (const table of tables) {
      await cp(path.join(testsDir, 'tables', table), path.join(target, table));
    }
  }
}

/**
 * A fresh project in DevTools layout that goes away with its owner.
 * @param {import('./server.mjs').Owner} owner
 * @param {ProjectOptions} [options]
 * @returns {Promise<Project>}
 */
export async function project(owner, { functions = {}, yunkai, files = {}, esbuild } = {}) {
  const made = new Project(path.join(await temporaryFolder(owner), 'project'));
  const config = { appid: appId, projectname: 'test', cloudfunctionRoot: 'cloudfunctions/' };
  await made.write('project.config.json', JSON.stringify(config, null, 2));
  await mkdir(path.join(made.dir, 'cloudfunctions'), { recursive: true });
  if (esbuild) {
    const bin = path.join(made.dir, 'node_modules', '.bin');
    await mkdir(bin, { recursive: true });
    const program = path.join(testsDir, 'node_modules', 'esbuild', 'bin', 'esbuild');
    await symlink(program, path.join(bin, 'esbuild'));
  }
  for (const [name, choice] of Object.entries(functions)) await made.addFunction(name, choice);
  if (yunkai) await made.write('yunkai.json', JSON.stringify(yunkai, null, 2));
  for (const [name, content] of Object.entries(files)) await made.write(name, content);
  return made;
}

/**
 * A copy of one of the complete projects in `tests/projects`.
 * @param {import('./server.mjs').Owner} owner
 * @param {string} name
 * @returns {Promise<Project>}
 */
export async function copyOf(owner, name) {
  const made = new Project(path.join(await temporaryFolder(owner), name));
  await cp(path.join(testsDir, 'projects', name), made.dir, { recursive: true });
  return made;
}
