/**
 * Waiting for what must become true, by asking again until a deadline. A pause between two
 * questions is never what makes a test pass.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { deadlineMs } from './settings.mjs';

/**
 * Asks until the answer is truthy and returns it; a thrown error counts as "not yet".
 * @template T
 * @param {string} what what is waited for, for the message of the failure
 * @param {() => T | Promise<T>} ask
 * @param {number} [withinMs]
 * @returns {Promise<NonNullable<T>>}
 */
export async function eventually(what, ask, withinMs = deadlineMs) {
  const end = Date.now() + withinMs;
  /** @type {unknown} */
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last) return /** @type {any} */ (last);
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      const seen = last instanceof Error ? last.stack : JSON.stringify(last);
      throw new Error(`never happened: ${what}; the last answer was ${seen}`);
    }
    await pause(20);
  }
}
