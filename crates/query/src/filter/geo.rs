//! Geographic operators: `$geoWithin`, `$geoIntersects`, `$near`, `$nearSphere`, and what a near
//! filter tells about its order.

use std::sync::Arc;

use value::{DocView, Document, Value, View};

use super::operand::wrong;
use crate::geo::{self, EARTH_RADIUS_M, Geometry, Point, Region, Shape};
use crate::path::{self, Leaf, Path};
use crate::{Error, SortKey};

/// What is asked of one geometry.
#[derive(Debug, Clone)]
pub(crate) enum GeoTest {
    Within(Arc<Region>),
    Intersects(Arc<(Geometry, Shape)>),
    Near(Arc<Near>),
}

/// What a distance is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Metres on the sphere: `$geometry`.
    Metres,
    /// Radians on the sphere: `$nearSphere` with a legacy pair.
    Radians,
    /// Degrees as if they were a plane: `$near` with a legacy pair.
    Degrees,
}

/// The demand of a filter that also orders: documents come by their distance.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    path: Path,
    center: Point,
    metric: Metric,
    min: f64,
    max: f64,
}

impl Near {
    /// Dotted path of the place.
    pub fn path(&self) -> &str {
        self.path.text()
    }

    /// From where distances count.
    pub fn center(&self) -> Point {
        self.center
    }

    /// What [`Near::min`], [`Near::max`] and [`Near::distance`] are counted in.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The least distance of a document; 0 when none is asked.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The greatest distance of a document; infinite when none is asked.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// Metres on the sphere for one unit of the metric; `None` for the flat one.
    pub fn metres_per_unit(&self) -> Option<f64> {
        match self.metric {
            Metric::Metres => Some(1.0),
            Metric::Radians => Some(EARTH_RADIUS_M),
            Metric::Degrees => None,
        }
    }

    /// The distance of a document: that of its nearest place within [`Near::min`] and
    /// [`Near::max`]. `None` when it has no such place.
    ///
    /// # Errors
    /// Broken BSON bytes.
    pub fn distance(&self, document: &DocView<'_>) -> Result<Option<f64>, Error> {
        let mut nearest: Option<f64> = None;
        path::any(document, self.path.segments(), Leaf::Expand, &mut |view| {
            if let Some(distance) = view.and_then(|view| self.distance_of(view)) {
                nearest = Some(nearest.map_or(distance, |known| known.min(distance)));
            }
            Ok(false)
        })?;
        Ok(nearest)
    }

    /// The place of a document in the order of distances.
    ///
    /// # Errors
    /// As [`Near::distance`].
    pub fn key(&self, document: &DocView<'_>) -> Result<SortKey, Error> {
        Ok(SortKey::of_number(self.distance(document)?.unwrap_or(f64::INFINITY)))
    }

    fn distance_of(&self, view: &View<'_>) -> Option<f64> {
        let distance = if self.metric == Metric::Degrees {
            match geo::any_geometry(view) {
                Ok(Geometry::Point(point)) => geo::flat_distance(self.center, point),
                _ => return None,
            }
        } else {
            let metres = geo::stored_geometry(view).ok()?.distance(self.center);
            metres / self.metres_per_unit().unwrap_or(1.0)
        };
        (self.min..=self.max).contains(&distance).then_some(distance)
    }
}

impl GeoTest {
    pub(super) fn check(&self, view: &View<'_>) -> bool {
        if !matches!(view, View::Document(_) | View::Array(_)) {
            return false;
        }
        match self {
            GeoTest::Near(near) => near.distance_of(view).is_some(),
            GeoTest::Within(region) => {
                geo::any_geometry(view).is_ok_and(|geometry| region.contains(&geometry))
            }
            GeoTest::Intersects(shape) => geo::stored_geometry(view)
                .is_ok_and(|geometry| shape.1.intersects(&Shape::new(&geometry))),
        }
    }

