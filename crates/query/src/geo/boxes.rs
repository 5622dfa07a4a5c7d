//! Boxes of longitude and latitude around shapes: never too small, often too large. A box does not
//! cross the antimeridian; a shape that does has two.

use super::polygon::Area;
use super::region::Region;
use super::sphere::{Vector, angle};
use super::{EARTH_RADIUS_M, Geometry, Point, Polygon};

/// Degrees added on every side: more than rounding can take away.
const MARGIN: f64 = 1e-7;

/// `low` is south-west, `high` is north-east.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DegreeBox {
    pub(super) low: Point,
    pub(super) high: Point,
}

/// What is known of a line so far: longitudes are unrolled, so that a line may go round.
struct Extent {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Extent {
    fn of(point: Point) -> Extent {
        Extent { west: point.lng, east: point.lng, south: point.lat, north: point.lat }
    }

    fn go_round(&mut self) {
        (self.west, self.east) = (-180.0, 180.0);
    }

    /// The box, or two when the antimeridian lies within; a touched pole is every longitude.
    fn boxes(mut self) -> Vec<DegreeBox> {
        self.south = (self.south - MARGIN).max(-90.0);
        self.north = (self.north + MARGIN).min(90.0);
        (self.west, self.east) = (self.west - MARGIN, self.east + MARGIN);
        if self.east - self.west >= 360.0 || self.south <= -90.0 || self.north >= 90.0 {
            return vec![self.between(-180.0, 180.0)];
        }
        // The western end within −180…180.
        let turns = ((self.west + 180.0) / 360.0).floor() * 360.0;
        let (west, east) = (self.west - turns, self.east - turns);
        if east <= 180.0 {
            vec![self.between(west, east)]
        } else {
            vec![self.between(west, 180.0), self.between(-180.0, east - 360.0)]
        }
    }

    fn between(&self, west: f64, east: f64) -> DegreeBox {
        DegreeBox {
            low: Point { lng: west, lat: self.south },
            high: Point { lng: east, lat: self.north },
        }
    }
}

pub(super) fn of_geometry(geometry: &Geometry) -> Vec<DegreeBox> {
    match geometry {
        Geometry::Point(point) => Extent::of(*point).boxes(),
        Geometry::MultiPoint(points) => {
            points.iter().flat_map(|point| Extent::of(*point).boxes()).collect()
        }
        Geometry::Line(points) => of_line(points).boxes(),
        Geometry::MultiLine(lines) => lines.iter().flat_map(|line| of_line(line).boxes()).collect(),
        Geometry::Polygon(polygon) => of_polygon(polygon),
        Geometry::MultiPolygon(polygons) => polygons.iter().flat_map(of_polygon).collect(),
        Geometry::Collection(parts) => parts.iter().flat_map(of_geometry).collect(),
    }
}

pub(super) fn of_region(region: &Region) -> Vec<DegreeBox> {
    let flat = |low: Point, high: Point| {
        let extent = Extent { west: low.lng, east: high.lng, south: low.lat, north: high.lat };
        clamped(&extent)
    };
    match region {
        Region::Areas(_, geometry) => of_geometry(geometry),
        Region::Cap { center, radians } => of_circle(*center, radians * EARTH_RADIUS_M),
        Region::Box { low, high } => flat(*low, *high),
        Region::Disc { center, radius } => flat(
            Point { lng: center.lng - radius, lat: center.lat - radius },
            Point { lng: center.lng + radius, lat: center.lat + radius },
        ),
        Region::Ring(ring) => {
            let mut extent = Extent::of(ring[0]);
            for point in ring {
                extent.west = extent.west.min(point.lng);
                extent.east = extent.east.max(point.lng);
                extent.south = extent.south.min(point.lat);
                extent.north = extent.north.max(point.lat);
            }
            clamped(&extent)
        }
    }
}

/// A flat box does not go round the earth: what lies beyond the ranges holds no indexed place.
fn clamped(extent: &Extent) -> Vec<DegreeBox> {
    let within = Extent {
        west: (extent.west - MARGIN).max(-180.0),
        east: (extent.east + MARGIN).min(180.0),
        south: (extent.south - MARGIN).max(-90.0),
        north: (extent.north + MARGIN).min(90.0),
    };
    let is_some = within.west <= within.east && within.south <= within.north;
    if is_some { vec![within.between(within.west, within.east)] } else { Vec::new() }
}

pub(super) fn of_circle(center: Point, radius_m: f64) -> Vec<DegreeBox> {
    let radians = (radius_m / EARTH_RADIUS_M).clamp(0.0, std::f64::consts::PI);
    let degrees = radians.to_degrees();
    let mut extent = Extent::of(center);
    extent.south -= degrees;
    extent.north += degrees;
    if extent.south <= -90.0 || extent.north >= 90.0 {
        extent.go_round();
    } else {
        let ratio = radians.sin() / center.lat.to_radians().cos();
        let width = ratio.clamp(-1.0, 1.0).asin().to_degrees();
        extent.west -= width;
        extent.east += width;
    }
    extent.south = extent.south.max(-90.0);
    extent.north = extent.north.min(90.0);
    extent.boxes()
}

fn of_polygon(polygon: &Polygon) -> Vec<DegreeBox> {
    let mut extent = of_line(&polygon.rings()[0]);
    if let Some(area) = Area::new(polygon) {
        if area.contains(Vector::NORTH) {
            extent.north = 90.0;
        }
        if area.contains(Vector::SOUTH) {
            extent.south = -90.0;
        }
    }
    extent.boxes()
}

fn of_line(points: &[Point]) -> Extent {
    let mut extent = Extent::of(points[0]);
    let mut lng = points[0].lng;
    for pair in points.windows(2) {
        let step = shortest(pair[1].lng - pair[0].lng);
        lng += step;
        extent.west = extent.west.min(lng);
        extent.east = extent.east.max(lng);
        extent.south = extent.south.min(pair[1].lat);
        extent.north = extent.north.max(pair[1].lat);
        if step.abs() > 180.0 - 1e-6 {
            // Over a pole, or so near to one that the direction is chance.
            extent.go_round();
            let is_north = pair[0].lat + pair[1].lat >= 0.0;
            if is_north {
                extent.north = 90.0;
            } else {
                extent.south = -90.0;
            }
            continue;
        }
        bulge(&mut extent, pair[0].into(), pair[1].into());
    }
    extent
}

/// Degrees from one longitude to another, the short way.
fn shortest(degrees: f64) -> f64 {
    (degrees + 540.0).rem_euclid(360.0) - 180.0
}

/// An arc may lie nearer to a pole than both of its ends.
fn bulge(extent: &mut Extent, a: Vector, b: Vector) {
    let Some(normal) = a.cross(b).normalized() else {
        return;
    };
    for (pole, sign) in [(Vector::NORTH, 1.0), (Vector::SOUTH, -1.0)] {
        let Some(top) = pole.plus(normal, -pole.dot(normal)).normalized() else {
            continue;
        };
        if (angle(a, top) + angle(top, b) - angle(a, b)).abs() < 1e-9 {
            let lat = top.lat();
            if sign > 0.0 {
                extent.north = extent.north.max(lat);
            } else {
                extent.south = extent.south.min(lat);
            }
        }
    }
}
