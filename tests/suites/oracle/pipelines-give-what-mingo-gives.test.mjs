/** Random pipelines over random documents: ours and mingo give the same. */
import { test } from 'node:test';
import { aggregate } from 'mingo';
import { duel } from '../../oracle/duel.mjs';
import { record } from '../../oracle/expressions.mjs';
import { attempt, revive } from '../../oracle/mingo.mjs';
import { pipeline } from '../../oracle/pipelines.mjs';

test('pipelines give what mingo gives', (t) =>
  duel(t, {
    kind: 'pipeline',
    cases: 3_000,
    make: (chance) => {
      const isWhole = !chance.once(4);
      return {
        documents: Array.from({ length: 6 }, (_, id) => record(chance, id, isWhole)),
        collections: {
          others: Array.from({ length: 4 }, (_, id) => record(chance, 100 + id, isWhole)),
        },
        pipeline: pipeline(chance),
      };
    },
    theirs: (one) =>
      attempt(() => {
        const collectionResolver = (/** @type {string} */ name) => revive(one.collections[name]);
        return aggregate(revive(one.documents), revive(one.pipeline), { collectionResolver });
      }),
  }));
