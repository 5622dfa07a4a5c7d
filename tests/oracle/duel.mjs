/**
 * Random cases put to ours and to mingo. Where the answers differ a rule must say why; a
 * difference that no rule explains is made as small as it goes and fails the test with its seed.
 */
import assert from 'node:assert/strict';
import { dice } from '../harness/dice.mjs';
import { language } from '../harness/oracle.mjs';
import { Chance } from './chance.mjs';
import { differences } from './known-differences.mjs';
import { settle } from './mingo.mjs';

/**
 * @typedef {import('../harness/oracle.mjs').Answer} Answer
 * @typedef {Record<string, any>} Case
 *
 * @typedef {object} Duel
 * @property {string} kind
 * @property {number} cases how many of them by default
 * @property {(chance: Chance) => Case} make
 * @property {(one: Case) => Answer} theirs
 */

/** How many are asked at once. */
const BATCH = 200;

/** How many differences are shown. */
const SHOWN = 20;

/**
 * Puts random cases to both.
 * @param {import('node:test').TestContext} t
 * @param {Duel} duel
 */
export async function duel(t, { kind, cases, make, theirs }) {
  const ours = language(t);
  const { seed, roll } = dice();
  const chance = new Chance(roll);
  const count = Math.round(cases * Number(process.env.YUNKAI_TEST_CASES ?? 1));
  t.diagnostic(`${count} cases, seed ${seed}`);
  /** @type {Map<string, number>} */
  const explained = new Map();
  /** @type {Case[]} */
  const unexplained = [];
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: BATCH }, () => ({ kind, ...make(chance) }));
    const answers = await ours.ask(batch);
    batch.forEach((one, index) => {
      const why = compare(one, read(one, answers[index]), theirs(one));
      if (why === '') return;
      if (why === undefined) unexplained.push(one);
      else explained.set(why, (explained.get(why) ?? 0) + 1);
    });
    if (unexplained.length >= SHOWN) break;
  }
  for (const [name, times] of explained) t.diagnostic(`${times} × ${name}`);
  const shown = [];
  for (const one of unexplained.slice(0, SHOWN)) {
    const small = await shrink(one, ours, theirs);
    const [answer] = await ours.ask([small]);
    shown.push(
      `${JSON.stringify(small)}\n  ours   ${JSON.stringify(answer)}\n  theirs ${JSON.stringify(theirs(small))}`,
    );
  }
  assert.equal(shown.length, 0, `seed ${seed}\n${shown.join('\n')}`);
}

/**
 * Nothing when both agree, else the name of the rule that explains it, undefined without one.
 * @param {Case} one
 * @param {Answer} ours
 * @param {Answer} theirs
 * @returns {string | undefined}
 */
function compare(one, ours, theirs) {
  if (ours.error !== undefined && theirs.error !== undefined) return '';
  if (ours.error === undefined && theirs.error === undefined) {
    if (JSON.stringify(settle(ours.ok)) === JSON.stringify(theirs.ok)) return '';
  }
  const known = differences.filter((rule) => rule.kinds.includes(one.kind));
  return known.find((rule) => rule.applies(one, ours, theirs))?.name;
}

/**
 * Our answer as mingo would give it: an update answers for its only document.
 * @param {Case} one
 * @param {Answer} answer
 * @returns {Answer}
 */
function read(one, answer) {
  if (one.kind !== 'update') return answer;
  const [only] = answer.ok ?? [];
  if (only === undefined) return answer;
  return only.error === undefined ? { ok: only.document } : only;
}

/**
 * The smallest case that still differs in the same manner, as far as leaving parts out leads.
 * @param {Case} one
 * @param {import('../harness/oracle.mjs').Language} ours
 * @param {(one: Case) => Answer} theirs
 * @returns {Promise<Case>}
 */
async function shrink(one, ours, theirs) {
  const manner = async (/** @type {Case} */ asked) => {
    if (!asked.documents?.length) return 'none';
    const [answer] = await ours.ask([asked]);
    const our = read(asked, answer);
    const their = theirs(asked);
    if (compare(asked, our, their) !== undefined) return 'none';
    // Another mistake is another difference; the place of a mistake may move.
    return `${our.error?.replaceAll(/'[^']*'/g, '')} ${their.error === undefined}`;
  };
  const wanted = await manner(one);
  const differs = async (/** @type {Case} */ smaller) => (await manner(smaller)) === wanted;
  for (let again = true; again; ) {
    again = false;
    for (const smaller of smallerOnes(one)) {
      if (smaller.kind === one.kind && (await differs(smaller))) {
        one = smaller;
        again = true;
        break;
      }
    }
  }
  return one;
}

/**
 * The value with one part left out, wherever it is. An expression has a form to keep: there a part
 * stands for the whole, and nothing is left out.
 * @param {any} value
 * @param {boolean} [isForm]
 * @returns {Generator<any>}
 */
function* smallerOnes(value, isForm = false) {
  if (value === null || typeof value !== 'object') return;
  const entries = Object.entries(value);
  /** @param {[string, any][]} parts */
  const build = (parts) =>
    Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
  if (isForm) {
    for (const [, part] of entries) yield part;
  } else {
    for (const [name] of entries) {
      if (name !== 'kind' && name !== 'expression') {
        yield build(entries.filter(([other]) => other !== name));
      }
    }
  }
  for (const [name, part] of entries) {
    for (const smaller of smallerOnes(part, isForm || forms.has(name))) {
      yield build(entries.map(([other, kept]) => [other, other === name ? smaller : kept]));
    }
  }
}

/** What is an expression, or holds expressions. */
const forms = new Set([
  'expression',
  '$project',
  '$addFields',
  '$set',
  '$group',
  '$expr',
  '$bucket',
]);
