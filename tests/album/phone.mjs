/**
 * A phone in Chromium: one browser, and a context of 390×844 for each user. It records what a user
 * would never forgive (errors of the page, requests that leave the server) and takes pictures.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { eventually } from '../harness/eventually.mjs';
import { temporaryFolder } from '../harness/server.mjs';
import { deadlineMs, rootDir, testsDir } from '../harness/settings.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

/** The album's project folder. */
export const albumDir = path.join(rootDir, 'apps', 'album');

const out = path.join(testsDir, 'out');
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * A browser that closes with its owner.
 * @param {import('../harness/server.mjs').Owner} owner
 */
export async function browser(owner) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  assert.ok(existsSync(executablePath), `no Chromium at ${executablePath}: run tools/chromium.sh`);
  const home = await temporaryFolder(owner);
  const launched = await chromium.launch({
    executablePath,
    args: flags,
    env: { ...process.env, HOME: home },
  });
  owner.after(() => launched.close());
  return launched;
}

/** One user's phone. */
export class Phone {
  /**
   * @param {Page} page
   * @param {string} user
   * @param {string} origin
   */
  constructor(page, user, origin) {
    this.page = page;
    this.user = user;
    this.origin = origin;
    /** @type {string[]} */
    this.troubles = [];
    page.on('pageerror', (error) => this.troubles.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      this.troubles.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on('request', (request) => {
      const { protocol, origin: asked } = new URL(request.url());
      const local = protocol === 'blob:' || protocol === 'data:';
      if (!local && asked !== origin) this.troubles.push(`left the server: ${request.url()}`);
    });
  }

  /**
   * @param {import('playwright-core').Browser} launched
   * @param {string} user the simulated user's name
   * @param {string} origin the server's address
   */
  static async of(launched, user, origin) {
    const context = await launched.newContext({
      viewport: { width: 390, height: 844 },
      deviceScaleFactor: 2,
      isMobile: true,
      hasTouch: true,
      locale: 'zh-CN',
      timezoneId: 'Asia/Shanghai',
    });
    context.setDefaultTimeout(deadlineMs);
    return new Phone(await context.newPage(), user, origin);
  }

  /**
   * Opens an address of the server as this user.
   * @param {string} address path, query and hash
   */
  async open(address = '/') {
    const url = new URL(address, this.origin);
    url.searchParams.set('as', this.user);
    await this.page.goto(url.href);
  }

  /**
   * What the page marks with a test id and shows.
   * @param {string} id
   * @returns {Locator}
   */
  seen(id) {
    return this.page.locator(`[data-testid="${id}"]:visible`);
  }

  /** @param {string} id */
  async tap(id) {
    await this.seen(id).first().tap();
  }

  /** @param {string} id @param {string} text */
  async write(id, text) {
    await this.seen(id).locator('input').fill(text);
  }

  /**
   * Waits until an input holds the text.
   * @param {string} id
   * @param {string} text
   */
  async reads(id, text) {
    await eventually(`${id} holds "${text}"`, async () => {
      return (await this.seen(id).locator('input').inputValue()) === text;
    });
  }

  /** @param {string} id @returns {Promise<string>} */
  async text(id) {
    return (await this.seen(id).first().innerText()).trim();
  }

  /**
   * Waits until the text is there.
   * @param {string} id
   * @param {string | RegExp} text
   */
  async shows(id, text) {
    await this.seen(id).filter({ hasText: text }).first().waitFor();
  }

  /**
   * Waits until so many are there.
   * @param {string} id
   * @param {number} count
   */
  async counts(id, count) {
    await this.page.waitForFunction(
      ([testId, wanted]) => {
        const all = [...document.querySelectorAll(`[data-testid="${testId}"]`)];
        const shown = all.filter((one) => /** @type {HTMLElement} */ (one).offsetParent !== null);
        return shown.length === wanted;
      },
      /** @type {const} */ ([id, count]),
    );
  }

  /**
   * Waits until each place has its picture and every one has really been drawn, and tells how
   * large they are.
   * @param {Locator} place
   * @returns {Promise<{ width: number, height: number }[]>}
   */
  async pictures(place) {
    await place.first().waitFor();
    const inside = place.locator('img');
    await eventually('each place has its picture', async () => {
      return (await inside.count()) >= (await place.count());
    });
    const handles = await inside.elementHandles();
    const sizes = [];
    for (const handle of handles) {
      await this.page.waitForFunction((element) => {
        const image = /** @type {HTMLImageElement} */ (element);
        return image.complete && image.naturalWidth > 0;
      }, handle);
      sizes.push(
        await handle.evaluate((element) => {
          const image = /** @type {HTMLImageElement} */ (element);
          return { width: image.naturalWidth, height: image.naturalHeight };
        }),
      );
    }
    return sizes;
  }

  /**
   * Chooses in the sheet that comes from below.
   * @param {string} text
   */
  async choose(text) {
    await this.page.locator('.uni-actionsheet__cell', { hasText: text }).tap();
  }

  /**
   * Answers the question in the middle of the screen.
   * @param {string} text
   */
  async answer(text) {
    await this.page.locator('.uni-modal__btn', { hasText: text }).tap();
  }

  /** Keeps a picture of the screen. @param {string} name */
  async photograph(name) {
    mkdirSync(out, { recursive: true });
    await this.page.screenshot({ path: path.join(out, `${name}.png`), animations: 'disabled' });
  }

  /** Says that nothing has gone wrong on this phone. */
  hasNoTrouble() {
    assert.deepEqual(this.troubles, [], `the phone of ${this.user}`);
  }
}

/**
 * Pictures of the album's seed, made by `make test` before this runs.
 * @param {string[]} names
 */
export function seedPictures(names) {
  return names.map((name) => {
    const file = path.join(albumDir, 'seed', 'pictures', `${name}.jpg`);
    assert.ok(existsSync(file), `no ${file}: run node apps/album/seed/pictures.mjs`);
    return file;
  });
}
