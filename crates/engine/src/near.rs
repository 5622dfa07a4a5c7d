//! The nearest places first, from an index of places: rings around the centre that grow until
//! they hold what is wanted. What lies within the radius of a ring is complete, so nothing
//! farther can belong before it.

use bytes::Bytes;
use query::bounds::{Bounds, PathBounds};
use query::geo::circle_ranges;
use query::{Near, SortKey};
use value::{DocView, RawDoc};

use crate::index::IndexKind;
use crate::plan::{Access, Plan, Walk, ranges};
use crate::reading::Reading;
use crate::{Error, Find};

/// Radius of the first ring in metres, and how much larger each next one is.
const FIRST_RADIUS_M: f64 = 500.0;
const GROWTH: f64 = 4.0;

/// No two places on the earth are farther apart than this.
const FARTHEST_M: f64 = 20_100_000.0;

/// The documents of a near filter in their order, skipped ones left out; `None` when no index
/// helps, or another order or no limit is asked for.
pub(crate) async fn nearest(reading: &Reading, find: &Find) -> Result<Option<Vec<Bytes>>, Error> {
    let (Some(near), true, Some(limit)) = (find.filter.near(), find.sort.is_empty(), find.limit)
    else {
        return Ok(None);
    };
    let serves = |field: &(String, IndexKind)| field.0 == near.path() && field.1 == IndexKind::Geo;
    let found = reading.indexes.iter().find(|index| index.spec.keys.first().is_some_and(serves));
    let (Some(index), Some(unit)) = (found, near.metres_per_unit()) else { return Ok(None) };
    let wanted = usize::try_from(limit.saturating_add(find.skip)).unwrap_or(usize::MAX);
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let farthest = FARTHEST_M.min(near.max() * unit);
    let mut radius = FIRST_RADIUS_M.max(near.min() * unit * 1.01);
    loop {
        let is_last = radius >= farthest;
        let cells = circle_ranges(near.center(), radius.min(farthest));
        let clauses = vec![PathBounds::of_cells(near.path(), &cells)];
        let ring = ranges(index, &Bounds { clauses, ..Bounds::default() });
        let within = if is_last { f64::INFINITY } else { radius / unit };
        let mut found = ring_of(reading, find, near, Access::Ranges(ring), within).await?;
        if is_last || found.len() >= wanted {
            found.sort_by(|one, other| one.0.cmp(&other.0));
            let found = found.into_iter().map(|(_, document)| document);
            return Ok(Some(found.take(wanted).skip(skip).collect()));
        }
        radius *= GROWTH;
    }
}

/// The matches within a distance, in no order.
async fn ring_of(
    reading: &Reading,
    find: &Find,
    near: &Near,
    access: Access,
    within: f64,
) -> Result<Vec<(SortKey, Bytes)>, Error> {
    let plan = Plan { access, is_sorted: false };
    let mut walk = Walk::new(reading.snapshot.clone(), &find.filter, plan, None);
    let mut found = Vec::new();
    while let Some(batch) = walk.next().await? {
        for (_, document) in batch {
            let view = DocView::Raw(RawDoc::new(&document)?);
            if near.distance(&view)?.is_some_and(|distance| distance <= within) {
                found.push((near.key(&view)?, document));
            }
        }
    }
    Ok(found)
}