    /// Where in an index of places a passing value may be listed; `None` for a near filter without
    /// a greatest distance, and a flat one.
    pub(crate) fn cell_ranges(&self) -> Option<geo::CellRanges> {
        match self {
            GeoTest::Within(region) => Some(region.cell_ranges()),
            GeoTest::Intersects(shape) => Some(shape.0.cell_ranges()),
            GeoTest::Near(near) => {
                let metres = near.max * near.metres_per_unit()?;
                metres.is_finite().then(|| geo::circle_ranges(near.center, metres))
            }
        }
    }
}

/// `$geoWithin: {$geometry | $centerSphere | $box | $polygon | $center: …}`.
pub(super) fn within(operator: &str, operand: &Value, path: &str) -> Result<GeoTest, Error> {
    let expected = || {
        wrong(
            operator,
            path,
            "$geometry (Polygon or MultiPolygon), $centerSphere, $box, $polygon or $center",
            "$geometry(Polygon 或 MultiPolygon)、$centerSphere、$box、$polygon 或 $center",
        )
    };
    let Value::Document(document) = operand else {
        return Err(expected());
    };
    let (name, shape) = match document.first() {
        Some((name, shape)) if document.len() == 1 => (name, shape),
        _ if document.contains_key("coordinates") => ("$geometry", operand),
        _ => return Err(expected()),
    };
    let region = match name {
        "$geometry" => {
            Region::of_geometry(&geometry(operator, shape, path)?).ok_or_else(expected)?
        }
        "$centerSphere" => {
            let (center, radians) = circle(name, shape, path)?;
            refuse_off_earth(name, center, path)?;
            Region::Cap { center, radians }
        }
        "$center" => {
            let (center, radius) = circle(name, shape, path)?;
            Region::Disc { center, radius }
        }
        "$box" => match &corners(name, shape, path)?[..] {
            [a, b] => Region::Box {
                low: Point { lng: a.lng.min(b.lng), lat: a.lat.min(b.lat) },
                high: Point { lng: a.lng.max(b.lng), lat: a.lat.max(b.lat) },
            },
            _ => return Err(wrong(name, path, "two corners [[x, y], [x, y]]", "两个角的坐标")),
        },
        "$polygon" => {
            let mut ring = corners(name, shape, path)?;
            if ring.len() < 3 {
                return Err(wrong(name, path, "at least three corners", "至少三个顶点"));
            }
            ring.extend(ring.first().copied());
            Region::Ring(ring)
        }
        _ => return Err(expected()),
    };
    Ok(GeoTest::Within(Arc::new(region)))
}

/// `$geoIntersects: {$geometry: …}`.
pub(super) fn intersects(operator: &str, operand: &Value, path: &str) -> Result<GeoTest, Error> {
    let shape = match operand {
        Value::Document(document) if document.contains_key("coordinates") => Some(operand),
        Value::Document(document) if document.len() == 1 => document.get("$geometry"),
        _ => None,
    };
    let shape = shape.ok_or_else(|| wrong(operator, path, "$geometry", "$geometry"))?;
    let geometry = geometry(operator, shape, path)?;
    let shape = Shape::new(&geometry);
    Ok(GeoTest::Intersects(Arc::new((geometry, shape))))
}

