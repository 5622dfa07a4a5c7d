/**
 * One server with a hostile function beside an honest one. Whatever the first does, the second must
 * go on answering, and the hostile one must answer again, too.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { Caller, refusal } from './caller.mjs';
import { project } from './project.mjs';
import { serve } from './server.mjs';

/** A hostile function and its neighbour on one server. */
export class Ground {
  /**
   * @param {import('./server.mjs').Server} server
   * @param {Caller} caller
   */
  constructor(server, caller) {
    this.server = server;
    this.caller = caller;
    this.rounds = 0;
  }

  /**
   * @param {import('node:test').TestContext} owner
   * @param {Record<string, unknown>} [settings] of the hostile function
   * @returns {Promise<Ground>}
   */
  static async open(owner, settings = {}) {
    // Weighed down, it may take long to come to its end where others want the processors, too.
    const { dir } = await project(owner, {
      functions: { hostile: 'hostile', neighbour: 'echo' },
      yunkai: { functions: { hostile: { timeout: 120, memory: 256, ...settings } } },
    });
    const server = await serve(owner, dir);
    return new Ground(server, await Caller.signIn(server, 'alice'));
  }

  /**
   * What the hostile function answers.
   * @param {string} how
   * @param {Record<string, unknown>} [more]
   * @returns {Promise<any>}
   */
  async does(how, more = {}) {
    return this.beside(this.caller.call('hostile', { how, ...more }));
  }

  /**
   * The error that a deed must end in.
   * @param {string} how
   * @param {RegExp} words
   * @param {Record<string, unknown>} [more]
   */
  async fails(how, words, more = {}) {
    const error = await this.beside(refusal(this.caller.call('hostile', { how, ...more })));
    assert.equal(error.code, 'FUNCTIONS_EXECUTE_FAIL', error.text);
    assert.match(error.text, words);
    assert.match(error.text, / \/ .*[\u4e00-\u9fff]/, 'said in both languages');
    assert.deepEqual(await this.does('read', { paths: [] }), {}, 'the function answers again');
    return error;
  }

  /**
   * Asks the neighbour again and again until the deed is over.
   * @template T
   * @param {Promise<T>} deed
   * @returns {Promise<T>}
   */
  async beside(deed) {
    let over = false;
    const end = deed.finally(() => {
      over = true;
    });
    end.catch(() => {});
    do {
      this.rounds += 1;
      const event = { round: this.rounds };
      const answer = await this.caller.call('neighbour', event);
      assert.equal(answer.round, this.rounds, JSON.stringify(answer));
      if (!over) await pause(20);
    } while (!over);
    return end;
  }
}
