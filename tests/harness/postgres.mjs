/** A PostgreSQL that tests may use: the one of the whole run, else a throw-away one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { rootDir } from './settings.mjs';

/**
 * The `postgres://` address of a database that ends with its owner.
 * @param {import('./server.mjs').Owner} owner
 * @returns {Promise<string>}
 */
export async function postgres(owner) {
  const shared = process.env.YUNKAI_TEST_POSTGRES;
  if (shared) return shared;
  const program = path.join(rootDir, 'target', 'debug', 'throwaway-postgres');
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  owner.after(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'close');
  });
  const lines = createInterface({ input: child.stdout });
  const [address] = await Promise.race([once(lines, 'line'), once(child, 'error').then(fail)]);
  return address;
}

/**
 * @param {unknown[]} error
 * @returns {never}
 */
function fail(error) {
  throw new Error(`throw-away PostgreSQL: build it with cargo build --workspace; ${error}`);
}
