/** Operators that look at places, compute, describe shapes, or change bits and list elements. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk, nodeSdks } from '../../harness/vendor.mjs';

for (const generation of nodeSdks) {
  test(`places, expressions, schemas and bits with ${generation}`, async (t) => {
    const server = await serve(t, (await project(t)).dir);
    const db = nodeSdk(server, generation).database();
    const { command: _, Geo } = db;
    const $ = _.aggregate;
    const point = (/** @type {number} */ x, /** @type {number} */ y) => new Geo.Point(x, y);
    await db.createCollection('places');
    const places = db.collection('places');
    await places.add([
      { _id: 'a', at: point(113, 23), n: 5, m: 3, list: [{ k: 1 }, { k: 2 }] },
      { _id: 'b', at: point(113.01, 23), n: 1, m: 3, list: [{ k: 2 }, { k: 3 }] },
      { _id: 'c', at: point(114, 23), n: 'text', m: 'text' },
    ]);
    const find = async (/** @type {any} */ condition) =>
      (await places.where(condition).get()).data.map((/** @type {any} */ one) => one._id).join(' ');
    const ring = [
      point(112.9, 22.9),
      point(113.005, 22.9),
      point(113.005, 23.1),
      point(112.9, 22.9),
    ];
    const area = new Geo.Polygon([new Geo.LineString(ring)]);
    const line = new Geo.LineString([point(112, 23), point(113, 23)]);

    assert.equal(await find({ at: _.geoNear({ geometry: point(114, 23) }) }), 'c b a');
    const near = { geometry: point(113, 23), minDistance: 1, maxDistance: 5000 };
    assert.equal(await find({ at: _.geoNear(near) }), 'b');
    assert.equal(await find({ at: _.geoWithin({ geometry: area }) }), 'a');
    assert.equal(await find({ at: { $geoWithin: { $centerSphere: [[113, 23], 0.001] } } }), 'a b');
    assert.equal(await find({ at: _.geoIntersects({ geometry: line }) }), 'a');
    assert.equal(await find(_.expr($.gt(['$n', '$m']))), 'a');
    const schema = { required: ['list'], properties: { n: { bsonType: 'int', minimum: 2 } } };
    assert.equal(await find({ $jsonSchema: schema }), 'a');
    assert.equal(await find({ n: { $type: 'string' } }), 'c');
    assert.equal(await find({ n: { $bitsAllSet: [0, 2] } }), 'a');

    const change = async (/** @type {any} */ condition, /** @type {any} */ data) => {
      await places.where(condition).update(data);
      return (await places.doc('a').get()).data[0];
    };
    const positional = await change({ _id: 'a', 'list.k': 2 }, { 'list.$.k': _.inc(5) });
    assert.deepEqual(positional.list, [{ k: 1 }, { k: 7 }]);
    const all = await change({ _id: 'a' }, { 'list.$[].seen': true });
    assert.deepEqual(all.list, [
      { k: 1, seen: true },
      { k: 7, seen: true },
    ]);
    const raw = await change({ _id: 'a' }, { $bit: { n: { or: 2 } }, $currentDate: { at2: true } });
    assert.ok(raw.at2 instanceof Date);
    assert.equal(raw.n & 2, 2);
  });
}
