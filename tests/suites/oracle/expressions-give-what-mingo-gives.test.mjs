/** Random expressions over random documents: ours and mingo give the same. */
import { test } from 'node:test';
import { aggregate } from 'mingo';
import { duel } from '../../oracle/duel.mjs';
import { of, record } from '../../oracle/expressions.mjs';
import { attempt, revive } from '../../oracle/mingo.mjs';

test('expressions give what mingo gives', (t) =>
  duel(t, {
    kind: 'expression',
    cases: 10_000,
    make: (chance) => ({ documents: [record(chance, 0)], expression: of(chance, 'any', 3) }),
    theirs: (one) =>
      attempt(() => {
        const stage = { $replaceRoot: { newRoot: { value: revive(one.expression) } } };
        return aggregate(revive(one.documents), [stage])[0];
      }),
  }));
