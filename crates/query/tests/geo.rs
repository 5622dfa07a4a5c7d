//! Geometry: rows of shapes and answers, and laws of cells over generated places.

use std::f64::consts::PI;

use proptest::prelude::*;
use query::geo::{CellRanges, EARTH_RADIUS_M, Geometry, Point, circle_ranges};
use query::{Filter, Metric};
use value::{DocView, Value, ejson};

fn value(json: &str) -> Value {
    ejson::parse(json, 0).expect("rows are extended JSON")
}

fn geometry(json: &str) -> Geometry {
    Geometry::parse(&value(json)).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn shape(kind: &str, coordinates: &str) -> Geometry {
    geometry(&format!(r#"{{"type":"{kind}","coordinates":{coordinates}}}"#))
}

fn point(lng: f64, lat: f64) -> Point {
    Point { lng, lat }
}

fn filter(json: &str) -> Filter {
    Filter::parse(value(json).as_document().expect("a document")).expect("a filter")
}

fn lists(ranges: &CellRanges, cells: &[u64]) -> bool {
    cells.iter().any(|cell| ranges.iter().any(|range| range.contains(cell)))
}

const SQUARE: &str = "[[[0,0],[10,0],[10,10],[0,10],[0,0]]]";
const RING: &str = "[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]";

#[test]
fn distances_are_on_a_sphere_of_mongodbs_radius() {
    let quarter = EARTH_RADIUS_M * PI / 2.0;
    for (a, b, expected) in [
        (point(0.0, 0.0), point(0.0, 0.0), 0.0),
        (point(0.0, 0.0), point(90.0, 0.0), quarter),
        (point(0.0, 0.0), point(0.0, 90.0), quarter),
        (point(0.0, 0.0), point(180.0, 0.0), 2.0 * quarter),
        (point(180.0, 10.0), point(-180.0, 10.0), 0.0),
        (point(17.0, 90.0), point(-100.0, 90.0), 0.0),
        (point(179.0, 0.0), point(-179.0, 0.0), EARTH_RADIUS_M * PI / 90.0),
        // Beijing to Shanghai.
        (point(116.4074, 39.9042), point(121.4737, 31.2304), 1_068_500.0),
    ] {
        let found = a.distance(b);
        assert!((found - expected).abs() < 300.0, "{a:?} {b:?}: {found}, expected {expected}");
    }
    let near = point(113.0, 23.0).distance(point(113.000_001, 23.0));
    assert!((near - 0.1025).abs() < 0.001, "{near}");
}

#[test]
fn distances_to_shapes_are_to_their_nearest_point() {
    let line = shape("LineString", "[[0,0],[10,0]]");
    let square = shape("Polygon", SQUARE);
    let degree = EARTH_RADIUS_M * PI / 180.0;
    for (shape, from, expected) in [
        (&line, point(5.0, 1.0), degree),
        (&line, point(-1.0, 0.0), degree),
        (&line, point(5.0, 0.0), 0.0),
        (&square, point(5.0, 5.0), 0.0),
        (&square, point(5.0, -1.0), degree),
    ] {
        let found = shape.distance(from);
        assert!((found - expected).abs() < 1.0, "{shape:?} {from:?}: {found}");
    }
    assert!(shape("Polygon", RING).distance(point(5.0, 5.0)) > degree * 0.9);
}

#[test]
fn shapes_lie_within_areas() {
    let date_line = "[[[170,-10],[-170,-10],[-170,10],[170,10],[170,-10]]]";
    let pole = "[[[0,80],[90,80],[180,80],[-90,80],[0,80]]]";
    for (area, kind, coordinates, expected) in [
        (SQUARE, "Point", "[5,5]", true),
        (SQUARE, "Point", "[5,0]", true),
        (SQUARE, "Point", "[0,0]", true),
        (SQUARE, "Point", "[11,5]", false),
        (SQUARE, "Point", "[-175,5]", false),
        (RING, "Point", "[5,5]", false),
        (RING, "Point", "[4,5]", true),
        (RING, "Point", "[3,5]", true),
        (SQUARE, "LineString", "[[1,1],[9,9]]", true),
        (SQUARE, "LineString", "[[1,1],[11,9]]", false),
        (SQUARE, "LineString", "[[0,1],[0,9]]", true),
        (RING, "LineString", "[[1,5],[9,5]]", false),
        (RING, "LineString", "[[1,1],[9,1]]", true),
        (SQUARE, "Polygon", SQUARE, true),
        (SQUARE, "Polygon", RING, true),
        (RING, "Polygon", SQUARE, false),
        (RING, "Polygon", RING, true),
        (RING, "Polygon", "[[[1,1],[3,1],[3,3],[1,3],[1,1]]]", true),
        (RING, "Polygon", "[[[1,1],[5,1],[5,5],[1,5],[1,1]]]", false),
        (RING, "Polygon", "[[[4.5,4.5],[5,4.5],[5,5],[4.5,5],[4.5,4.5]]]", false),
        (SQUARE, "MultiPoint", "[[1,1],[2,2]]", true),
        (SQUARE, "MultiPoint", "[[1,1],[20,2]]", false),
        (SQUARE, "MultiLineString", "[[[1,1],[2,2]],[[3,3],[4,4]]]", true),
        (SQUARE, "MultiPolygon", "[[[[1,1],[2,1],[2,2],[1,1]]],[[[5,5],[6,5],[6,6],[5,5]]]]", true),
        (date_line, "Point", "[180,0]", true),
        (date_line, "Point", "[-175,0]", true),
        (date_line, "Point", "[0,0]", false),
        (pole, "Point", "[37,90]", true),
        (pole, "Point", "[45,85]", true),
        (pole, "Point", "[45,79]", false),
        // The edge along 80° runs nearer to the pole than the parallel does.
        (pole, "Point", "[45,81]", false),
    ] {
        let (area, inner) = (shape("Polygon", area), shape(kind, coordinates));
        assert_eq!(inner.is_within(&area), expected, "{kind} {coordinates} in {area:?}");
        if expected {
            assert!(inner.intersects(&area) && area.intersects(&inner), "{kind} {coordinates}");
            assert!(lists(&area.cell_ranges(), &inner.cells()), "{kind} {coordinates}");
        }
    }
    let two = shape("MultiPolygon", &format!("[{SQUARE},[[[20,0],[30,0],[30,10],[20,0]]]]"));
    assert!(shape("MultiPoint", "[[5,5],[29,5]]").is_within(&two));
    assert!(!shape("LineString", "[[5,5],[29,5]]").is_within(&two));
    assert!(!shape("Point", "[1,1]").is_within(&shape("Point", "[1,1]")));
}

#[test]
fn shapes_intersect() {
    let apart = "[[[20,20],[30,20],[30,30],[20,20]]]";
    let across = "[[[5,-5],[7,-5],[7,15],[5,15],[5,-5]]]";
    for (a, a_is, b, b_is, expected) in [
        ("Point", "[1,1]", "Point", "[1,1]", true),
        ("Point", "[1,1]", "Point", "[1,1.000001]", false),
        ("Point", "[180,1]", "Point", "[-180,1]", true),
        ("Point", "[5,0]", "LineString", "[[0,0],[10,0]]", true),
        ("Point", "[5,0.1]", "LineString", "[[0,0],[10,0]]", false),
        ("Point", "[5,5]", "Polygon", SQUARE, true),
        ("Point", "[5,5]", "Polygon", RING, false),
        ("LineString", "[[0,0],[10,10]]", "LineString", "[[0,10],[10,0]]", true),
        ("LineString", "[[0,0],[10,0]]", "LineString", "[[0,1],[10,1]]", false),
        ("LineString", "[[0,0],[10,0]]", "LineString", "[[10,0],[10,5]]", true),
        ("LineString", "[[170,0],[-170,0]]", "LineString", "[[180,-5],[180,5]]", true),
        ("LineString", "[[-5,5],[15,5]]", "Polygon", SQUARE, true),
        ("LineString", "[[4.5,5],[5.5,5]]", "Polygon", RING, false),
        ("LineString", "[[-5,11],[15,11]]", "Polygon", SQUARE, false),
        ("Polygon", SQUARE, "Polygon", SQUARE, true),
        ("Polygon", SQUARE, "Polygon", apart, false),
        ("Polygon", SQUARE, "Polygon", across, true),
        ("Polygon", RING, "Polygon", "[[[4.5,4.5],[5.5,4.5],[5,5.5],[4.5,4.5]]]", false),
        ("Polygon", RING, "Polygon", "[[[-9,-9],[20,-9],[20,20],[-9,20],[-9,-9]]]", true),
        ("MultiPoint", "[[50,50],[5,5]]", "Polygon", SQUARE, true),
        ("MultiPolygon", "[[[[20,20],[30,20],[30,30],[20,20]]]]", "Point", "[29,25]", true),
        ("MultiLineString", "[[[20,20],[30,20]],[[0,0],[1,1]]]", "Polygon", SQUARE, true),
    ] {
        let (a, b) = (shape(a, a_is), shape(b, b_is));
        assert_eq!(a.intersects(&b), expected, "{a_is} and {b_is}");
        assert_eq!(b.intersects(&a), expected, "{b_is} and {a_is}");
        if expected {
            assert!(lists(&a.cell_ranges(), &b.cells()), "{a_is} and {b_is}");
            assert!(lists(&b.cell_ranges(), &a.cells()), "{b_is} and {a_is}");
        }
    }
}

#[test]
fn what_is_read_as_a_place() {
    for (json, expected) in [
        ("[113,23]", Some(point(113.0, 23.0))),
        ("[113,23,5]", Some(point(113.0, 23.0))),
        (r#"{"lng":113,"lat":23}"#, Some(point(113.0, 23.0))),
        (r#"{"x":{"$numberLong":"1"},"y":2.5,"z":"note"}"#, Some(point(1.0, 2.5))),
        (r#"{"type":"Point","coordinates":[113.5,-23]}"#, Some(point(113.5, -23.0))),
        (r#"{"type":"Point","coordinates":[113,23,99]}"#, Some(point(113.0, 23.0))),
        ("[113]", None),
        ("[]", None),
        (r#"["113","23"]"#, None),
        ("[181,0]", None),
        ("[0,91]", None),
        (r#"{"$numberDouble":"NaN"}"#, None),
        (r#"{"lng":1}"#, None),
        (r#"{"lng":{"$numberDouble":"NaN"},"lat":1}"#, None),
        (r#"{"type":"Point","coordinates":[1]}"#, None),
        (r#"{"type":"Point","coordinates":["1","2"]}"#, None),
        (r#"{"type":"Point"}"#, None),
        (r#"{"type":"point","coordinates":[1,2]}"#, None),
        (r#""Point""#, None),
        ("null", None),
        ("5", None),
    ] {
        let found = Geometry::parse(&value(json)).ok();
        assert_eq!(found, expected.map(Geometry::Point), "{json}");
    }
}

#[test]
fn broken_shapes_are_refused_with_a_reason() {
    for (kind, coordinates, expected) in [
        ("Point", "[200,0]", "longitude/latitude is out of bounds, lng: 200 lat: 0"),
        ("Point", "[0,-90.5]", "out of bounds"),
        ("Circle", "[0,0]", "unknown GeoJSON type \"Circle\""),
        ("LineString", "[[0,0]]", "a line needs two positions"),
        ("LineString", "[0,0]", "a position is"),
        ("LineString", "[[0,0],[180,0]]", "opposite places"),
        ("Polygon", "[[[0,0],[1,0],[1,1]]]", "a ring needs four positions"),
        ("Polygon", "[[[0,0],[1,0],[1,1],[0,1]]]", "not closed"),
        ("Polygon", "[[0,0],[1,0],[1,1],[0,0]]", "a position is"),
        ("Polygon", "[]", "must not be empty"),
        ("Polygon", "[[[0,0],[10,10],[10,0],[0,10],[0,0]]]", "cross each other"),
        ("Polygon", "[[[0,0],[1,0],[1,1],[0,0]],[[5,5],[6,5],[6,6],[5,5]]]", "a hole lies outside"),
        ("Polygon", "[[[-120,0],[0,0],[120,0],[120,9],[0,9],[-120,9],[-120,0]]]", "hemisphere"),
        ("MultiPoint", "[]", "must not be empty"),
        ("MultiPolygon", "[[[[0,0],[1,0],[1,1]]]]", "four positions"),
    ] {
        let json = format!(r#"{{"type":"{kind}","coordinates":{coordinates}}}"#);
        let error = Geometry::parse(&value(&json)).expect_err(&json).to_string();
        assert!(error.contains(expected) && error.contains(" / "), "{json}: {error}");
    }
    let collection =
        r#"{"type":"GeometryCollection","geometries":[{"type":"GeometryCollection"}]}"#;
    assert!(Geometry::parse(&value(collection)).is_err());
    let crs = r#"{"type":"Point","coordinates":[1,2],"crs":{"type":"name","properties":{"name":""#;
    assert!(Geometry::parse(&value(&format!(r#"{crs}EPSG:4326"}}}}}}"#))).is_ok());
    assert!(Geometry::parse(&value(&format!(r#"{crs}EPSG:3857"}}}}}}"#))).is_err());
}

#[test]
fn a_near_filter_tells_its_order() {
    let query = r#"{"a":1,"loc":{"$nearSphere":{"$geometry":{"type":"Point","coordinates":[113,23]},
        "$maxDistance":1000,"$minDistance":10}}}"#;
    let filter = filter(query);
    let near = filter.near().unwrap();
    assert_eq!((near.path(), near.metric()), ("loc", Metric::Metres));
    assert_eq!((near.min(), near.max(), near.center()), (10.0, 1000.0, point(113.0, 23.0)));
    let distance = |json: &str| {
        let document = value(json);
        near.distance(&DocView::Owned(document.as_document().unwrap())).unwrap()
    };
    assert_eq!(distance(r#"{"loc":[113,23]}"#), None);
    assert_eq!(distance(r#"{"loc":[114,23]}"#), None);
    assert_eq!(distance("{}"), None);
    let there = distance(r#"{"loc":[113.005,23]}"#).unwrap();
    assert!((there - 512.0).abs() < 1.0, "{there}");
    // The nearest of several places within the bounds.
    let several = distance(r#"{"loc":[[113,23],[113.005,23],[113.001,23]]}"#).unwrap();
    assert!((several - 102.5).abs() < 1.0, "{several}");
    assert!(filter.cell_ranges("loc").is_some_and(|ranges| ranges.len() < 60));
    assert!(filter.cell_ranges("a").is_none());
}

fn place() -> impl Strategy<Value = Point> {
    let edges = prop::sample::select(vec![-180.0, 180.0, 0.0, 179.9999, -179.9999]);
    let lats = prop::sample::select(vec![-90.0, 90.0, 0.0, 89.99, -89.99]);
    (prop_oneof![4 => -180.0..=180.0, 1 => edges], prop_oneof![4 => -90.0..=90.0, 1 => lats])
        .prop_map(|(lng, lat)| Point { lng, lat })
}

fn many() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn a_circle_lists_what_lies_in_it(center in place(), other in place(), part in 0.0..3.0) {
        let radius = center.distance(other) * (1.0 + part) + 0.001;
        let ranges = circle_ranges(center, radius);
        prop_assert!(lists(&ranges, &Geometry::Point(other).cells()));
        prop_assert!(ranges.len() < 300, "{} ranges", ranges.len());
    }

    #[test]
    fn shapes_that_meet_list_each_other(
        places in prop::collection::vec(place(), 2..5), at in place(),
    ) {
        let line = Geometry::Line(places.clone());
        for place in places {
            let end = Geometry::Line(vec![place, at]);
            prop_assert!(line.intersects(&Geometry::Point(place)));
            prop_assert!(lists(&line.cell_ranges(), &end.cells()));
            prop_assert!(lists(&end.cell_ranges(), &line.cells()));
            prop_assert!(line.cells().len() <= 8);
        }
    }

    #[test]
    fn crossing_arcs_list_each_other(a in place(), b in place(), c in place(), d in place()) {
        // Reading refuses edges between opposite places.
        let is_edge = |a: Point, b: Point| a.distance(b) < EARTH_RADIUS_M * 3.1;
        prop_assume!(is_edge(a, b) && is_edge(c, d));
        let (one, other) = (Geometry::Line(vec![a, b]), Geometry::Line(vec![c, d]));
        prop_assert_eq!(one.intersects(&other), other.intersects(&one));
        if one.intersects(&other) {
            prop_assert!(lists(&one.cell_ranges(), &other.cells()));
        }
    }

    #[test]
    fn distances_are_a_metric(a in place(), b in place(), c in place()) {
        prop_assert!((a.distance(b) - b.distance(a)).abs() < 1e-6);
        prop_assert!(a.distance(c) <= a.distance(b) + b.distance(c) + 1e-3);
    }

    #[test]
    fn triangles_hold_their_middles(a in place(), b in place(), c in place()) {
        let ring = format!(
            r#"{{"type":"Polygon","coordinates":[[[{},{}],[{},{}],[{},{}],[{},{}]]]}}"#,
            a.lng, a.lat, b.lng, b.lat, c.lng, c.lat, a.lng, a.lat
        );
        if let Ok(triangle) = Geometry::parse(&value(&ring)) {
            prop_assert!(triangle.is_within(&triangle));
            for corner in [a, b, c] {
                prop_assert!(Geometry::Point(corner).is_within(&triangle));
                prop_assert!(lists(&triangle.cell_ranges(), &Geometry::Point(corner).cells()));
                prop_assert!(triangle.distance(corner) < 0.001);
            }
        }
    }
}
