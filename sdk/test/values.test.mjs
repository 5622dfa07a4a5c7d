/**
 * Values of documents on a round trip: what is read is what was written (protocol 03 §2.2, §2.4).
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cloud } from '@yunkai/cloud';
import { startServer } from './server.mjs';

let server;
let db;
before(async () => {
  const stored = new Map();
  server = await startServer({
    web: ({ action, data, query }) => {
      if (action === 'database.updateDocument') stored.set(query._id, { _id: query._id, ...data });
      return { data: { updated: 1, list: [stored.get(query._id)] } };
    },
  });
  const client = new cloud.Cloud({ env: 'env-x', endpoint: server.url, login: () => 'dev-a' });
  await client.init();
  db = client.database();
});
after(() => server.close());

async function roundTrip(value) {
  const document = db.collection('t').doc('1');
  await document.set({ data: { value } });
  return (await document.get()).data.value;
}

const points = () => [db.Geo.Point(1, 2), db.Geo.Point(3, 4), db.Geo.Point(1, 2)];
const line = () => db.Geo.LineString(points());

const rows = [
  ['a date', () => new Date(1700000000123)],
  ['a date before 1970', () => new Date(-1)],
  ['a point', () => db.Geo.Point(113.5, -23.25)],
  ['points', () => db.Geo.MultiPoint(points())],
  ['a line', () => line()],
  ['lines', () => db.Geo.MultiLineString([line(), line()])],
  ['an area', () => db.Geo.Polygon([line()])],
  ['areas', () => db.Geo.MultiPolygon([db.Geo.Polygon([line()])])],
  ['a regular expression', () => db.RegExp({ regexp: '^x', options: 'i' })],
  ['nested', () => ({ a: [{ at: new Date(1), n: null, s: '中', b: false, f: -1.5 }], o: {} })],
  ['an object that looks like a place', () => ({ type: 'Point', coordinates: ['x', 'y'] })],
  ['an object with a type', () => ({ type: 'Point', coordinates: [1, 2], name: 'home' })],
];

for (const [name, make] of rows) {
  test(`${name} comes back`, async () => {
    const value = make();
    const back = await roundTrip(value);
    assert.deepEqual(back, value);
    assert.equal(Object.getPrototypeOf(back), Object.getPrototypeOf(value));
  });
}

test('a place has its numbers, and reads as GeoJSON', async () => {
  const { longitude, latitude } = await roundTrip(new db.Geo.Point(113, 23));
  assert.deepEqual([longitude, latitude], [113, 23]);
  assert.equal(String(db.Geo.Point(1, 2)), '{"type":"Point","coordinates":[1,2]}');
  assert.ok(db.Geo.Point(1, 2) instanceof db.Geo.Point);
  const area = db.Geo.Polygon({
    type: 'Polygon',
    coordinates: [
      [
        [0, 0],
        [1, 1],
        [0, 0],
      ],
    ],
  });
  assert.equal(area.lines[0].points[1].latitude, 1);
});

test('undefined is dropped, and becomes null in arrays', async () => {
  assert.deepEqual(await roundTrip({ a: undefined, b: [undefined] }), { b: [null] });
});

test('extended JSON of aggregates and ids become plain values', async () => {
  const wire = {
    id: { $oid: '0123456789abcdef01234567' },
    int: { $numberInt: '-1' },
    long: { $numberLong: '3000000000' },
    double: { $numberDouble: '1.5' },
    at: { $date: { $numberLong: '5' } },
    $set: 'a field with a dollar',
  };
  assert.deepEqual(await roundTrip(wire), {
    id: '0123456789abcdef01234567',
    int: -1,
    long: 3000000000,
    double: 1.5,
    at: new Date(5),
    $set: 'a field with a dollar',
  });
});
