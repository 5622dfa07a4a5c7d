/** Random sorts of random documents: ours and mingo put them in the same order. */
import { test } from 'node:test';
import { find } from 'mingo';
import { sort } from '../../oracle/changes.mjs';
import { duel } from '../../oracle/duel.mjs';
import { attempt, revive } from '../../oracle/mingo.mjs';

test('sorts order as mingo does', (t) =>
  duel(t, {
    kind: 'sort',
    cases: 5_000,
    make: (chance) => ({ documents: chance.documents(5), sort: sort(chance) }),
    theirs: (one) =>
      attempt(() => {
        const numbered = revive(one.documents).map(
          (/** @type {any} */ document, /** @type {number} */ place) => ({ ...document, place }),
        );
        const sorted = find(numbered, {}).sort(one.sort).all();
        return sorted.map((/** @type {any} */ document) => document.place);
      }),
  }));
