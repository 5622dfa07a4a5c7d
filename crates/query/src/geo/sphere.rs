//! Unit vectors, arcs of great circles, and the gnomonic projection that makes them straight.

use super::Point;

/// MongoDB's radius of the earth.
pub const EARTH_RADIUS_M: f64 = 6_378_100.0;

/// Radians within which two places are one: some micrometres.
pub(super) const SAME: f64 = 1e-12;

/// A place as a unit vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vector([f64; 3]);

impl From<Point> for Vector {
    fn from(point: Point) -> Vector {
        let (lng_sin, lng_cos) = sin_cos_degrees(point.lng);
        let (lat_sin, lat_cos) = sin_cos_degrees(point.lat);
        Vector([lat_cos * lng_cos, lat_cos * lng_sin, lat_sin])
    }
}

/// Sine and cosine, exact at the multiples of a right angle.
fn sin_cos_degrees(degrees: f64) -> (f64, f64) {
    match degrees {
        -180.0 | 180.0 => (0.0, -1.0),
        -90.0 => (-1.0, 0.0),
        90.0 => (1.0, 0.0),
        other => other.to_radians().sin_cos(),
    }
}

impl Vector {
    pub(super) const ZERO: Vector = Vector([0.0; 3]);
    pub(super) const NORTH: Vector = Vector([0.0, 0.0, 1.0]);
    pub(super) const SOUTH: Vector = Vector([0.0, 0.0, -1.0]);

    pub(super) fn dot(self, other: Vector) -> f64 {
        self.0.iter().zip(other.0).map(|(a, b)| a * b).sum()
    }

    pub(super) fn cross(self, other: Vector) -> Vector {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Vector([b * z - c * y, c * x - a * z, a * y - b * x])
    }

    pub(super) fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    pub(super) fn plus(self, other: Vector, times: f64) -> Vector {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Vector([a + x * times, b + y * times, c + z * times])
    }

    pub(super) fn negated(self) -> Vector {
        Vector(self.0.map(|part| -part))
    }

    /// `None` for a vector that has no direction.
    pub(super) fn normalized(self) -> Option<Vector> {
        let length = self.length();
        (length > SAME).then(|| Vector(self.0.map(|part| part / length)))
    }

    /// The latitude in degrees.
    pub(super) fn lat(self) -> f64 {
        self.0[2].clamp(-1.0, 1.0).asin().to_degrees()
    }

    /// Whether the two are one place.
    pub(super) fn is_same(self, other: Vector) -> bool {
        self.plus(other, -1.0).length() <= SAME
    }
}

/// Radians between two places, exact for small and for large angles.
pub(super) fn angle(a: Vector, b: Vector) -> f64 {
    a.cross(b).length().atan2(a.dot(b))
}

/// Radians from a place to the arc from `a` to `b`.
pub(super) fn angle_to_arc(place: Vector, a: Vector, b: Vector) -> f64 {
    let ends = angle(place, a).min(angle(place, b));
    let Some(normal) = a.cross(b).normalized() else {
        return ends;
    };
    let height = place.dot(normal);
    let foot = place.plus(normal, -height);
    let is_between = a.cross(foot).dot(normal) >= 0.0 && foot.cross(b).dot(normal) >= 0.0;
    if is_between && foot.length() > SAME {
        height.abs().clamp(0.0, 1.0).asin().min(ends)
    } else {
        ends
    }
}

/// A place in the plane of a [`Frame`].
pub(super) type Flat = [f64; 2];

/// The gnomonic projection around a place: half of the sphere as a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    center: Vector,
    right: Vector,
    up: Vector,
}

/// Cosine of the angle from the centre beyond which nothing is projected.
const HORIZON: f64 = 1e-6;

impl Frame {
    pub(super) fn around(center: Vector) -> Frame {
        let axis = if center.0[2].abs() < 0.9 { Vector::NORTH } else { Vector([1.0, 0.0, 0.0]) };
        let right = axis.cross(center).normalized().unwrap_or(Vector([0.0, 1.0, 0.0]));
        Frame { center, right, up: center.cross(right) }
    }

