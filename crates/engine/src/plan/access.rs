//! From the bounds of a filter to the ranges of one index. Nothing is read here.

use std::sync::Arc;

use query::bounds::{Bounds, Interval, PathBounds, intersection, successor};

use super::{KeyRange, Order, Ranges};
use crate::index::extract::KEY_BYTES_KEPT;
use crate::index::{Index, IndexKind};

/// Most ranges one plan reads; with more, the last of the fields is read as a whole.
const RANGES_MAX: usize = 512;

/// What the bounds leave of an index. Without any useful bound that is all of it.
pub(crate) fn ranges(index: &Arc<Index>, bounds: &Bounds) -> Ranges {
    let mut building = Building {
        prefixes: vec![Vec::new()],
        ranges: None,
        bounds: Vec::new(),
        used: Vec::new(),
        equalities: 0,
        pinned_fields: 0,
        elements: None,
        is_hull: false,
    };
    for at in 0..index.fields.len() {
        if building.ranges.is_some() || !building.narrow(index, at, bounds) {
            break;
        }
    }
    building.finish(index, bounds)
}

struct Building {
    /// Keys so far, every field pinned.
    prefixes: Vec<Vec<u8>>,
    /// Set by the first field that is not pinned to points.
    ranges: Option<Vec<KeyRange>>,
    bounds: Vec<Vec<Interval>>,
    /// Numbers of the clauses the ranges say all of.
    used: Vec<usize>,
    equalities: usize,
    pinned_fields: usize,
    /// The `$elemMatch` that an earlier field with arrays took its bounds from; `Some(None)`
    /// when it was none.
    elements: Option<Option<usize>>,
    is_hull: bool,
}

impl Building {
    /// Narrows the next field; `false` when nothing is known of it.
    fn narrow(&mut self, index: &Index, at: usize, bounds: &Bounds) -> bool {
        let field = &index.fields[at];
        let is_geo = field.kind == IndexKind::Geo;
        let clauses: Vec<(usize, &PathBounds)> = bounds
            .clauses
            .iter()
            .enumerate()
            .filter(|(_, clause)| clause.path == field.path && clause.is_geo == is_geo)
            .collect();
        let found =
            if index.is_multikey(at) { self.one_key(&clauses) } else { all_clauses(&clauses) };
        let Some((intervals, used)) = found else { return false };
        self.used.extend(used);
        let is_descending = field.is_descending();
        let is_points = intervals.iter().all(Interval::is_point);
        if is_points && self.prefixes.len() * intervals.len() <= RANGES_MAX {
            let points: Vec<Vec<u8>> =
                intervals.iter().map(|interval| directed_point(interval, is_descending)).collect();
            let with_each = |prefix: Vec<u8>| {
                points.iter().map(move |point| [prefix.as_slice(), point.as_slice()].concat())
            };
            let prefixes = std::mem::take(&mut self.prefixes);
            self.prefixes = prefixes.into_iter().flat_map(with_each).collect();
            self.pinned_fields += 1;
            if intervals.len() == 1 && self.equalities == at {
                self.equalities += 1;
            }
        } else {
            self.end(&intervals, is_descending);
        }
        self.bounds.push(intervals);
        true
    }

    /// With arrays, each clause may be satisfied by another element, so only one of them narrows
    /// the keys; and only one field of those below arrays, unless it is the same element.
    fn one_key(&mut self, clauses: &[(usize, &PathBounds)]) -> Option<(Vec<Interval>, Vec<usize>)> {
        let may_use = |clause: &PathBounds| match self.elements {
            None => true,
            Some(None) => false,
            Some(element) => clause.element == element && !clause.is_element,
        };
        let usable = clauses.iter().filter(|(_, clause)| may_use(clause));
        let (at, best) = usable.min_by_key(|(_, clause)| width(&clause.intervals))?;
        let mut intervals = best.intervals.clone();
        if best.is_element {
            for (_, other) in clauses {
                if other.is_element && other.element == best.element {
                    intervals = intersection(&intervals, &other.intervals);
                }
            }
        }
        self.elements = Some(best.element.filter(|_| !best.is_element));
        Some((intervals, vec![*at]))
    }

