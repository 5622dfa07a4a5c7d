/**
 * A user of the mini program: signs in with a simulator code over `/auth/v1` as the vendor's
 * client does, then speaks Family A over `/web`.
 */
import assert from 'node:assert/strict';
import { appId } from './settings.mjs';
import { request, web } from './wire.mjs';

/** @typedef {import('./server.mjs').Server} Server */

/** What a failed call rejects with: the code and the words of the wire. */
export class Refused extends Error {
  /** @param {{ code: string, message: string, requestId?: string }} body */
  constructor(body) {
    super(`[${body.code}] ${body.message}`);
    this.code = body.code;
    this.text = body.message;
    this.requestId = body.requestId;
  }
}

/** One signed-in user. */
export class Caller {
  /**
   * @param {Server} server
   * @param {any} tokens the reply of the sign-in
   */
  constructor(server, tokens) {
    this.server = server;
    this.tokens = tokens;
    /** @type {string} */
    this.accessToken = tokens.access_token;
    /** The openid, known for WeChat sign-ins after `signIn`. */
    this.openid = '';
  }

  /**
   * Signs in the simulated WeChat user of that name.
   * @param {Server} server
   * @param {string} name
   * @returns {Promise<Caller>}
   */
  static async signIn(server, name) {
    const first = await auth(server, '/auth/v1/provider/token', {
      provider_id: appId,
      provider_code: `dev-${name}`,
      provider_params: { provider_code_type: 'open_id', appid: appId },
    });
    assert.ok(first.provider_token, `no provider token: ${JSON.stringify(first)}`);
    const proof = { provider_token: first.provider_token };
    let tokens = await auth(server, '/auth/v1/signin/with/provider', proof);
    if (tokens.error === 'not_found') tokens = await auth(server, '/auth/v1/signup', proof);
    assert.ok(tokens.access_token, `no access token: ${JSON.stringify(tokens)}`);
    const caller = new Caller(server, tokens);
    const profile = await caller.profile();
    const [provider] = profile.providers ?? [];
    assert.ok(provider, `the profile names no WeChat identity: ${JSON.stringify(profile)}`);
    caller.openid = provider.provider_user_id;
    return caller;
  }

  /**
   * Signs in a new anonymous user.
   * @param {Server} server
   * @returns {Promise<Caller>}
   */
  static async anonymous(server) {
    const tokens = await auth(server, '/auth/v1/signin/anonymously', {});
    assert.ok(tokens.access_token, `no access token: ${JSON.stringify(tokens)}`);
    return new Caller(server, tokens);
  }

  /** @returns {Promise<any>} who the server thinks this is */
  async profile() {
    const reply = await request(`${this.server.url}/auth/v1/user/me`, {
      headers: { authorization: `Bearer ${this.accessToken}` },
    });
    return reply.body;
  }

  /**
   * One action over `/web`; the reply as it is.
   * @param {string} action
   * @param {Record<string, unknown>} params
   * @returns {Promise<any>}
   */
  async raw(action, params) {
    const { envId } = this.server.credentials();
    const { status, body } = await web(this.server, {
      action,
      dataVersion: '2020-01-10',
      env: envId,
      access_token: this.accessToken,
      ...params,
    });
    assert.equal(status, 200, `/web answers 200 always: ${JSON.stringify(body)}`);
    assert.ok(body.requestId, `a reply without requestId: ${JSON.stringify(body)}`);
    return body;
  }

  /**
   * One action over `/web`; its data, or a rejection with `Refused`.
   * @param {string} action
   * @param {Record<string, unknown>} params
   * @returns {Promise<any>}
   */
  async web(action, params) {
    const body = await this.raw(action, params);
    if (body.code) throw new Refused(body);
    return body.data;
  }

  /**
   * Calls a cloud function.
   * @param {string} name
   * @param {unknown} [data]
   * @returns {Promise<{ result: any, requestId: string }>}
   */
  async invoke(name, data) {
    const body = await this.raw('functions.invokeFunction', {
      function_name: name,
      request_data: data === undefined ? '' : JSON.stringify(data),
    });
    if (body.code) throw new Refused(body);
    return { result: JSON.parse(body.data.response_data), requestId: body.requestId };
  }

  /**
   * Calls a cloud function and returns its result.
   * @param {string} name
   * @param {unknown} [data]
   * @returns {Promise<any>}
   */
  async call(name, data) {
    return (await this.invoke(name, data)).result;
  }
}

/**
 * One call of the auth REST; the body whatever the status, because clients look at the body.
 * @param {Server} server
 * @param {string} path
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function auth(server, path, body, headers = {}) {
  const { envId } = server.credentials();
  const reply = await request(`${server.url}${path}?client_id=${envId}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
    body: JSON.stringify(body),
  });
  return reply.body;
}

/**
 * The refusal that a promise must end in.
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
export async function refusal(promise) {
  try {
    const value = await promise;
    assert.fail(`must be refused, but gave ${JSON.stringify(value)}`);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return error;
  }
}
