/**
 * Places on the earth, as `db.Geo` gives them and documents hold them. Longitude first, degrees. It
 * checks ranges and shapes when a value is made; whether a polygon closes is the server's matter.
 */

import { callable } from './callable';
import { badParameter, badParameterType } from './failure';

/** GeoJSON as it travels: a type and nested arrays of numbers. */
export interface GeoJson {
  type: string;
  coordinates: any;
}

/** The parent of all places, for `instanceof`. */
export abstract class GeoValue {
  abstract toJSON(): Record<string, any>;

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

  toJSON(): Record<string, any> {
    return { type: 'Point', coordinates: [this.longitude, this.latitude] };
  }
}

/** A place made of parts: the property `member` holds them. */
type Composite<Type extends string, Member extends string, Part> = GeoValue & {
  readonly [M in Member]: Part[];
} & { toJSON(): { type: Type; coordinates: any } };

type CompositeClass<Type extends string, Member extends string, Part> = new (
  given: Part[] | GeoJson,
) => Composite<Type, Member, Part>;

function composite<Type extends string, Member extends string, Part extends GeoValue>(
  type: Type,
  member: Member,
  kind: string,
  Kind: new (geoJson: GeoJson) => Part,
): CompositeClass<Type, Member, Part> {
  class Place extends GeoValue {
    constructor(given: Part[] | GeoJson) {
      super();
      const parts: unknown = Array.isArray(given)
        ? given
        : given?.type === type && given.coordinates.map(build);
      if (!Array.isArray(parts) || !parts.length || !parts.every((part) => part instanceof Kind)) {
        throw badParameterType(`Geo.${type} takes a non-empty array of Geo.${kind}, or GeoJSON`);
      }
      Object.assign(this, { [member]: parts });
    }

    toJSON() {
      const parts = (this as any)[member] as Part[];
      return { type, coordinates: parts.map((part) => part.toJSON().coordinates) };
    }
  }

  function build(coordinates: unknown): Part {
    return new Kind({ type: kind, coordinates });
  }
  return Place as unknown as CompositeClass<Type, Member, Part>;
}

/** Several points. */
export const GeoMultiPoint = composite('MultiPoint', 'points', 'Point', GeoPoint);

/** A line through points. */
export const GeoLineString = composite('LineString', 'points', 'Point', GeoPoint);

/** Several lines. */
export const GeoMultiLineString = composite(
  'MultiLineString',
  'lines',
  'LineString',
  GeoLineString,
);

/** An area: an outer ring and holes, each a closed line. */
export const GeoPolygon = composite('Polygon', 'lines', 'LineString', GeoLineString);

/** Several areas. */
export const GeoMultiPolygon = composite('MultiPolygon', 'polygons', 'Polygon', GeoPolygon);

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
