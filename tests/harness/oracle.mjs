/**
 * The document language as a child process: cases in, answers out. The cases of a batch are
 * written at once and answered in their order.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { rootDir } from './settings.mjs';

/** @typedef {import('./server.mjs').Owner} Owner */
/** @typedef {{ ok: any, error?: undefined } | { ok?: undefined, error: string }} Answer */

/** The running language. */
export class Language {
  /** @param {import('node:child_process').ChildProcessByStdio<any, any, null>} child */
  constructor(child) {
    this.child = child;
    /** @type {((line: string) => void)[]} who waits for the next line */
    this.waiting = [];
    createInterface({ input: child.stdout }).on('line', (line) => this.waiting.shift()?.(line));
    child.on('exit', (code) => {
      for (const answer of this.waiting.splice(0)) {
        answer(JSON.stringify({ error: `the process ended with ${code}` }));
      }
    });
  }

  /**
   * Asks several cases at once.
   * @param {object[]} cases
   * @returns {Promise<Answer[]>}
   */
  async ask(cases) {
    const answers = cases.map(
      () => /** @type {Promise<string>} */ (new Promise((resolve) => this.waiting.push(resolve))),
    );
    this.child.stdin.write(cases.map((one) => `${JSON.stringify(one)}\n`).join(''));
    return (await Promise.all(answers)).map((line) => JSON.parse(line));
  }
}

/**
 * Starts the language; it ends with its owner.
 * @param {Owner} owner
 * @returns {Language}
 */
export function language(owner) {
  const beside = path.join(rootDir, 'target', 'debug', 'oracle');
  const file = path.resolve(process.env.YUNKAI_ORACLE_BIN ?? beside);
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: run \`cargo build -p oracle\``);
  }
  const child = spawn(file, { stdio: ['pipe', 'pipe', 'inherit'] });
  owner.after(async () => {
    child.stdin.end();
  });
  return new Language(child);
}
