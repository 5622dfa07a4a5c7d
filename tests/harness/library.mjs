/** The project's own client library as users get it: `sdk/dist`, in Node. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { rootDir } from './settings.mjs';

/** @typedef {import('./server.mjs').Server} Server */

/**
 * The built library.
 * @returns {Promise<any>}
 */
export async function library() {
  const file = path.join(rootDir, 'sdk', 'dist', 'index.mjs');
  return import(pathToFileURL(file).href);
}

/**
 * An independent client for one user, signed in at the first call.
 * @param {Server} server
 * @param {string | null} name the simulated user; null signs in anonymously
 * @returns {Promise<any>}
 */
export async function client(server, name) {
  const { cloud } = await library();
  const made = new cloud.Cloud({
    env: server.credentials().envId,
    endpoint: server.url,
    login: async () => (name === null ? null : `dev-${name}`),
  });
  await made.init();
  return made;
}
