/**
 * A small file system of its own for a data directory: a tmpfs in a mount namespace that one
 * process holds open. Works as root and, where the kernel allows user namespaces, without.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** A mounted tmpfs; `enter` is the command prefix that runs a program where it is seen. */
export class SmallDisk {
  /**
   * @param {import('node:child_process').ChildProcess} keeper
   * @param {string} folder
   */
  constructor(keeper, folder) {
    this.keeper = keeper;
    this.folder = folder;
    const namespaces = process.getuid?.() === 0 ? ['-m'] : ['-U', '--preserve-credentials', '-m'];
    this.enter = ['nsenter', '-t', String(keeper.pid), ...namespaces, '--'];
  }

  /**
   * Null when this machine refuses mounts.
   * @param {import('./server.mjs').Owner} owner
   * @param {string} folder an empty folder to mount on
   * @param {number} sizeMb
   * @returns {Promise<SmallDisk | null>}
   */
  static async mount(owner, folder, sizeMb) {
    const flags = process.getuid?.() === 0 ? ['-m'] : ['-r', '-m'];
    const script = `mount -t tmpfs -o size=${sizeMb}m tmpfs "$0" && echo mounted && exec cat`;
    const keeper = spawn('unshare', [...flags, 'sh', '-c', script, folder], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    owner.after(async () => {
      keeper.kill('SIGKILL');
    });
    const outcome = await Promise.race([
      once(keeper.stdout, 'data'),
      once(keeper, 'close'),
      once(keeper, 'error'),
    ]);
    return String(outcome[0]).startsWith('mounted') ? new SmallDisk(keeper, folder) : null;
  }

  /** The folder as seen from outside the namespace. */
  get outside() {
    return path.join(`/proc/${this.keeper.pid}/root`, this.folder);
  }

  /**
   * Runs a command inside and fails with its words.
   * @param {string[]} command
   */
  inside(command) {
    const [program, ...args] = [...this.enter, ...command];
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  }

  /** Lets nobody write any more. */
  freeze() {
    this.inside(['mount', '-o', 'remount,ro', this.folder]);
  }

  /** Takes what is left of the space, to the last byte. */
  fill() {
    const chunk = Buffer.alloc(64 * 1024);
    for (let size = chunk.length; size >= 1; size = Math.floor(size / 2)) {
      for (;;) {
        try {
          writeFileSync(path.join(this.outside, 'filler'), chunk.subarray(0, size), { flag: 'a' });
        } catch {
          break;
        }
      }
    }
  }

  /** Gives the space back. */
  empty() {
    this.inside(['rm', '-f', path.join(this.folder, 'filler')]);
  }
}
