/** Random projections of random documents: ours and mingo show the same. */
import { test } from 'node:test';
import { find } from 'mingo';
import { projection } from '../../oracle/changes.mjs';
import { duel } from '../../oracle/duel.mjs';
import { attempt, revive } from '../../oracle/mingo.mjs';

test('projections show what mingo shows', (t) =>
  duel(t, {
    kind: 'projection',
    cases: 5_000,
    make: (chance) => ({ documents: chance.documents(2), projection: projection(chance) }),
    theirs: (one) => attempt(() => find(revive(one.documents), {}, revive(one.projection)).all()),
  }));
