//! From a value to a geometry: GeoJSON and legacy pairs, refused with a reason.

use value::{ArrayView, DocView, View};

use super::polygon::Area;
use super::sphere::Vector;
use super::{Geometry, Point, Polygon};
use crate::Error;

/// Most places of one shape: comparing two shapes looks at every pair of their edges.
const PLACES_MAX: usize = 10_000;

/// A geometry whose rings have been looked at for crossings.
pub(super) fn checked(value: &View<'_>) -> Result<Geometry, Error> {
    let geometry = stored(value)?;
    check_rings(&geometry)?;
    Ok(geometry)
}

/// A geometry as stored; places of GeoJSON and of legacy pairs are within their ranges.
pub(crate) fn stored(value: &View<'_>) -> Result<Geometry, Error> {
    let geometry = any(value)?;
    match geometry {
        Geometry::Point(point) if !point.is_on_earth() => Err(off_earth(point)),
        geometry => Ok(geometry),
    }
}

/// Like [`stored`], but a legacy pair may lie anywhere: flat regions have no ranges.
pub(crate) fn any(value: &View<'_>) -> Result<Geometry, Error> {
    match value {
        View::Document(document) => match document.get("type") {
            Some(View::String(kind)) => geo_json(kind, document, true),
            _ => legacy(value).map(Geometry::Point),
        },
        _ => legacy(value).map(Geometry::Point),
    }
}

/// `[lng, lat]` or an object whose first two fields are numbers; more may follow.
pub(crate) fn legacy(value: &View<'_>) -> Result<Point, Error> {
    let mut parts = match value {
        View::Array(array) => array.iter().take(2).map_while(number).collect::<Vec<_>>(),
        View::Document(document) => {
            let values = document.iter().map(|field| field.map(|(_, value)| value));
            values.take(2).map_while(number).collect()
        }
        _ => Vec::new(),
    };
    let lat = parts.pop().filter(|_| parts.len() == 1);
    let lng = parts.pop();
    match (lng, lat) {
        (Some(lng), Some(lat)) => Ok(Point { lng, lat }),
        _ => Err(broken(
            "a place is GeoJSON or a pair [longitude, latitude]",
            "位置应为 GeoJSON 或 [经度, 纬度]",
        )),
    }
}

fn number(value: Result<View<'_>, value::Error>) -> Option<f64> {
    value.ok()?.as_f64().filter(|number| number.is_finite())
}

fn geo_json(kind: &str, document: &DocView<'_>, outermost: bool) -> Result<Geometry, Error> {
    check_crs(document)?;
    if kind == "GeometryCollection" && outermost {
        return collection(document);
    }
    let Some(View::Array(coordinates)) = document.get("coordinates") else {
        return Err(broken("coordinates must be a list", "coordinates 应为数组"));
    };
    let geometry = match kind {
        "Point" => Geometry::Point(position(&View::Array(coordinates))?),
        "LineString" => Geometry::Line(line(&View::Array(coordinates))?),
        "Polygon" => Geometry::Polygon(polygon(&View::Array(coordinates))?),
        "MultiPoint" => Geometry::MultiPoint(several(&coordinates, position)?),
        "MultiLineString" => Geometry::MultiLine(several(&coordinates, line)?),
        "MultiPolygon" => Geometry::MultiPolygon(several(&coordinates, polygon)?),
        other => {
            return Err(broken(
                &format!("unknown GeoJSON type {other:?}"),
                &format!("未知的 GeoJSON 类型 {other:?}"),
            ));
        }
    };
    let mut places = 0;
    geometry.each_point(&mut |_| places += 1);
    if places > PLACES_MAX {
        return Err(broken(
            &format!("a shape may have {PLACES_MAX} places"),
            &format!("一个图形最多 {PLACES_MAX} 个点"),
        ));
    }
    Ok(geometry)
}

/// The one coordinate system there is, under the names MongoDB knows.
fn check_crs(document: &DocView<'_>) -> Result<(), Error> {
    let name = match document.get("crs") {
        None => return Ok(()),
        Some(View::Document(crs)) => match crs.get("properties") {
            Some(View::Document(properties)) => properties.get("name"),
            _ => None,
        },
        Some(_) => None,
    };
    match name {
        Some(View::String("urn:ogc:def:crs:OGC:1.3:CRS84" | "EPSG:4326")) => Ok(()),
        _ => Err(broken(
            "the only crs is EPSG:4326 (longitude, latitude); leave crs out",
            "仅支持 EPSG:4326 坐标系,请去掉 crs",
        )),
    }
}