    /// The place in the plane; `None` beyond the horizon.
    pub(super) fn project(&self, place: Vector) -> Option<Flat> {
        let depth = place.dot(self.center);
        let flat = || [place.dot(self.right) / depth, place.dot(self.up) / depth];
        (depth >= HORIZON).then(flat)
    }

    /// The place on the sphere that is seen at a place of the plane.
    pub(super) fn unproject(&self, flat: Flat) -> Vector {
        let place = self.center.plus(self.right, flat[0]).plus(self.up, flat[1]);
        place.normalized().unwrap_or(self.center)
    }

    /// The visible part of the arc from `a` to `b`.
    pub(super) fn project_arc(&self, a: Vector, b: Vector) -> Option<(Flat, Flat)> {
        let (a_depth, b_depth) = (a.dot(self.center), b.dot(self.center));
        if a_depth < HORIZON && b_depth < HORIZON {
            return None;
        }
        let cut = |hidden: Vector, hidden_depth: f64, shown: Vector, shown_depth: f64| {
            // A little before the horizon, so that rounding does not hide it again.
            let part = (2.0 * HORIZON - hidden_depth) / (shown_depth - hidden_depth);
            hidden.plus(shown.plus(hidden, -1.0), part.clamp(0.0, 1.0))
        };
        let first = if a_depth < HORIZON { cut(a, a_depth, b, b_depth) } else { a };
        let last = if b_depth < HORIZON { cut(b, b_depth, a, a_depth) } else { b };
        Some((self.project(first)?, self.project(last)?))
    }
}

/// Twice the area of the triangle; positive when it turns left.
pub(super) fn turn(a: Flat, b: Flat, c: Flat) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Whether a place lies on a segment, nearly.
pub(super) fn is_on_segment(place: Flat, a: Flat, b: Flat) -> bool {
    let (x, y) = (b[0] - a[0], b[1] - a[1]);
    let length = x * x + y * y;
    let part = if length > 0.0 {
        (((place[0] - a[0]) * x + (place[1] - a[1]) * y) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (dx, dy) = (a[0] + part * x - place[0], a[1] + part * y - place[1]);
    let scale = 1.0 + place[0].abs().max(place[1].abs());
    (dx * dx + dy * dy).sqrt() <= SAME * scale
}

/// Whether the inner of one segment crosses the inner of the other.
pub(super) fn do_cross(a: (Flat, Flat), b: (Flat, Flat)) -> bool {
    let opposite = |from: (Flat, Flat), to: (Flat, Flat)| {
        turn(from.0, from.1, to.0) * turn(from.0, from.1, to.1) < 0.0
    };
    opposite(a, b) && opposite(b, a)
}

/// Whether two segments have a point in common.
pub(super) fn do_touch(a: (Flat, Flat), b: (Flat, Flat)) -> bool {
    do_cross(a, b)
        || is_on_segment(a.0, b.0, b.1)
        || is_on_segment(a.1, b.0, b.1)
        || is_on_segment(b.0, a.0, a.1)
        || is_on_segment(b.1, a.0, a.1)
}

/// Whether two arcs have a point in common.
pub(super) fn do_arcs_touch(a: (Vector, Vector), b: (Vector, Vector)) -> bool {
    let meets = |place: Vector, (from, to)| angle_to_arc(place, from, to) <= SAME;
    if meets(a.0, b) || meets(a.1, b) || meets(b.0, a) || meets(b.1, a) {
        return true;
    }
    let Some(middle) = a.0.plus(a.1, 1.0).normalized() else {
        return false;
    };
    let frame = Frame::around(middle);
    match (frame.project_arc(a.0, a.1), frame.project_arc(b.0, b.1)) {
        (Some(a), Some(b)) => do_cross(a, b),
        _ => false,
    }
}
