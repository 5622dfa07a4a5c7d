/** The codes and words that real code tests for, through node-sdk outside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

for (const generation of nodeSdks) {
  test(`error codes through ${generation}`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const db = nodeSdk(server, generation).database();
    const _ = db.command;
    await db.createCollection('c');
    const c = db.collection('c');

    /** @type {[string, () => Promise<any>][]} */
    const onMissing = [
      ['get', () => db.collection('missing').get()],
      ['doc get', () => db.collection('missing').doc('x').get()],
      ['count', () => db.collection('missing').count()],
      ['add', () => db.collection('missing').add({ a: 1 })],
      ['update', () => db.collection('missing').doc('x').update({ a: 1 })],
      ['update where', () => db.collection('missing').where({ a: 1 }).update({ a: 2 })],
      ['set', () => db.collection('missing').doc('x').set({ a: 1 })],
      ['remove', () => db.collection('missing').doc('x').remove()],
      ['remove where', () => db.collection('missing').where({ a: 1 }).remove()],
    ];
    for (const [title, act] of onMissing) {
      await t.test(`${title} in a missing collection`, async () => {
        const error = await refusal(act());
        assert.equal(error.code, 'DATABASE_COLLECTION_NOT_EXIST');
        assert.match(error.message, /missing/);
      });
    }
    await t.test('a missing collection is not made by a failed call', async () => {
      assert.equal(
        (await refusal(db.collection('missing').get())).code,
        'DATABASE_COLLECTION_NOT_EXIST',
      );
    });
    await t.test('createCollection twice', async () => {
      const error = await refusal(db.createCollection('c'));
      assert.equal(error.code, 'DATABASE_COLLECTION_ALREADY_EXIST');
      assert.match(error.message, /Table exist/);
    });
    await t.test('an id that is taken', async () => {
      await c.add({ _id: 'taken', n: 1 });
      const error = await refusal(c.add({ _id: 'taken', n: 2 }));
      assert.match(error.code, /^(DATABASE_REQUEST_FAILED|DATABASE_DUPLICATE_WRITE)$/);
      assert.match(error.message, /duplicate key/);
      assert.deepEqual((await c.doc('taken').get()).data, [{ _id: 'taken', n: 1 }]);
    });
    await t.test('one taken id among many adds nothing at all', async () => {
      const error = await refusal(c.add([{ _id: 'fresh' }, { _id: 'taken' }, { _id: 'fresh2' }]));
      assert.match(error.message, /duplicate key/);
      assert.deepEqual((await c.where({ _id: _.in(['fresh', 'fresh2']) }).get()).data, []);
    });
    /** @type {[string, (d: any) => Promise<any>][]} */
    const refused = [
      ['inc of a string', (d) => d.update({ s: _.inc(1) })],
      ['push onto a string', (d) => d.update({ s: _.push(1) })],
      ['pop of a number', (d) => d.update({ n: _.pop() })],
      ['a path through a number', (d) => d.update({ 'n.x': 1 })],
      ['a changed id', (d) => d.update({ _id: 'other' })],
    ];
    for (const [title, act] of refused) {
      await t.test(`${title} is refused and changes nothing`, async () => {
        const _id = `refused ${title}`;
        await c.add({ _id, s: 'text', n: 1 });
        const error = await refusal(act(c.doc(_id)));
        assert.ok(error.code, `an error without code: ${error}`);
        assert.deepEqual((await c.doc(_id).get()).data, [{ _id, s: 'text', n: 1 }]);
      });
    }
    await t.test('an unknown operator', async () => {
      const error = await refusal(c.where({ a: { $strange: 1 } }).get());
      assert.match(error.code, /^(DATABASE_|INVALID_PARAM)/);
      assert.match(error.message, /\$strange/);
    });
    await t.test('a regular expression that is none', async () => {
      const error = await refusal(c.where({ a: db.RegExp({ regexp: '(' }) }).get());
      assert.match(error.code, /^(DATABASE_|INVALID_PARAM)/);
    });
    await t.test('a collection of the platform is out of reach', async () => {
      const error = await refusal(db.collection('system.files').get());
      assert.ok(error.code, `an error without code: ${error}`);
    });
  });
}
