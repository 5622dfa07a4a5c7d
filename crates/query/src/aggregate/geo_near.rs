//! `$geoNear`: the distance of each document from a place, nearest first. It is this stage, which
//! computes, and a sort after it.

use std::sync::Arc;

use value::{DocView, Document, Value, View};

use super::document::Doc;
use super::shape::Shape;
use super::stage::{Stage, count};
use super::work::{Context, Io, Progress, Work};
use crate::expression::operator::wrong;
use crate::expression::parse::{raw_members, segments};
use crate::filter::Metric;
use crate::geo::{self, EARTH_RADIUS_M, Geometry, Point};
use crate::path::{self, Leaf, Path};
use crate::{Error, Filter, Sort};

/// A parsed `$geoNear`.
#[derive(Debug, Clone)]
pub(crate) struct GeoNear {
    center: Point,
    metric: Metric,
    min: f64,
    max: f64,
    multiplier: f64,
    /// Where the place is; without it the first field that holds one.
    key: Option<Path>,
    distance_field: Vec<String>,
    location_field: Option<Vec<String>>,
    query: Filter,
    /// What a read may filter by: the query, and near conditions when the key is known.
    filter: Filter,
}

const MEMBERS: [&str; 12] = [
    "near",
    "distanceField",
    "spherical",
    "key",
    "query",
    "includeLocs",
    "minDistance",
    "maxDistance",
    "distanceMultiplier",
    "limit",
    "num",
    "uniqueDocs",
];

impl GeoNear {
    /// The stage, the sort by distance, and the limit when there is one.
    pub(crate) fn parse(operand: &Value) -> Result<Vec<Stage>, Error> {
        let parts = raw_members("$geoNear", operand, &MEMBERS, 2)?;
        let near = parts[0].unwrap_or(&Value::Null);
        let text = |at: usize| match parts[at] {
            None => Ok(None),
            Some(Value::String(text)) => segments(text).map(Some),
            Some(_) => {
                let english = format!("a path as {}", MEMBERS[at]);
                Err(wrong("$geoNear", &english, &format!("路径作为 {}", MEMBERS[at])))
            }
        };
        let number = |at: usize, default: f64| match parts[at] {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_f64().filter(|number| *number >= 0.0).ok_or_else(|| {
                let english = format!("a number of at least 0 as {}", MEMBERS[at]);
                wrong("$geoNear", &english, &format!("非负数作为 {}", MEMBERS[at]))
            }),
        };
        let spherical = matches!(parts[2], Some(Value::Bool(true)));
        let (center, metric) = read_center(near, spherical)?;
        let query = match parts[4] {
            None | Some(Value::Null) => Filter::all(),
            Some(Value::Document(query)) => Filter::parse_unordered(query)?,
            Some(_) => return Err(wrong("$geoNear", "a filter as query", "条件对象作为 query")),
        };
        let distance_field = text(1)?.unwrap_or_default();
        let key = text(3)?.map(|names| names.join("."));
        let (min, max) = (number(6, 0.0)?, number(7, f64::INFINITY)?);
        let filter = match &key {
            Some(key) => query.clone().and(near_filter(key, near, metric, min, max)?),
            None => query.clone(),
        };
        let sort = Document::from_iter([(distance_field.join("."), 1)]);
        let geo_near = GeoNear {
            center,
            metric,
            min,
            max,
            multiplier: number(8, 1.0)?,
            key: key.as_deref().map(Path::parse).transpose()?,
            distance_field,
            location_field: text(5)?,
            query,
            filter,
        };
        let mut stages = vec![
            Stage::GeoNear(Arc::new(geo_near)),
            Stage::Sort { sort: Sort::parse(&sort)?, limit: None },
        ];
        if let Some(limit) = parts[9].or(parts[10]) {
            stages.push(Stage::Limit(count("$geoNear", limit, 1)?));
        }
        Ok(stages)
    }