fn collection(document: &DocView<'_>) -> Result<Geometry, Error> {
    let Some(View::Array(geometries)) = document.get("geometries") else {
        return Err(broken("geometries must be a list", "geometries 应为数组"));
    };
    let part = |value: &View<'_>| match value {
        View::Document(inner) => match inner.get("type") {
            Some(View::String(kind)) => geo_json(kind, inner, false),
            _ => Err(broken("each geometry needs a type", "每个图形需要 type")),
        },
        _ => Err(broken("geometries must be GeoJSON objects", "geometries 应为 GeoJSON 对象")),
    };
    several(&geometries, part).map(Geometry::Collection)
}

fn several<T>(
    list: &ArrayView<'_>,
    read: impl Fn(&View<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut parts = Vec::new();
    for (count, part) in list.iter().enumerate() {
        if count >= PLACES_MAX {
            return Err(broken("too many parts", "组成部分过多"));
        }
        parts.push(read(&part?)?);
    }
    if parts.is_empty() {
        return Err(broken("a list of coordinates must not be empty", "坐标数组不能为空"));
    }
    Ok(parts)
}

/// `[lng, lat]`; further numbers, such as a height, are not looked at.
fn position(value: &View<'_>) -> Result<Point, Error> {
    let numbers = match value {
        View::Array(array) => array.iter().map_while(number).take(2).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let [lng, lat] = numbers[..] else {
        return Err(broken(
            "a position is [longitude, latitude], two numbers",
            "坐标应为 [经度, 纬度] 两个数字",
        ));
    };
    let point = Point { lng, lat };
    if point.is_on_earth() { Ok(point) } else { Err(off_earth(point)) }
}

fn line(value: &View<'_>) -> Result<Vec<Point>, Error> {
    let points = positions(value)?;
    if points.len() < 2 {
        return Err(broken("a line needs two positions", "线至少需要两个坐标"));
    }
    refuse_opposite(&points)?;
    Ok(points)
}

/// Between opposite places there is no shortest way.
fn refuse_opposite(points: &[Point]) -> Result<(), Error> {
    let is_opposite = |pair: &[Point]| {
        let (a, b): (Vector, Vector) = (pair[0].into(), pair[1].into());
        a.is_same(b.negated())
    };
    if points.windows(2).any(is_opposite) {
        return Err(broken(
            "an edge joins opposite places of the earth; add a position between them",
            "边的两端互为对跖点,请在其间增加坐标",
        ));
    }
    Ok(())
}

fn positions(value: &View<'_>) -> Result<Vec<Point>, Error> {
    match value {
        View::Array(array) => several(array, position),
        _ => Err(broken("positions must be a list of lists", "坐标应为二维数组")),
    }
}

fn polygon(value: &View<'_>) -> Result<Polygon, Error> {
    let View::Array(array) = value else {
        return Err(broken("a polygon is a list of rings", "多边形应为环的数组"));
    };
    let polygon = Polygon::new(several(array, ring)?);
    if Area::new(&polygon).is_none() {
        return Err(broken(
            "a polygon must fit into a hemisphere; split it",
            "多边形不能超过半球,请拆分",
        ));
    }
    Ok(polygon)
}

fn ring(value: &View<'_>) -> Result<Vec<Point>, Error> {
    let points = positions(value)?;
    if points.len() < 4 {
        return Err(broken(
            "a ring needs four positions, the last like the first",
            "环至少需要四个坐标,且首尾相同",
        ));
    }
    let (first, last): (Vector, Vector) = (points[0].into(), points[points.len() - 1].into());
    if !first.is_same(last) {
        return Err(broken(
            "a ring is not closed: its last position must be its first",
            "环未闭合:最后一个坐标必须与第一个相同",
        ));
    }
    refuse_opposite(&points)?;
    Ok(points)
}

fn check_rings(geometry: &Geometry) -> Result<(), Error> {
    let check = |polygon: &Polygon| match Area::new(polygon) {
        Some(area) if area.crosses_itself() => {
            Err(broken("the edges of a polygon cross each other", "多边形的边相互交叉"))
        }
        Some(area) if !area.holes_are_inside() => {
            Err(broken("a hole lies outside of its polygon", "孔洞位于多边形之外"))
        }
        _ => Ok(()),
    };
    match geometry {
        Geometry::Polygon(polygon) => check(polygon),
        Geometry::MultiPolygon(polygons) => polygons.iter().try_for_each(check),
        Geometry::Collection(parts) => parts.iter().try_for_each(check_rings),
        _ => Ok(()),
    }
}

fn off_earth(point: Point) -> Error {
    let Point { lng, lat } = point;
    broken(
        &format!(
            "longitude/latitude is out of bounds, lng: {lng} lat: {lat}; longitudes are -180 to \
             180 and come first, latitudes -90 to 90"
        ),
        &format!("经纬度超出范围(经度 {lng},纬度 {lat});经度在前,-180 至 180,纬度 -90 至 90"),
    )
}

fn broken(english: &str, chinese: &str) -> Error {
    Error::malformed(
        format_args!("Can't extract geo keys: {english}."),
        format_args!("不是有效的地理位置:{chinese}。"),
    )
}
