/**
 * Who the caller is: signs in silently when a token is first needed, keeps it fresh, and lets all
 * calls that wait for a token share one flight. It talks to `/auth/v1` alone and never shows
 * anything to the user.
 */

import type { UserSwitcher } from './dev-users';
import { CloudError, networkFailure, serverFailure } from './failure';
import { parseJson } from './json';
import type { Platform } from './platform';

/** Gives a `wx.login` code (`dev-<name>` on a dev server), or null to sign in anonymously. */
export type Login = () => Promise<string | null> | string | null;

/** What the server gave for a sign-in; `expiresAtMs` is by this machine's clock. */
interface Credentials {
  accessToken: string;
  refreshToken: string;
  expiresAtMs: number;
}

interface Identity {
  /** Names the user in the store; absent where a code does not tell who it is for. */
  user?: string;
  code: string | null;
}

/** Renew this long before a token ends, as the official clients do. */
const EARLY_MS = 30_000;

/** Codes that say a token is of no use any more; anything else is not about the token. */
const TOKEN_CODES = new Set([
  'ACCESS_TOKEN_EXPIRED',
  'ACCESS_TOKEN_INVALID',
  'ACCESS_TOKEN_DISABLED',
  'INVALID_ACCESS_TOKEN',
  'ACCESS_TOKEN_KID_INVALID',
  'CHECK_LOGIN_FAILED',
]);

/** What the sign-in protocol says of a refresh token that is over (protocol 04 §6.2). */
const GONE = new Set(['invalid_grant', 'unauthenticated']);

/** Whether a call failed because of its token, so that it may be tried once more with a new one. */
export function isTokenFailure(error: unknown): boolean {
  return error instanceof CloudError && !!error.code && TOKEN_CODES.has(error.code);
}

/** One signed-in user of one environment on one server. */
export class Session {
  private credentials: Credentials | null = null;
  private storeKey = '';
  private flight: Promise<string> | null = null;

  constructor(
    private readonly platform: Platform,
    private readonly endpoint: string,
    private readonly env: string,
    private readonly login: Login | undefined,
    private readonly switcher: UserSwitcher,
    private readonly timeoutMs: number,
  ) {}

  /** A token that is good for now; signs in when there is none. */
  token(): Promise<string> {
    const held = this.credentials;
    if (held && isFresh(held)) return Promise.resolve(held.accessToken);
    return this.share(() => this.obtain());
  }

  /** A token other than `stale`, which the server has just refused. */
  renew(stale: string): Promise<string> {
    const held = this.credentials;
    if (held && held.accessToken !== stale) return this.token();
    if (held) held.expiresAtMs = 0;
    return this.share(() => this.obtain());
  }

  private share(work: () => Promise<string>): Promise<string> {
    if (!this.flight) {
      const flight = work().finally(() => {
        if (this.flight === flight) this.flight = null;
      });
      this.flight = flight;
    }
    return this.flight;
  }

  private async obtain(): Promise<string> {
    const renewed = await this.refresh(this.credentials);
    if (renewed) return renewed;
    const identity = await this.identify();
    this.storeKey = identity.user ? `yunkai ${this.endpoint} ${this.env} ${identity.user}` : '';
    const stored = this.credentials ? null : this.read();
    if (stored && isFresh(stored)) {
      this.credentials = stored;
      return stored.accessToken;
    }
    return (await this.refresh(stored)) || this.signIn(identity);
  }

  /** A new token for an old refresh token; null when the server does not want it any more. */
  private async refresh(old: Credentials | null): Promise<string | null> {
    if (!old?.refreshToken) return null;
    try {
      const reply = await this.post('token', {
        client_id: this.env,
        client_secret: '',
        grant_type: 'refresh_token',
        refresh_token: old.refreshToken,
      });
      return this.keep(reply, old.refreshToken);
    } catch (error) {
      // Only a refusal ends the old sign-in: an anonymous user who signs in anew is somebody else.
      if (error instanceof CloudError && GONE.has(error.code || '')) return null;
      throw error;
    }
  }

  private async identify(): Promise<Identity> {
    if (this.login) {
      const code = (await this.login()) || null;
      if (code === null) return { user: 'anonymous', code };
      return { user: code.startsWith('dev-') ? code : undefined, code };
    }
    // A code of wx.login serves once and costs a round trip: fetched in `signIn` when needed.
    if (this.platform.loginCode) return { user: 'wx', code: null };
    const name = await this.switcher.currentName();
    return { user: `dev-${name}`, code: `dev-${name}` };
  }

  private async signIn({ user, code }: Identity): Promise<string> {
    let given = code;
    if (user === 'wx' && this.platform.loginCode) given = await this.platform.loginCode();
    if (given === null) return this.keep(await this.post('signin/anonymously', {}), '');
    const provided = await this.post('provider/token', {
      provider_id: 'wx',
      provider_code: given,
      provider_params: { provider_code_type: 'open_id' },
    });
    const reply = await this.post('signin/with/provider', {
      provider_token: provided.provider_token,
    });
    return this.keep(reply, '');
  }

  private keep(reply: Record<string, any>, refreshToken: string): string {
    if (typeof reply.access_token !== 'string') {
      throw networkFailure('the sign-in answer has no access_token');
    }
    this.credentials = {
      accessToken: reply.access_token,
      refreshToken: reply.refresh_token || refreshToken,
      expiresAtMs: Date.now() + (Number(reply.expires_in) || 7200) * 1000,
    };
    if (this.storeKey) {
      this.platform.cabinet.set(this.storeKey, JSON.stringify(this.credentials));
    }
    return reply.access_token;
  }

  private read(): Credentials | null {
    return parseJson(this.storeKey && this.platform.cabinet.get(this.storeKey)) || null;
  }

  private async post(path: string, body: object): Promise<Record<string, any>> {
    const env = encodeURIComponent(this.env);
    const response = await this.platform.request({
      method: 'POST',
      url: `${this.endpoint}/auth/v1/${path}?client_id=${env}`,
      headers: { 'content-type': 'application/json;charset=UTF-8' },
      body: JSON.stringify(body),
      timeoutMs: this.timeoutMs,
    });
    const reply = parseJson(response.data);
    if (!reply) throw networkFailure(`sign-in answered HTTP ${response.status} without JSON`);
    const code = reply.error || reply.code;
    if (!code && response.status < 300) return reply;
    const message = reply.error_description || reply.message || `HTTP ${response.status}`;
    throw serverFailure(String(code || 'CHECK_LOGIN_FAILED'), `sign-in refused: ${message}`);
  }
}

function isFresh(credentials: Credentials): boolean {
  return credentials.expiresAtMs - EARLY_MS > Date.now();
}
