/** Chance with a seed that is told, so that a failure can be had again. */
import { randomInt } from 'node:crypto';

/**
 * A generator (mulberry32) seeded by `YUNKAI_TEST_SEED`, else by chance.
 * @returns {{ seed: number, roll: (below: number) => number }}
 */
export function dice() {
  const seed = Number(process.env.YUNKAI_TEST_SEED ?? randomInt(2 ** 31));
  let state = seed >>> 0;
  const roll = (/** @type {number} */ below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  return { seed, roll };
}
