/**
 * The user switcher of browsers on a `yunkai dev` server: who of the simulated users this page is.
 * The choice is `?as=NAME`, else the last switch in this tab, else in this browser, else the first
 * user. It has no picture of its own: an app draws the list of `devUsers()` as it likes.
 */

import { badParameter, networkFailure } from './failure';
import { parseJson } from './json';
import type { Platform } from './platform';

/** A simulated WeChat user of a dev server. */
export interface DevUser {
  name: string;
  nickname: string;
  /** Whether this page acts as this user. */
  current: boolean;
}

const CHOICE = 'yunkai dev user';

/** Remembers and changes the simulated user of this page. */
export class UserSwitcher {
  private chosen = '';
  private listed: Promise<{ name: string; nickname: string }[]> | null = null;

  constructor(
    private readonly platform: Platform,
    private readonly endpoint: string,
    private readonly timeoutMs: number,
  ) {}

  /**
   * The users of the server, the current one marked. Fails where the server is not a dev server.
   */
  async users(): Promise<DevUser[]> {
    const users = await this.list();
    const current = this.choose(users);
    return users.map(({ name, nickname }) => ({ name, nickname, current: name === current }));
  }

  /** The name to sign in with. */
  async currentName(): Promise<string> {
    if (this.platform.kind !== 'browser') {
      throw badParameter(
        "no way to sign in: give init a login, e.g. login: async () => 'dev-alice' / " +
          '没有登录方式：请在 init 中提供 login',
      );
    }
    const named = this.remembered();
    if (named) return named;
    return this.choose(await this.list());
  }

  /** Makes `name` the user of this page and of pages opened later in this browser. */
  async switchTo(name: string): Promise<void> {
    const users = await this.list();
    if (!users.some((user) => user.name === name)) {
      const names = users.map((user) => user.name).join(', ');
      throw badParameter(`no simulated user "${name}"; there are: ${names}`);
    }
    this.chosen = name;
    remember(name);
  }

  private list(): Promise<{ name: string; nickname: string }[]> {
    if (!this.listed) {
      this.listed = this.fetchList();
      // A failed answer is not kept: the server may be starting.
      this.listed.catch(() => {
        this.listed = null;
      });
    }
    return this.listed;
  }

  private async fetchList(): Promise<{ name: string; nickname: string }[]> {
    const response = await this.platform.request({
      method: 'GET',
      url: `${this.endpoint}/_api/dev/users`,
      headers: {},
      timeoutMs: this.timeoutMs,
    });
    // A page of another server is not JSON.
    const users = parseJson(response.data)?.users;
    if (response.status === 200 && Array.isArray(users) && users.length > 0) return users;
    throw networkFailure(
      'this server has no simulated users: give init a login (async () => null signs in ' +
        'anonymously) / 该服务器没有模拟用户：请在 init 中提供 login',
    );
  }

  private remembered(): string {
    return this.chosen || rememberedName();
  }

  private choose(users: { name: string }[]): string {
    const name = this.remembered();
    if (users.some((user) => user.name === name)) return name;
    return (users[0] as { name: string }).name;
  }
}

// The tab before the browser: two tabs may be two users. Both stores throw where they are blocked.
function rememberedName(): string {
  try {
    const asked = new URLSearchParams(location.search).get('as');
    if (asked) sessionStorage.setItem(CHOICE, asked);
    return asked || sessionStorage.getItem(CHOICE) || localStorage.getItem(CHOICE) || '';
  } catch {
    return '';
  }
}

function remember(name: string): void {
  try {
    sessionStorage.setItem(CHOICE, name);
    localStorage.setItem(CHOICE, name);
    const url = new URL(location.href);
    if (!url.searchParams.has('as')) return;
    // The address would win over the switch at the next load.
    url.searchParams.set('as', name);
    history.replaceState(history.state, '', url.href);
  } catch {
    // The switch still holds for this page.
  }
}
