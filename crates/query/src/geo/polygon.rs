//! Areas: rings of places, and the same seen in the plane around their middle.

use super::Point;
use super::sphere::{Flat, Frame, Vector, do_cross, do_touch, is_on_segment, turn};

/// An area with holes. Its rings are closed: the last place is the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    /// The outline, then the holes; never empty, each ring with at least four places.
    rings: Vec<Vec<Point>>,
}

impl Polygon {
    pub(super) fn new(rings: Vec<Vec<Point>>) -> Polygon {
        Polygon { rings }
    }

    /// The outline, then the holes.
    pub fn rings(&self) -> &[Vec<Point>] {
        &self.rings
    }
}

/// A polygon in the plane around its middle.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    frame: Frame,
    /// Closed, as in the polygon.
    rings: Vec<Vec<Flat>>,
    /// The same places on the sphere.
    places: Vec<Vec<Vector>>,
}

impl Area {
    /// `None` when the polygon does not fit into a hemisphere around its middle.
    pub(super) fn new(polygon: &Polygon) -> Option<Area> {
        let places: Vec<Vec<Vector>> = polygon
            .rings
            .iter()
            .map(|ring| ring.iter().copied().map(Vector::from).collect())
            .collect();
        let outline = places.first()?;
        let sum = outline.iter().skip(1).fold(Vector::ZERO, |sum, place| sum.plus(*place, 1.0));
        let frame = Frame::around(sum.normalized()?);
        let project = |ring: &Vec<Vector>| ring.iter().map(|place| frame.project(*place)).collect();
        let rings = places.iter().map(project).collect::<Option<_>>()?;
        Some(Area { frame, rings, places })
    }

    /// Whether a place lies in the area or on its boundary.
    pub(super) fn contains(&self, place: Vector) -> bool {
        self.frame.project(place).is_some_and(|flat| self.side(flat) != Side::Outside)
    }

    /// Some place of the outline.
    pub(super) fn corner(&self) -> Vector {
        self.places[0][0]
    }

    /// The rings as places on the sphere.
    pub(super) fn places(&self) -> &[Vec<Vector>] {
        &self.places
    }

    fn edges(&self) -> impl Iterator<Item = (Flat, Flat)> {
        self.rings.iter().flat_map(|ring| ring.windows(2).map(|pair| (pair[0], pair[1])))
    }

    fn side(&self, place: Flat) -> Side {
        let mut is_inside = false;
        for (ring, points) in self.rings.iter().enumerate() {
            match side_of_ring(place, points) {
                Side::Boundary => return Side::Boundary,
                Side::Inside if ring == 0 => is_inside = true,
                Side::Inside => return Side::Outside,
                Side::Outside if ring == 0 => return Side::Outside,
                Side::Outside => {}
            }
        }
        if is_inside { Side::Inside } else { Side::Outside }
    }

    /// Whether an arc has a point in the area.
    pub(super) fn touches_arc(&self, a: Vector, b: Vector) -> bool {
        if self.contains(a) || self.contains(b) {
            return true;
        }
        let arc = self.frame.project_arc(a, b);
        arc.is_some_and(|arc| self.edges().any(|edge| do_touch(arc, edge)))
    }

    /// Whether the whole arc lies in the area.
    pub(super) fn contains_arc(&self, a: Vector, b: Vector) -> bool {
        let (Some(a), Some(b)) = (self.frame.project(a), self.frame.project(b)) else {
            return false;
        };
        self.pieces(a, b).into_iter().all(|side| side != Side::Outside)
            && self.side(a) != Side::Outside
            && self.side(b) != Side::Outside
    }

    /// Whether part of an arc runs through the inner of the area.
    fn arc_enters(&self, a: Vector, b: Vector) -> bool {
        let arc = self.frame.project_arc(a, b);
        arc.is_some_and(|(a, b)| self.pieces(a, b).contains(&Side::Inside))
    }

    /// Cuts a segment wherever it meets an edge; the side of each piece's middle.
    fn pieces(&self, a: Flat, b: Flat) -> Vec<Side> {
        let mut cuts = vec![0.0, 1.0];
        for (c, d) in self.edges() {
            let (from, to) = (turn(c, d, a), turn(c, d, b));
            if (from - to).abs() > 0.0 {
                cuts.push(from / (from - to));
            }
            cuts.extend([c, d].into_iter().filter_map(|end| part_of(end, a, b)));
        }
        cuts.retain(|cut| (0.0..=1.0).contains(cut));
        cuts.sort_by(f64::total_cmp);
        let at = |part: f64| [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part];
        let is_long = |pair: &&[f64]| pair[1] - pair[0] > 1e-9;
        let middles =
            cuts.windows(2).filter(is_long).map(|pair| at(f64::midpoint(pair[0], pair[1])));
        middles.map(|middle| self.side(middle)).collect()
    }

