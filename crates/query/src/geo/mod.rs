//! Places on the earth: GeoJSON and legacy pairs, distances, within, intersects, and cells for
//! indexes.
//!
//! Shapes of GeoJSON lie on a sphere and their edges are great circles: a region is looked at in
//! the gnomonic projection around its middle, where great circles are straight. So edges are as
//! exact as doubles are, also across the antimeridian and the poles. What is approximated: the
//! earth is a sphere of MongoDB's radius; a polygon is the smaller of the two areas its ring
//! encloses and must fit into a hemisphere; a boundary belongs to its shape, within some
//! micrometres. `$box`, `$polygon` and `$center` are flat: degrees as if they were a plane.

mod boxes;
mod cells;
mod parse;
mod polygon;
mod region;
mod shape;
mod sphere;

use value::{Value, View};

use crate::Error;
pub use cells::{CellRanges, circle_ranges};
pub(crate) use parse::{any as any_geometry, legacy as legacy_pair, stored as stored_geometry};
pub use polygon::Polygon;
pub(crate) use region::{Region, flat_distance};
pub(crate) use shape::Shape;
pub use sphere::EARTH_RADIUS_M;

/// A place in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Longitude, −180 to 180, unless the point came from a legacy pair of a flat plane.
    pub lng: f64,
    /// Latitude, −90 to 90, with the same exception.
    pub lat: f64,
}

/// A shape as stored or asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// One place.
    Point(Point),
    /// At least two places, joined in order.
    Line(Vec<Point>),
    /// An area with holes.
    Polygon(Polygon),
    /// Several places.
    MultiPoint(Vec<Point>),
    /// Several lines.
    MultiLine(Vec<Vec<Point>>),
    /// Several areas.
    MultiPolygon(Vec<Polygon>),
    /// Shapes of several kinds.
    Collection(Vec<Geometry>),
}

impl Point {
    /// Metres to another place on the sphere.
    pub fn distance(self, other: Point) -> f64 {
        sphere::angle(self.into(), other.into()) * EARTH_RADIUS_M
    }

    /// Whether longitude and latitude are within their ranges.
    pub fn is_on_earth(self) -> bool {
        (-180.0..=180.0).contains(&self.lng) && (-90.0..=90.0).contains(&self.lat)
    }
}

impl Geometry {
    /// Reads what a document holds: GeoJSON, or a legacy pair `[lng, lat]` or `{lng: …, lat: …}`
    /// (any two numbers, in this order).
    ///
    /// # Errors
    /// What is no geometry, places beyond the ranges of longitude and latitude, rings that are
    /// open, cross themselves or do not fit into a hemisphere.
    pub fn parse(value: &Value) -> Result<Geometry, Error> {
        parse::checked(&View::from(value))
    }

    /// [`Geometry::parse`] of a borrowed value.
    ///
    /// # Errors
    /// As [`Geometry::parse`].
    pub fn parse_view(value: &View<'_>) -> Result<Geometry, Error> {
        parse::checked(value)
    }

    /// Metres from a place to the nearest point of this shape; 0 within an area.
    pub fn distance(&self, from: Point) -> f64 {
        Shape::new(self).distance(from.into()) * EARTH_RADIUS_M
    }

    /// Whether the two shapes have a point in common.
    pub fn intersects(&self, other: &Geometry) -> bool {
        Shape::new(self).intersects(&Shape::new(other))
    }

    /// Whether this shape lies wholly in an area: [`Geometry::Polygon`] or
    /// [`Geometry::MultiPolygon`]; never in a shape of another kind.
    pub fn is_within(&self, area: &Geometry) -> bool {
        Region::of_geometry(area).is_some_and(|region| region.contains(self))
    }

    /// The cells under which an index lists this shape; at most eight of
    /// them, sorted.
    pub fn cells(&self) -> Vec<u64> {
        cells::entries(self)
    }

    /// Where in an index shapes may be found that have a point in common with this one.
    pub fn cell_ranges(&self) -> CellRanges {
        cells::ranges(&boxes::of_geometry(self))
    }

    /// Every place of the shape's outlines.
    fn each_point(&self, show: &mut impl FnMut(Point)) {
        match self {
            Geometry::Point(point) => show(*point),
            Geometry::Line(points) | Geometry::MultiPoint(points) => {
                points.iter().copied().for_each(show);
            }
            Geometry::MultiLine(lines) => lines.iter().flatten().copied().for_each(show),
            Geometry::Polygon(polygon) => polygon.rings().iter().flatten().copied().for_each(show),
            Geometry::MultiPolygon(polygons) => {
                polygons.iter().flat_map(Polygon::rings).flatten().copied().for_each(show);
            }
            Geometry::Collection(parts) => parts.iter().for_each(|part| part.each_point(show)),
        }
    }
}
