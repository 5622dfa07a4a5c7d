/** Random filters over random documents: ours and mingo find the same. */
import { test } from 'node:test';
import { Query } from 'mingo';
import { duel } from '../../oracle/duel.mjs';
import { filter } from '../../oracle/filters.mjs';
import { attempt, revive } from '../../oracle/mingo.mjs';

test('filters find what mingo finds', (t) =>
  duel(t, {
    kind: 'filter',
    cases: 10_000,
    make: (chance) => ({ documents: chance.documents(5), filter: filter(chance) }),
    theirs: (one) =>
      attempt(() => {
        const query = new Query(revive(one.filter));
        const found = (/** @type {any} */ document) => query.test(document);
        return revive(one.documents).flatMap(
          (/** @type {any} */ document, /** @type {number} */ index) =>
            found(document) ? [index] : [],
        );
      }),
  }));