    /// Whether another area lies wholly in this one.
    pub(super) fn contains_area(&self, other: &Area) -> bool {
        let ring_within =
            |ring: &Vec<Vector>| ring.windows(2).all(|pair| self.contains_arc(pair[0], pair[1]));
        // No hole of this one may reach into the other.
        let hole_apart = |(hole, places): (&Vec<Flat>, &Vec<Vector>)| {
            let enters = places.windows(2).any(|pair| other.arc_enters(pair[0], pair[1]));
            let filled = inner_place(hole).is_some_and(|inner| {
                let seen = other.frame.project(self.frame.unproject(inner));
                seen.is_some_and(|flat| other.side(flat) == Side::Inside)
            });
            !enters && !filled
        };
        other.places.first().is_some_and(ring_within)
            && self.rings.iter().zip(&self.places).skip(1).all(hole_apart)
    }

    /// Whether two areas have a point in common.
    pub(super) fn touches_area(&self, other: &Area) -> bool {
        self.contains(other.corner())
            || other.contains(self.corner())
            || other
                .places
                .iter()
                .any(|ring| ring.windows(2).any(|pair| self.edge_touches(pair[0], pair[1])))
    }

    fn edge_touches(&self, a: Vector, b: Vector) -> bool {
        let arc = self.frame.project_arc(a, b);
        arc.is_some_and(|arc| self.edges().any(|edge| do_touch(arc, edge)))
    }

    /// Whether two edges that are no neighbours cross.
    pub(super) fn crosses_itself(&self) -> bool {
        let mut edges: Vec<(Flat, Flat)> = self.edges().collect();
        edges.sort_by(|a, b| left(*a).total_cmp(&left(*b)));
        edges.iter().enumerate().any(|(index, edge)| {
            let right = edge.0[0].max(edge.1[0]);
            let near = edges[index + 1..].iter().take_while(|other| left(**other) <= right);
            near.into_iter().any(|other| do_cross(*edge, *other))
        })
    }

    /// Whether every hole begins in the outline.
    pub(super) fn holes_are_inside(&self) -> bool {
        let outline = &self.rings[0];
        self.rings[1..].iter().all(|hole| side_of_ring(hole[0], outline) != Side::Outside)
    }
}

fn left(edge: (Flat, Flat)) -> f64 {
    edge.0[0].min(edge.1[0])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Inside,
    Boundary,
    Outside,
}

/// Where a place lies of a closed ring in the plane.
pub(super) fn side_of_ring(place: Flat, ring: &[Flat]) -> Side {
    let mut is_inside = false;
    for pair in ring.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if is_on_segment(place, a, b) {
            return Side::Boundary;
        }
        if (a[1] > place[1]) != (b[1] > place[1]) {
            let x = a[0] + (place[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
            is_inside ^= place[0] < x;
        }
    }
    if is_inside { Side::Inside } else { Side::Outside }
}

/// How far along the segment a place lies, when it lies on it.
fn part_of(place: Flat, a: Flat, b: Flat) -> Option<f64> {
    let (x, y) = (b[0] - a[0], b[1] - a[1]);
    let length = x * x + y * y;
    let part = || ((place[0] - a[0]) * x + (place[1] - a[1]) * y) / length;
    (length > 0.0 && is_on_segment(place, a, b)).then(part)
}

/// A place inside a ring: between two crossings of a horizontal line.
fn inner_place(ring: &[Flat]) -> Option<Flat> {
    let mut heights: Vec<f64> = ring.iter().map(|place| place[1]).collect();
    heights.sort_by(f64::total_cmp);
    let widest = heights.windows(2).max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])))?;
    let y = f64::midpoint(widest[0], widest[1]);
    let mut crossings: Vec<f64> = ring
        .windows(2)
        .filter(|pair| (pair[0][1] > y) != (pair[1][1] > y))
        .map(|pair| {
            let part = (y - pair[0][1]) / (pair[1][1] - pair[0][1]);
            pair[0][0] + part * (pair[1][0] - pair[0][0])
        })
        .collect();
    crossings.sort_by(f64::total_cmp);
    Some([f64::midpoint(*crossings.first()?, *crossings.get(1)?), y])
}
