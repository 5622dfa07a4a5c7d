//! A geometry taken apart for comparing it with others: places, lines and areas on the sphere.

use super::polygon::Area;
use super::sphere::{SAME, Vector, angle, angle_to_arc, do_arcs_touch};
use super::{Geometry, Point, Polygon};

/// The parts of a geometry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    pub(super) places: Vec<Vector>,
    pub(super) lines: Vec<Vec<Vector>>,
    pub(super) areas: Vec<Area>,
}

impl Shape {
    pub(crate) fn new(geometry: &Geometry) -> Shape {
        let mut shape = Shape::default();
        shape.add(geometry);
        shape
    }

    fn add(&mut self, geometry: &Geometry) {
        let line = |points: &Vec<Point>| points.iter().copied().map(Vector::from).collect();
        match geometry {
            Geometry::Point(point) => self.places.push((*point).into()),
            Geometry::MultiPoint(points) => {
                self.places.extend(points.iter().copied().map(Vector::from));
            }
            Geometry::Line(points) => self.lines.push(line(points)),
            Geometry::MultiLine(lines) => self.lines.extend(lines.iter().map(line)),
            Geometry::Polygon(polygon) => self.add_polygon(polygon),
            Geometry::MultiPolygon(polygons) => {
                polygons.iter().for_each(|polygon| self.add_polygon(polygon));
            }
            Geometry::Collection(parts) => parts.iter().for_each(|part| self.add(part)),
        }
    }

    /// Reading refuses polygons that have no area here, so none is lost.
    fn add_polygon(&mut self, polygon: &Polygon) {
        self.areas.extend(Area::new(polygon));
    }

    /// Every arc of the lines.
    fn arcs(&self) -> impl Iterator<Item = (Vector, Vector)> {
        self.lines.iter().flat_map(|line| line.windows(2).map(|pair| (pair[0], pair[1])))
    }

    /// Whether the two have a point in common.
    pub(crate) fn intersects(&self, other: &Shape) -> bool {
        self.places.iter().any(|place| other.has(*place))
            || other.places.iter().any(|place| self.has(*place))
            || self.arcs().any(|arc| other.arcs().any(|another| do_arcs_touch(arc, another)))
            || self.arcs().any(|(a, b)| other.areas.iter().any(|area| area.touches_arc(a, b)))
            || other.arcs().any(|(a, b)| self.areas.iter().any(|area| area.touches_arc(a, b)))
            || self.areas.iter().any(|area| other.areas.iter().any(|it| area.touches_area(it)))
    }

    /// Whether a place is one of this shape's.
    fn has(&self, place: Vector) -> bool {
        self.places.iter().any(|own| own.is_same(place))
            || self.arcs().any(|(a, b)| angle_to_arc(place, a, b) <= SAME)
            || self.areas.iter().any(|area| area.contains(place))
    }

    /// Radians from a place to the nearest point; infinite for a shape without any.
    pub(crate) fn distance(&self, from: Vector) -> f64 {
        if self.areas.iter().any(|area| area.contains(from)) {
            return 0.0;
        }
        let outlines = self.areas.iter().flat_map(Area::places);
        let arcs = self.lines.iter().chain(outlines).flat_map(|line| line.windows(2));
        let to_arcs = arcs.map(|pair| angle_to_arc(from, pair[0], pair[1]));
        let to_places = self.places.iter().map(|place| angle(from, *place));
        to_arcs.chain(to_places).fold(f64::INFINITY, f64::min)
    }
}
