/**
 * The real binary as a child process: started on a port of its own, waited for, watched, stopped and
 * killed. It refuses to guess: a server that exits before its `ready` line is an error that
 * carries everything the server said.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.mjs';
import { freePort } from './port.mjs';
import { binary, deadlineMs, testStore } from './settings.mjs';

/**
 * @typedef {object} ServeOptions
 * @property {string} [data] the data directory; a fresh temporary one when absent
 * @property {number} [port] one of the test process's own when absent
 * @property {string[]} [args] more arguments of `yunkai dev`
 * @property {string} [config] a `yunkai.toml`: runs `yunkai serve` in place of `yunkai dev`
 * @property {Record<string, string>} [env] more environment variables
 * @property {string[]} [through] a command that runs the binary, such as `nsenter …`
 *
 * @typedef {{ after(fn: () => Promise<void>): void }} Owner a test context, or `node:test` itself
 * @typedef {{ envId: string, secretId: string, secretKey: string, apiKey: string }} Credentials
 */

/**
 * Where programs are looked for: as a shell would, whoever started the tests. npm puts the programs
 * of its packages in front.
 */
const searched = (process.env.PATH ?? '')
  .split(path.delimiter)
  .filter((folder) => !folder.endsWith(path.join('node_modules', '.bin')))
  .join(path.delimiter);

/** One running server. */
export class Server {
  /**
   * @param {string} dir
   * @param {ServeOptions & { data: string }} options
   */
  constructor(dir, options) {
    this.dir = dir;
    this.options = options;
    /** @type {string[]} every line of stdout and stderr, in the order of arrival */
    this.lines = [];
    this.url = '';
    // Every data directory has its documents in a schema of its own.
    this.schema = `${testStore.includes('?') ? '&' : '?'}schema=t${hash(options.data)}`;
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this.child = undefined;
  }

  /** The data directory. */
  get data() {
    return this.options.data;
  }

  /** The port of the listener. */
  get port() {
    return Number(new URL(this.url).port);
  }

  /** Host and port. */
  get host() {
    return new URL(this.url).host;
  }

  /** The process id of the binary itself (not of a command it runs through). */
  get pid() {
    return /** @type {number} */ (this.child?.pid);
  }

  /**
   * Starts the process, the second time on the same port and data, and waits for its `ready` line.
   * @returns {Promise<void>}
   */
  async start() {
    const { env = {}, through = [] } = this.options;
    this.options.port ??= await freePort();
    const command = [...through, binary(), ...this.command()];
    const child = spawn(command[0], command.slice(1), {
      env: { ...process.env, PATH: searched, LANG: 'en_US.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    /** @type {(url: string) => void} */
    let ready = () => {};
    const announced = new Promise((resolve) => {
      ready = resolve;
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        if (process.env.YUNKAI_TEST_TRACE) process.stderr.write(`  | ${line}\n`);
        const match = /^ready (http:\/\/\S+)$/.exec(line);
        if (match) ready(match[1]);
      });
    }
    this.exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    const timer = new AbortController();
    const outcome = await Promise.race([announced, this.exited, deadline(timer.signal)]);
    timer.abort();
    if (typeof outcome !== 'string') {
      child.kill('SIGKILL');
      const said = this.lines.join('\n');
      throw new Error(`the server did not start (${JSON.stringify(outcome)}):\n${said}`);
    }
    this.url = outcome;
  }

  /** @returns {string[]} */
  command() {
    const { data, port, args = [], config } = this.options;
    if (config) return ['serve', '--config', config, ...args];
    const store = testStore ? ['--store', `${testStore}${this.schema}`] : [];
    return ['dev', this.dir, '--port', String(port), '--data', data, ...store, ...args];
  }

  /**
   * Asks the process to stop and waits until it has.
   * @returns {Promise<{ code: number | null, signal: string | null }>}
   */
  async stop() {
    this.child?.kill('SIGTERM');
    return this.gone();
  }

  /**
   * Pulls the plug.
   * @returns {Promise<{ code: number | null, signal: string | null }>}
   */
  async kill() {
    this.child?.kill('SIGKILL');
    return this.gone();
  }

  async gone() {
    const timer = new AbortController();
    const outcome = await Promise.race([this.exited, deadline(timer.signal)]);
    timer.abort();
    if (!outcome) {
      this.child?.kill('SIGKILL');
      throw new Error(`the server did not stop:\n${this.lines.slice(-40).join('\n')}`);
    }
    return /** @type {{ code: number | null, signal: string | null }} */ (outcome);
  }

  /** @returns {Credentials} */
  credentials() {
    return JSON.parse(readFileSync(path.join(this.data, 'credentials.json'), 'utf8'));
  }

  /**
   * Waits for a line of the terminal.
   * @param {RegExp} pattern
   * @param {number} [from] the line to begin with
   * @returns {Promise<string>}
   */
  said(pattern, from = 0) {
    const look = () => this.lines.slice(from).find((line) => pattern.test(line));
    return eventually(`the terminal shows ${pattern}`, look);
  }
}

/** @param {string} text */
function hash(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/**
 * Null when the deadline passes before the signal.
 * @param {AbortSignal} signal
 * @returns {Promise<null>}
 */
function deadline(signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), deadlineMs);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

/**
 * A fresh folder that goes away with its owner.
 * @param {Owner} owner
 * @returns {Promise<string>}
 */
export async function temporaryFolder(owner) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'yunkai-test-'));
  owner.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/**
 * Starts a server that ends with its owner.
 * @param {Owner} owner
 * @param {string} dir the project
 * @param {ServeOptions} [options]
 * @returns {Promise<Server>}
 */
export async function serve(owner, dir, options = {}) {
  const data = options.data ?? path.join(await temporaryFolder(owner), 'data');
  const server = new Server(dir, { ...options, data });
  owner.after(async () => {
    if (server.child?.exitCode === null && server.child.signalCode === null) await server.kill();
  });
  await server.start();
  return server;
}

/**
 * Runs the binary until it exits by itself, as a command that must fail does.
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, through?: string[] }} [options]
 * @returns {Promise<{ code: number | null, signal: string | null, output: string }>}
 */
export async function run(args, { env = {}, through = [] } = {}) {
  const command = [...through, binary(), ...args];
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, PATH: searched, LANG: 'en_US.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, output };
}