/// `$near` and `$nearSphere`; `document` holds the legacy form's `$maxDistance` and `$minDistance`.
pub(super) fn near(
    operator: &str,
    operand: &Value,
    document: &Document,
    path: &str,
) -> Result<GeoTest, Error> {
    let flat = if operator == "$near" { Metric::Degrees } else { Metric::Radians };
    let inner = match operand {
        Value::Document(inner) if inner.contains_key("$geometry") => Some(inner),
        _ => None,
    };
    let (center, metric) = match inner.and_then(|inner| inner.get("$geometry")) {
        Some(shape) => match geometry(operator, shape, path)? {
            Geometry::Point(point) => (point, Metric::Metres),
            _ => {
                return Err(wrong(
                    operator,
                    path,
                    "a Point as $geometry",
                    "Point 类型的 $geometry",
                ));
            }
        },
        None if is_geo_json(operand) => match geometry(operator, operand, path)? {
            Geometry::Point(point) => (point, Metric::Metres),
            _ => return Err(wrong(operator, path, "a Point", "Point 类型的位置")),
        },
        None => (legacy_center(operator, operand, path)?, flat),
    };
    let mut near = Near { path: Path::parse(path)?, center, metric, min: 0.0, max: f64::INFINITY };
    if let (Value::Array(parts), Metric::Degrees | Metric::Radians) = (operand, metric)
        && let Some(third) = parts.get(2)
    {
        near.max = distance("$maxDistance", third, path)?;
    }
    for (name, bound) in inner.into_iter().chain([document]).flat_map(Document::iter) {
        match name {
            "$maxDistance" => near.max = distance(name, bound, path)?,
            "$minDistance" => near.min = distance(name, bound, path)?,
            "$geometry" => {}
            _ if inner.is_some_and(|inner| inner.contains_key(name)) => {
                return Err(Error::unknown_operator(name, path));
            }
            _ => {}
        }
    }
    Ok(GeoTest::Near(Arc::new(near)))
}

fn is_geo_json(operand: &Value) -> bool {
    operand.as_document().is_some_and(|document| document.contains_key("coordinates"))
}

fn geometry(operator: &str, shape: &Value, path: &str) -> Result<Geometry, Error> {
    Geometry::parse(shape).map_err(|error| at(operator, path, &error))
}

/// Says where a geometry was not understood.
fn at(operator: &str, path: &str, error: &Error) -> Error {
    Error::Malformed(format!("{operator}{}: {error}", crate::error::place(path)))
}

fn legacy_center(operator: &str, operand: &Value, path: &str) -> Result<Point, Error> {
    let point =
        geo::legacy_pair(&View::from(operand)).map_err(|error| at(operator, path, &error))?;
    if operator == "$nearSphere" {
        refuse_off_earth(operator, point, path)?;
    }
    Ok(point)
}

fn refuse_off_earth(operator: &str, point: Point, path: &str) -> Result<(), Error> {
    if point.is_on_earth() {
        return Ok(());
    }
    Err(wrong(
        operator,
        path,
        "a longitude of -180 to 180 and a latitude of -90 to 90",
        "经度 -180 至 180、纬度 -90 至 90",
    ))
}

/// A distance of at least 0.
fn distance(operator: &str, operand: &Value, path: &str) -> Result<f64, Error> {
    let distance = operand.as_f64().filter(|distance| *distance >= 0.0);
    distance.ok_or_else(|| wrong(operator, path, "a number of at least 0", "非负数"))
}

/// `[[x, y], radius]`.
fn circle(operator: &str, operand: &Value, path: &str) -> Result<(Point, f64), Error> {
    let parts = operand.as_array().unwrap_or_default();
    let [center, radius] = parts else {
        return Err(wrong(operator, path, "[[x, y], radius]", "[[x, y], 半径]"));
    };
    let center =
        geo::legacy_pair(&View::from(center)).map_err(|error| at(operator, path, &error))?;
    Ok((center, distance(operator, radius, path)?))
}

/// A list of pairs, or an object of them, as old clients send it.
fn corners(operator: &str, operand: &Value, path: &str) -> Result<Vec<Point>, Error> {
    let read = |value: &Value| {
        geo::legacy_pair(&View::from(value)).map_err(|error| at(operator, path, &error))
    };
    match operand {
        Value::Array(pairs) => pairs.iter().map(read).collect(),
        Value::Document(pairs) => pairs.iter().map(|(_, pair)| read(pair)).collect(),
        _ => Err(wrong(operator, path, "a list of pairs [x, y]", "坐标 [x, y] 的数组")),
    }
}
