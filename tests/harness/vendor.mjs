/**
 * The vendors' unmodified packages, pointed at the server under test, as a back end outside
 * cloud functions uses them. Nothing here changes what a package does.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

// Where the process runs is told, so that the SDKs do not ask the vendor's metadata host at every
// request: the tests speak to nobody but the server.
process.env.TENCENTCLOUD = 'true';

/** @typedef {import('./server.mjs').Server} Server */

/** The generations of `@cloudbase/node-sdk` that are driven from outside. */
export const nodeSdks = /** @type {const} */ (['node-sdk-3', 'node-sdk-2']);

/**
 * An app of `@cloudbase/node-sdk` that signs its requests with the key pair.
 * @param {Server} server
 * @param {'node-sdk-3' | 'node-sdk-2'} generation
 * @param {Record<string, unknown>} [options]
 * @returns {any}
 */
export function nodeSdk(server, generation = 'node-sdk-3', options = {}) {
  const { envId, secretId, secretKey } = server.credentials();
  const serviceUrl = `${server.url}/admin`;
  return require(generation).init({ env: envId, secretId, secretKey, serviceUrl, ...options });
}

/**
 * An app of `@cloudbase/node-sdk` 3.x that presents the API key as a bearer token.
 * @param {Server} server
 * @param {string} [accessKey]
 * @returns {any}
 */
export function nodeSdkByKey(server, accessKey = server.credentials().apiKey) {
  const { envId } = server.credentials();
  return require('node-sdk-3').init({
    env: envId,
    accessKey,
    serviceUrl: `${server.url}/admin`,
  });
}

/**
 * `wx-server-sdk` outside a function: it takes keys and address from the process environment,
 * so a test process can talk to one server with it.
 * @param {Server} server
 * @param {'wx-server-sdk-4' | 'wx-server-sdk-2'} generation
 * @returns {any}
 */
export function wxServerSdk(server, generation = 'wx-server-sdk-4') {
  const { envId, secretId, secretKey } = server.credentials();
  process.env.TENCENTCLOUD_SECRETID = secretId;
  process.env.TENCENTCLOUD_SECRETKEY = secretKey;
  process.env.TCB_CONTEXT_CNFG = JSON.stringify({ URL: `${server.url}/admin` });
  const cloud = require(generation);
  cloud.init({ env: envId });
  return cloud;
}
