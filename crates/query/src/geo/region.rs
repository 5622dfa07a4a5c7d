//! What `$geoWithin` asks: whether a stored geometry lies wholly in a region.

use std::f64::consts::{FRAC_PI_2, PI};

use super::polygon::{Area, Side, side_of_ring};
use super::shape::Shape;
use super::sphere::{SAME, Vector, angle, angle_to_arc};
use super::{CellRanges, Geometry, Point, boxes, cells};

/// A region of the sphere or of the flat plane of degrees.
#[derive(Debug, Clone)]
pub(crate) enum Region {
    /// One of these areas.
    Areas(Vec<Area>, Geometry),
    /// Everything within so many radians.
    Cap { center: Point, radians: f64 },
    /// Flat: between two corners.
    Box { low: Point, high: Point },
    /// Flat: a closed ring.
    Ring(Vec<Point>),
    /// Flat: within so many degrees.
    Disc { center: Point, radius: f64 },
}

impl Region {
    /// The region of an area; `None` for a geometry that is none.
    pub(crate) fn of_geometry(geometry: &Geometry) -> Option<Region> {
        let is_area = matches!(geometry, Geometry::Polygon(_) | Geometry::MultiPolygon(_));
        is_area.then(|| Region::Areas(Shape::new(geometry).areas, geometry.clone()))
    }

    /// Whether the region is flat, so that only points can lie in it.
    fn is_flat(&self) -> bool {
        !matches!(self, Region::Areas(..) | Region::Cap { .. })
    }

    /// Whether a geometry lies wholly in the region; its boundary counts.
    pub(crate) fn contains(&self, geometry: &Geometry) -> bool {
        if self.is_flat() {
            return matches!(geometry, Geometry::Point(point) if self.contains_flat(*point));
        }
        let mut on_earth = true;
        geometry.each_point(&mut |point| on_earth &= point.is_on_earth());
        if !on_earth {
            return false;
        }
        let shape = Shape::new(geometry);
        match self {
            Region::Areas(areas, _) => in_areas(&shape, areas),
            Region::Cap { center, radians } => in_cap(&shape, (*center).into(), *radians),
            _ => false,
        }
    }

    /// Where in an index of places something in the region may be listed.
    pub(crate) fn cell_ranges(&self) -> CellRanges {
        cells::ranges(&boxes::of_region(self))
    }

    fn contains_flat(&self, point: Point) -> bool {
        match self {
            Region::Box { low, high } => {
                (low.lng..=high.lng).contains(&point.lng)
                    && (low.lat..=high.lat).contains(&point.lat)
            }
            Region::Ring(ring) => {
                let ring: Vec<_> = ring.iter().map(|place| [place.lng, place.lat]).collect();
                side_of_ring([point.lng, point.lat], &ring) != Side::Outside
            }
            Region::Disc { center, radius } => flat_distance(*center, point) <= *radius,
            _ => false,
        }
    }
}

/// Degrees, as if they were a plane.
pub(crate) fn flat_distance(a: Point, b: Point) -> f64 {
    (a.lng - b.lng).hypot(a.lat - b.lat)
}

/// Each part must lie in one of the areas: those of a valid MultiPolygon do not overlap.
fn in_areas(shape: &Shape, areas: &[Area]) -> bool {
    let some = |test: &dyn Fn(&Area) -> bool| areas.iter().any(test);
    let line_within = |line: &Vec<Vector>| {
        some(&|area| line.windows(2).all(|pair| area.contains_arc(pair[0], pair[1])))
    };
    shape.places.iter().all(|place| some(&|area| area.contains(*place)))
        && shape.lines.iter().all(line_within)
        && shape.areas.iter().all(|inner| some(&|area| area.contains_area(inner)))
}

fn in_cap(shape: &Shape, center: Vector, radians: f64) -> bool {
    if radians >= PI {
        return true;
    }
    let outlines = shape.areas.iter().flat_map(Area::places);
    let mut lines = shape.lines.iter().chain(outlines);
    let place_within = |place: &Vector| angle(center, *place) <= radians + SAME;
    if !shape.places.iter().all(place_within) {
        return false;
    }
    if radians < FRAC_PI_2 {
        // A small cap is convex: corners are enough.
        return lines.all(|line| line.iter().all(place_within));
    }
    let opposite = center.negated();
    let apart = |pair: &[Vector]| angle_to_arc(opposite, pair[0], pair[1]) >= PI - radians - SAME;
    lines.all(|line| line.windows(2).all(apart))
        && !shape.areas.iter().any(|area| area.contains(opposite))
}
