/**
 * Places on the earth, as `db.Geo` gives them and documents hold them. Longitude first, degrees.
 * It checks ranges and shapes when a value is made; whether a polygon closes is the server's matter.
 */

import { callable } from './callable';
import { badParameter, badParameterType } from './failure';

type Position = [number, number];

/** GeoJSON as it travels: a type and nested arrays of numbers. */
export interface GeoJson {
  type: string;
  coordinates: any;
}

/** The parent of all places, for `instanceof`. */
export abstract class GeoValue {
  abstract toJSON(): GeoJson;

  toString(): string {
    return JSON.stringify(this.toJSON());
  }
}

/** `new db.Geo.Point(longitude, latitude)`, or from GeoJSON. */
export class GeoPoint extends GeoValue {
  readonly longitude: number;
  readonly latitude: number;

  constructor(longitude: number | GeoJson, latitude?: number) {
    super();
    const [x, y]: [unknown, unknown] =
      typeof longitude === 'object' ? longitude.coordinates : [longitude, latitude];
    if (typeof x !== 'number' || typeof y !== 'number') {
      throw badParameterType('Geo.Point takes a longitude and a latitude');
    }
    if (!(Math.abs(x) <= 180)) throw badParameter('longitude is between -180 and 180');
    if (!(Math.abs(y) <= 90)) throw badParameter('latitude is between -90 and 90');
    this.longitude = x;
    this.latitude = y;
  }

  toJSON() {
    return {
      type: 'Point' as const,
      coordinates: [this.longitude, this.latitude] as Position,
    };
  }
}

/** What a place made of `Part`s may be built from: the parts, or GeoJSON. */
function parts<Part extends GeoValue>(
  type: string,
  given: Part[] | GeoJson,
  Kind: new (geoJson: GeoJson) => Part,
  kindName: string,
): Part[] {
  if (!Array.isArray(given)) {
    if (given?.type !== type) throw badParameterType(`Geo.${type} takes an array or GeoJSON`);
    return given.coordinates.map(
      (coordinates: unknown) => new Kind({ type: kindName, coordinates }),
    );
  }
  if (given.length === 0 || !given.every((part) => part instanceof Kind)) {
    throw badParameterType(`Geo.${type} takes a non-empty array of Geo.${kindName}`);
  }
  return given;
}

/** Several points. */
export class GeoMultiPoint extends GeoValue {
  readonly points: GeoPoint[];

  constructor(points: GeoPoint[] | GeoJson) {
    super();
    this.points = parts('MultiPoint', points, GeoPoint, 'Point');
  }

  toJSON() {
    return {
      type: 'MultiPoint' as const,
      coordinates: this.points.map((point) => point.toJSON().coordinates),
    };
  }
}

/** A line through points. */
export class GeoLineString extends GeoValue {
  readonly points: GeoPoint[];

  constructor(points: GeoPoint[] | GeoJson) {
    super();
    this.points = parts('LineString', points, GeoPoint, 'Point');
    if (this.points.length < 2) throw badParameter('Geo.LineString takes at least two points');
  }

  toJSON() {
    return {
      type: 'LineString' as const,
      coordinates: this.points.map((point) => point.toJSON().coordinates),
    };
  }
}

/** Several lines. */
export class GeoMultiLineString extends GeoValue {
  readonly lines: GeoLineString[];

  constructor(lines: GeoLineString[] | GeoJson) {
    super();
    this.lines = parts('MultiLineString', lines, GeoLineString, 'LineString');
  }

  toJSON() {
    return {
      type: 'MultiLineString' as const,
      coordinates: this.lines.map((line) => line.toJSON().coordinates),
    };
  }
}

/** An area: an outer ring and holes, each a closed line. */
export class GeoPolygon extends GeoValue {
  readonly lines: GeoLineString[];

  constructor(lines: GeoLineString[] | GeoJson) {
    super();
    this.lines = parts('Polygon', lines, GeoLineString, 'LineString');
  }

  toJSON() {
    return {
      type: 'Polygon' as const,
      coordinates: this.lines.map((line) => line.toJSON().coordinates),
    };
  }
}

/** Several areas. */
export class GeoMultiPolygon extends GeoValue {
  readonly polygons: GeoPolygon[];

  constructor(polygons: GeoPolygon[] | GeoJson) {
    super();
    this.polygons = parts('MultiPolygon', polygons, GeoPolygon, 'Polygon');
  }

  toJSON() {
    return {
      type: 'MultiPolygon' as const,
      coordinates: this.polygons.map((polygon) => polygon.toJSON().coordinates),
    };
  }
}

const KINDS: Record<string, new (geoJson: GeoJson) => GeoValue> = {
  Point: GeoPoint,
  MultiPoint: GeoMultiPoint,
  LineString: GeoLineString,
  MultiLineString: GeoMultiLineString,
  Polygon: GeoPolygon,
  MultiPolygon: GeoMultiPolygon,
};

/** The place an object of a document stands for, or null when it is an ordinary object. */
export function geoOf(object: Record<string, any>): GeoValue | null {
  const Kind = typeof object.type === 'string' ? KINDS[object.type] : undefined;
  if (!Kind || !Array.isArray(object.coordinates) || Object.keys(object).length !== 2) return null;
  try {
    return new Kind(object as GeoJson);
  } catch {
    // Somebody's own `{type, coordinates}` that is no place.
    return null;
  }
}

/** `db.Geo`. */
export const Geo = {
  Point: callable(GeoPoint),
  MultiPoint: callable(GeoMultiPoint),
  LineString: callable(GeoLineString),
  MultiLineString: callable(GeoMultiLineString),
  Polygon: callable(GeoPolygon),
  MultiPolygon: callable(GeoMultiPolygon),
};
