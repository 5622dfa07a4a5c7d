/** Random updates of random documents: ours and mingo make the same. */
import { test } from 'node:test';
import { update as mingoUpdate } from 'mingo';
import { changeable, update } from '../../oracle/changes.mjs';
import { duel } from '../../oracle/duel.mjs';
import { attempt, revive } from '../../oracle/mingo.mjs';

test('updates make what mingo makes', (t) =>
  duel(t, {
    kind: 'update',
    cases: 10_000,
    make: (chance) => ({ documents: changeable(chance, 1), update: update(chance) }),
    theirs: (one) =>
      attempt(() => {
        const [document] = revive(one.documents);
        mingoUpdate(document, revive(one.update));
        return document;
      }),
  }));
