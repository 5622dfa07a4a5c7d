//! Geo indexes: what is found through them is what is found without.

use engine::{Engine, Error, Find};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::Store;

use crate::{THINGS, document, documents, engine_with_things, find, ids, index};

/// 600 places around the world, every fifth close to Guangzhou, some of them shapes or lists.
async fn world(seed: u64) -> Engine {
    let engine = engine_with_things(Store::memory()).await;
    let mut chance = StdRng::seed_from_u64(seed);
    let mut all = Vec::new();
    for id in 0..600 {
        let (lng, lat) = match id % 5 {
            0 => (chance.random_range(113.0..113.5), chance.random_range(23.0..23.3)),
            _ => (chance.random_range(-180.0..180.0), chance.random_range(-85.0..85.0)),
        };
        let place = match id % 7 {
            0 => format!("[{lng},{lat}]"),
            1 => format!(r#"{{"type":"LineString","coordinates":[[{lng},{lat}],[113.2,23.1]]}}"#),
            2 => format!(r#"[[{lng},{lat}],[0.5,0.5]]"#),
            3 => "null".to_owned(),
            _ => format!(r#"{{"type":"Point","coordinates":[{lng},{lat}]}}"#),
        };
        let text = format!(r#"{{"_id":"{id:03}","place":{place},"kind":{}}}"#, id % 3);
        all.push(document(&text));
    }
    engine.insert(THINGS, all).await.unwrap();
    engine
}

const BOX: &str =
    r#"{"type":"Polygon","coordinates":[[[113,23],[113.4,23],[113.4,23.2],[113,23.2],[113,23]]]}"#;

#[tokio::test]
async fn places_are_found_with_and_without_an_index() {
    let filters = [
        format!(r#"{{"place":{{"$geoWithin":{{"$geometry":{BOX}}}}}}}"#),
        format!(r#"{{"place":{{"$geoIntersects":{{"$geometry":{BOX}}}}}}}"#),
        r#"{"place":{"$geoWithin":{"$centerSphere":[[113.2,23.1],0.003]}}}"#.to_owned(),
        r#"{"place":{"$geoWithin":{"$centerSphere":[[0,80],0.5]}},"kind":1}"#.to_owned(),
        near("", ""),
        near(r#","$maxDistance":20000"#, ""),
        near(r#","$minDistance":5000,"$maxDistance":3000000"#, r#","kind":2"#),
        near("", r#","kind":0"#),
    ];
    for seed in 0..4 {
        let (plain, indexed) = (world(seed).await, world(seed).await);
        let keys = if seed % 2 == 0 {
            r#"{"place":"2dsphere"}"#
        } else {
            r#"{"place":"2dsphere","kind":1}"#
        };
        indexed.create_index(THINGS, index(keys)).await.unwrap();
        for filter in &filters {
            for limit in [None, Some(1), Some(10), Some(300)] {
                let query = Find { limit, skip: 1, ..find(filter, "{}") };
                let (mut expected, mut found) =
                    (ids(&plain, query.clone()).await, ids(&indexed, query).await);
                let is_near = filter.contains("$near");
                if !is_near && limit.is_none() {
                    // Without an order which one is skipped is open.
                    assert_eq!(found.len(), expected.len(), "{seed} {filter}");
                    continue;
                }
                if !is_near {
                    expected.truncate(found.len());
                    found.truncate(expected.len());
                    assert_eq!(found.len(), expected.len(), "{seed} {filter} {limit:?}");
                    continue;
                }
                assert_eq!(found, expected, "{seed} {filter} {limit:?}");
            }
            let all = find(filter, r#"{"_id":1}"#);
            let (expected, found) = (ids(&plain, all.clone()).await, ids(&indexed, all).await);
            assert_eq!(found, expected, "{seed} {filter}");
        }
        assert_eq!(indexed.check_indexes(THINGS).await.unwrap(), [""; 0]);
    }
}

fn near(more: &str, beside: &str) -> String {
    let point = r#""$geometry":{"type":"Point","coordinates":[113.25,23.12]}"#;
    format!(r#"{{"place":{{"$nearSphere":{{{point}{more}}}}}{beside}}}"#)
}

#[tokio::test]
async fn a_search_for_places_reads_little() {
    let engine = world(9).await;
    engine.create_index(THINGS, index(r#"{"place":"2dsphere"}"#)).await.unwrap();
    let query = find(r#"{"place":{"$geoWithin":{"$centerSphere":[[60,40],0.01]}}}"#, "{}");
    let explanation = engine.explain(&query).await.unwrap();
    assert_eq!(explanation.used[0].index, "place_2dsphere");
    assert!(explanation.documents_examined < 200, "{explanation:?}");
}

#[tokio::test]
async fn what_is_no_place_is_refused() {
    let engine = engine_with_things(Store::memory()).await;
    engine.create_index(THINGS, index(r#"{"at":"2dsphere"}"#)).await.unwrap();
    let rows = [
        (r#"[{"at":{"type":"Point","coordinates":[1,2]}}]"#, true),
        (r#"[{"at":[1,2]}]"#, true),
        (r#"[{"at":[[1,2],[3,4]]}]"#, true),
        (r#"[{"at":null}]"#, true),
        (r#"[{"b":1}]"#, true),
        (r#"[{"at":"here"}]"#, false),
        (r#"[{"at":[200,2]}]"#, false),
        (r#"[{"at":[[1,2],"x"]}]"#, false),
    ];
    for (inserted, is_fine) in rows {
        match engine.insert(THINGS, documents(inserted)).await {
            Ok(_) => assert!(is_fine, "{inserted}"),
            Err(Error::PlaceRefused { path, .. }) => {
                assert!(!is_fine && path == "at", "{inserted}");
            }
            Err(error) => panic!("{inserted}: {error}"),
        }
    }
}
