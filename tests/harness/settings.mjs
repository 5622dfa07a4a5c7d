/**
 * Where things are and how long a test waits before it says that something will never happen.
 * Deadlines are generous on purpose: they bound a failure, they never measure a success.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The folder `tests/`. */
export const testsDir = path.dirname(here);

/** The root of the checkout. */
export const rootDir = path.dirname(testsDir);

/** How long a poll goes on before it fails, in milliseconds. */
export const deadlineMs = Number(process.env.YUNKAI_TEST_DEADLINE_MS ?? 60_000);

/** The AppID that the test projects declare. */
export const appId = 'wxfeedc0ffee123456';

/** The `postgres://` address that `dev` servers keep their documents in; the embedded store else. */
export const testStore = process.env.YUNKAI_TEST_STORE ?? '';

/**
 * The binary under test: `YUNKAI_BIN`, else the debug build of this checkout.
 * @returns {string}
 */
export function binary() {
  const given = process.env.YUNKAI_BIN ?? path.join(rootDir, 'target', 'debug', 'yunkai');
  const file = path.resolve(given);
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: run \`cargo build -p yunkai\` or set YUNKAI_BIN`);
  }
  return file;
}
