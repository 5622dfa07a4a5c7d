//! The nearest places first, from an index of places: rings around the centre that grow until
//! they hold what is wanted. What lies within the radius of a ring is complete, so nothing
//! farther can belong before it.

use std::sync::Arc;

use bytes::Bytes;
use query::bounds::{Bounds, PathBounds};
use query::geo::circle_ranges;
use query::{Near, SortKey};
use value::{DocView, RawDoc};

use crate::index::{Index, IndexKind};
use crate::plan::{Access, Examined, Plan, Walk, ranges};
use crate::reading::Reading;
use crate::{Error, Find};

/// Radius of the first ring in metres, and how much larger each next one is.
const FIRST_RADIUS_M: f64 = 500.0;
const GROWTH: f64 = 4.0;

/// No two places on the earth are farther apart than this.
const FARTHEST_M: f64 = 20_100_000.0;

/// What a search by distance came to.
pub(crate) struct Nearest {
    pub(crate) documents: Vec<Bytes>,
    pub(crate) index: Arc<Index>,
    pub(crate) examined: Examined,
}

/// The documents of a near filter in their order, equal ones in that of `_id`, skipped ones left
/// out; `None` when no index helps, or another order is asked for.
pub(crate) async fn nearest(reading: &Reading, find: &Find) -> Result<Option<Nearest>, Error> {
    let Some(near) = find.filter.near().filter(|_| find.sort.is_empty()) else {
        return Ok(None);
    };
    let serves = |field: &(String, IndexKind)| field.0 == near.path() && field.1 == IndexKind::Geo;
    let found = reading.indexes.iter().find(|index| index.spec.keys.first().is_some_and(serves));
    let (Some(index), Some(unit)) = (found, near.metres_per_unit()) else { return Ok(None) };
    let wanted = find.limit.map(|limit| limit.saturating_add(find.skip));
    let all = wanted.is_none();
    let wanted = wanted.and_then(|wanted| wanted.try_into().ok()).unwrap_or(usize::MAX);
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let farthest = FARTHEST_M.min(near.max() * unit);
    let first = FIRST_RADIUS_M.max(near.min() * unit * 1.01);
    let mut radius = if all { farthest } else { first };
    let mut examined = Examined::default();
    loop {
        let is_last = radius >= farthest;
        let cells = circle_ranges(near.center(), radius.min(farthest));
        let clauses = vec![PathBounds::of_cells(near.path(), &cells)];
        let ring = ranges(index, &Bounds { clauses, ..Bounds::default() });
        let within = if is_last { f64::INFINITY } else { radius / unit };
        let ring = Access::Ranges(ring);
        let mut found = ring_of(reading, find, near, ring, within, &mut examined).await?;
        if is_last || found.len() >= wanted {
            found.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
            let found = found.into_iter().map(|(_, _, document)| document);
            let documents = found.take(wanted).skip(skip).collect();
            return Ok(Some(Nearest { documents, index: Arc::clone(index), examined }));
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
    examined: &mut Examined,
) -> Result<Vec<(SortKey, Bytes, Bytes)>, Error> {
    let plan = Plan { access, is_sorted: false };
    let mut walk = Walk::new(reading.snapshot.clone(), &find.filter, plan, None);
    let mut found = Vec::new();
    while let Some(batch) = walk.next().await? {
        for (key, document) in batch {
            let view = DocView::Raw(RawDoc::new(&document)?);
            if near.distance(&view)?.is_some_and(|distance| distance <= within) {
                found.push((near.key(&view)?, key, document));
            }
        }
    }
    *examined += walk.examined;
    Ok(found)
}