    /// Ends every prefix with the intervals of a field that is not pinned.
    fn end(&mut self, intervals: &[Interval], is_descending: bool) {
        let mut parts: Vec<(Vec<u8>, Vec<u8>)> =
            intervals.iter().map(|interval| directed(interval, is_descending)).collect();
        if self.prefixes.len() * parts.len() > RANGES_MAX {
            let from = parts.iter().map(|part| part.0.clone()).min().unwrap_or_default();
            let to = parts.iter().map(|part| part.1.clone()).max().unwrap_or_default();
            parts = vec![(from, to)];
            self.is_hull = true;
        }
        let range = |prefix: &Vec<u8>, (from, to): &(Vec<u8>, Vec<u8>)| KeyRange {
            from: [prefix.as_slice(), from].concat(),
            to: [prefix.as_slice(), to].concat(),
            pinned: prefix.len(),
        };
        let ranges = self
            .prefixes
            .iter()
            .flat_map(|prefix| parts.iter().map(move |part| range(prefix, part)));
        self.ranges = Some(ranges.collect());
    }

    fn finish(self, index: &Arc<Index>, bounds: &Bounds) -> Ranges {
        let whole = |prefix: Vec<u8>| {
            let to = successor(&prefix).unwrap_or_else(|| vec![0xFF]);
            KeyRange { pinned: prefix.len(), from: prefix, to }
        };
        let ranges = self.ranges;
        let prefixes = self.prefixes;
        let mut ranges = ranges.unwrap_or_else(|| prefixes.into_iter().map(whole).collect());
        for range in &mut ranges {
            cut(range);
        }
        ranges.sort_by(|a, b| a.from.cmp(&b.from));
        let says_all =
            |(at, clause): (usize, &PathBounds)| clause.is_exact && self.used.contains(&at);
        let is_exact = bounds.is_whole
            && bounds.unions.is_empty()
            && !self.is_hull
            && index.flags == crate::index::Flags::default()
            && bounds.clauses.iter().enumerate().all(says_all);
        Ranges {
            index: Arc::clone(index),
            ranges,
            bounds: self.bounds,
            equalities: self.equalities,
            pinned_fields: self.pinned_fields,
            is_exact,
            order: Order::default(),
        }
    }
}

/// Without arrays one key satisfies all clauses.
fn all_clauses(clauses: &[(usize, &PathBounds)]) -> Option<(Vec<Interval>, Vec<usize>)> {
    let (first, rest) = clauses.split_first()?;
    let mut intervals = first.1.intervals.clone();
    for (_, clause) in rest {
        intervals = intersection(&intervals, &clause.intervals);
    }
    Some((intervals, clauses.iter().map(|(at, _)| *at).collect()))
}

/// How little intervals narrow: points before ranges, fewer before more.
fn width(intervals: &[Interval]) -> (bool, usize) {
    (!intervals.iter().all(Interval::is_point), intervals.len())
}

/// A point as part of a key.
fn directed_point(interval: &Interval, is_descending: bool) -> Vec<u8> {
    let complement = if is_descending { 0xFF } else { 0 };
    interval.from().iter().map(|byte| byte ^ complement).collect()
}

/// An interval as bounds of a part of a key. Keys are never prefixes of each other, so what lies
/// below a place lies, complemented, above everything that begins with the place's complement.
fn directed(interval: &Interval, is_descending: bool) -> (Vec<u8>, Vec<u8>) {
    let (from, to) = (interval.from(), interval.to());
    if !is_descending {
        return (from.to_vec(), to.to_vec());
    }
    let beyond = |place: &[u8]| {
        let complement: Vec<u8> = place.iter().map(|byte| !byte).collect();
        successor(&complement).unwrap_or_else(|| vec![0xFF])
    };
    let low = if to == [0xFF] { Vec::new() } else { beyond(to) };
    (low, beyond(from))
}

/// Keys beyond a length are cut and hashed, so bounds beyond it say only where they are cut.
fn cut(range: &mut KeyRange) {
    range.from.truncate(KEY_BYTES_KEPT);
    if range.to.len() > KEY_BYTES_KEPT {
        range.to.truncate(KEY_BYTES_KEPT);
        range.to = successor(&range.to).unwrap_or_else(|| vec![0xFF]);
    }
    range.pinned = range.pinned.min(KEY_BYTES_KEPT);
}