    /// What a read may filter by.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The nearest place of a document within the distances asked for, and how far it is.
    fn nearest(&self, document: &DocView<'_>) -> Result<Option<(f64, Value)>, Error> {
        let mut nearest: Option<(f64, Value)> = None;
        let mut offer = |view: &View<'_>| -> Result<(), Error> {
            if let Some(distance) = self.distance_of(view)
                && nearest.as_ref().is_none_or(|(known, _)| distance < *known)
            {
                nearest = Some((distance, view.to_value()?));
            }
            Ok(())
        };
        match &self.key {
            Some(key) => {
                path::any(document, key.segments(), Leaf::Expand, &mut |view| {
                    view.map_or(Ok(()), &mut offer)?;
                    Ok(false)
                })?;
            }
            None => {
                for field in document.iter() {
                    let (_, view) = field?;
                    let is_place = matches!(&view, View::Document(inner)
                        if inner.get("coordinates").is_some());
                    if is_place && geo::stored_geometry(&view).is_ok() {
                        offer(&view)?;
                        break;
                    }
                }
            }
        }
        Ok(nearest)
    }

    fn distance_of(&self, view: &View<'_>) -> Option<f64> {
        if !matches!(view, View::Document(_) | View::Array(_)) {
            return None;
        }
        let distance = match self.metric {
            Metric::Metres => geo::stored_geometry(view).ok()?.distance(self.center),
            Metric::Radians => {
                geo::stored_geometry(view).ok()?.distance(self.center) / EARTH_RADIUS_M
            }
            Metric::Degrees => match geo::any_geometry(view).ok()? {
                Geometry::Point(point) => geo::flat_distance(self.center, point),
                _ => return None,
            },
        };
        (self.min..=self.max).contains(&distance).then_some(distance)
    }
}

/// GeoJSON counts in metres; a legacy pair in radians on the sphere, in degrees on the plane.
fn read_center(near: &Value, spherical: bool) -> Result<(Point, Metric), Error> {
    let refused = || wrong("$geoNear", "a point as near", "点作为 near");
    let geometry = geo::any_geometry(&View::from(near)).map_err(|_| refused())?;
    let Geometry::Point(center) = geometry else { return Err(refused()) };
    let is_json = near.as_document().is_some_and(|document| document.contains_key("coordinates"));
    let metric = match (is_json, spherical) {
        (true, _) => Metric::Metres,
        (false, true) => Metric::Radians,
        (false, false) => Metric::Degrees,
    };
    if metric != Metric::Degrees && !center.is_on_earth() {
        return Err(refused());
    }
    Ok((center, metric))
}

/// The same demand as a filter, so that an index of places may serve it.
fn near_filter(
    key: &str,
    near: &Value,
    metric: Metric,
    min: f64,
    max: f64,
) -> Result<Filter, Error> {
    let mut inner = Document::new();
    if metric == Metric::Metres {
        inner.insert("$geometry", near.clone());
    }
    let limits = [("$minDistance", min, min > 0.0), ("$maxDistance", max, max.is_finite())];
    let limits = limits.into_iter().filter(|(_, _, given)| *given);
    let limits = limits.map(|(name, limit, _)| (name, Value::Double(limit)));
    let condition = match metric {
        Metric::Metres => {
            inner.extend(limits);
            Document::from_iter([("$nearSphere", inner)])
        }
        other => {
            let name = if other == Metric::Radians { "$nearSphere" } else { "$near" };
            let mut condition = Document::from_iter([(name, near.clone())]);
            condition.extend(limits);
            condition
        }
    };
    Filter::parse(&Document::from_iter([(key, condition)]))
}

/// The stage at work.
pub(crate) struct Measuring(pub(crate) Arc<GeoNear>);

impl Work for Measuring {
    fn work(&mut self, io: &mut Io<'_>, _: &mut Context<'_>) -> Result<Progress, Error> {
        let geo_near = &self.0;
        io.each(|document| {
            let view = document.view()?;
            if !geo_near.query.check(&view)? {
                return Ok(None);
            }
            let Some((distance, place)) = geo_near.nearest(&view)? else { return Ok(None) };
            let mut document = document.into_document()?;
            let distance = Value::Double(distance * geo_near.multiplier);
            Shape::set_path(&mut document, &geo_near.distance_field, distance);
            if let Some(path) = &geo_near.location_field {
                Shape::set_path(&mut document, path, place);
            }
            Doc::made(document).map(Some)
        })
    }
}
