/**
 * The wire to the server: `POST {endpoint}/web` in the vendor's Family A (protocol 01 §5, 03 §4).
 * It adds the token, retries what may be retried and turns error answers into failures. What an
 * action means is known by its callers.
 */

import { UserSwitcher } from './dev-users';
import { CloudError, NETWORK, networkFailure, serverFailure } from './failure';
import { parseJson } from './json';
import type { Platform, Request, Response } from './platform';
import { isTokenFailure, type Login, Session } from './session';

/** Waits before the second and the third try of a read, in milliseconds. */
const RETRY_AFTER_MS = [200, 800];

/** An answer of the server that is not an error. */
export interface Reply {
  data: any;
  requestId: string;
}

/** Where a call goes: a wire and one environment on it. */
export class Place {
  constructor(
    readonly wire: Wire,
    readonly env: string,
  ) {}

  /** A call that may change something: sent once, and once more only when its token was refused. */
  async call(action: string, params: object): Promise<any> {
    return (await this.wire.call(this.env, action, params)).data || {};
  }

  /** A call that only reads: sent again when no answer came. */
  async read(action: string, params: object): Promise<any> {
    return (await this.wire.read(this.env, action, params)).data || {};
  }
}

/** The connection of one client to one server, for all environments it uses. */
export class Wire {
  readonly switcher: UserSwitcher;
  private readonly sessions = new Map<string, Session>();

  constructor(
    readonly platform: Platform,
    readonly endpoint: string,
    private readonly login: Login | undefined,
    private readonly timeoutMs: number,
  ) {
    this.switcher = new UserSwitcher(platform, endpoint, timeoutMs);
  }

  /** See `Place.call`; the reply has the request's id as well. */
  call(env: string, action: string, params: object): Promise<Reply> {
    return this.withToken(env, (token) => this.send(env, action, params, token));
  }

  /** See `Place.read`. */
  read(env: string, action: string, params: object): Promise<Reply> {
    return this.withToken(env, async (token) => {
      for (let tries = 0; ; tries++) {
        try {
          return await this.send(env, action, params, token);
        } catch (error) {
          const pauseMs = RETRY_AFTER_MS[tries];
          const unanswered = error instanceof CloudError && error.code === NETWORK;
          if (!unanswered || pauseMs === undefined) throw error;
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }
    });
  }

  /** A plain HTTP request to the server with the user's token as a Bearer. */
  async fetch(env: string, path: string, request: Omit<Request, 'url'>): Promise<Response> {
    return this.withToken(env, async (token) => {
      const headers = { ...request.headers, authorization: `Bearer ${token}` };
      const url = this.endpoint + path;
      const response = await this.platform.request({ ...request, url, headers });
      if (response.status === 401) throwIfToken(response);
      return response;
    });
  }

  /** Forgets who is signed in; the next call signs in again. */
  forgetUsers(): void {
    // New sessions, so that a sign-in under way cannot put the old user back.
    this.sessions.clear();
  }

  private async withToken<T>(env: string, work: (token: string) => Promise<T>): Promise<T> {
    const session = this.session(env);
    const token = await session.token();
    try {
      return await work(token);
    } catch (error) {
      if (!isTokenFailure(error)) throw error;
      return work(await session.renew(token));
    }
  }

  private session(env: string): Session {
    let session = this.sessions.get(env);
    if (!session) {
      const { platform, endpoint, login, switcher, timeoutMs } = this;
      session = new Session(platform, endpoint, env, login, switcher, timeoutMs);
      this.sessions.set(env, session);
    }
    return session;
  }

  private async send(env: string, action: string, params: object, token: string): Promise<Reply> {
    const seqId = randomHex(13);
    const response = await this.platform.request({
      method: 'POST',
      url: `${this.endpoint}/web?env=${encodeURIComponent(env)}`,
      headers: { 'content-type': 'application/json;charset=UTF-8', 'x-seqid': seqId },
      body: JSON.stringify({
        action,
        dataVersion: '2020-01-10',
        env,
        ...params,
        access_token: token,
        seqId,
      }),
      timeoutMs: this.timeoutMs,
    });
    return replyOf(response);
  }
}

function replyOf({ data, status }: Response): Reply {
  const body = parseJson(data);
  if (body === undefined) throw networkFailure(`the server answered HTTP ${status} without JSON`);
  if (body?.code) throw serverFailure(String(body.code), body.message, body.requestId);
  if (status >= 300) throw serverFailure('SYS_ERR', `HTTP ${status}`);
  return { data: body?.data, requestId: body?.requestId || '' };
}

function throwIfToken({ data }: Response): void {
  const text = typeof data === 'string' ? data : String.fromCharCode(...new Uint8Array(data));
  const body = parseJson(text);
  const failure = serverFailure(String(body?.code || ''), String(body?.message || ''));
  if (isTokenFailure(failure)) throw failure;
}

/** `length` random hexadecimal digits: good for names, not for secrets. */
export function randomHex(length: number): string {
  let text = '';
  while (text.length < length) text += Math.random().toString(16).slice(2, 10);
  return text.slice(0, length);
}
