//! Cells of an index: the square of longitudes and latitudes is quartered again and again; a cell's
//! number orders all cells so that a cell lies between its parts.
//!
//! This is an on-disk format. The number of a cell at level L (0 the whole earth, 30 about 4 cm):
//! three zero bits, then for each level from the top one bit of longitude and one of latitude, then
//! a one, then zeros. A place is listed under its cell of level 30; other shapes under at most
//! eight cells whose levels are multiples of three, so that the cells around a cell are few.

use std::ops::RangeInclusive;

use super::boxes::{self, DegreeBox};
use super::{Geometry, Point};

/// Smallest cells: two bits each.
const LEVEL_MAX: u32 = 30;
/// Levels of the cells of shapes that are no points.
const ENTRY_LEVEL_STEP: u32 = 3;
/// Most cells of one shape in an index.
const ENTRY_CELLS_MAX: usize = 8;
/// Most cells that cover what a query asks for, about.
const QUERY_CELLS_MAX: usize = 24;

/// Ranges of cell numbers, sorted and apart. Some three dozen at most.
pub type CellRanges = Vec<RangeInclusive<u64>>;

/// A cell: its level, and its column and row among those of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    level: u32,
    column: u32,
    row: u32,
}

impl Cell {
    const EARTH: Cell = Cell { level: 0, column: 0, row: 0 };

    /// The smallest cell around a place.
    fn of(point: Point) -> Cell {
        let slot = |part: f64| {
            let cells = f64::from(1_u32 << LEVEL_MAX);
            // Casting keeps what is beyond within the range.
            ((part * cells).max(0.0) as u32).min((1 << LEVEL_MAX) - 1)
        };
        Cell {
            level: LEVEL_MAX,
            column: slot((point.lng + 180.0) / 360.0),
            row: slot((point.lat + 90.0) / 180.0),
        }
    }

    fn number(self) -> u64 {
        let mut position = 0_u64;
        for bit in (0..self.level).rev() {
            let column = u64::from(self.column >> bit & 1);
            let row = u64::from(self.row >> bit & 1);
            position = position << 2 | column << 1 | row;
        }
        (position << 1 | 1) << (2 * (LEVEL_MAX - self.level))
    }

    fn parent(self, level: u32) -> Cell {
        let up = self.level - level;
        Cell { level, column: self.column >> up, row: self.row >> up }
    }

    fn quarters(self) -> [Cell; 4] {
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(right, up)| Cell {
            level: self.level + 1,
            column: self.column << 1 | right,
            row: self.row << 1 | up,
        })
    }

    /// This cell and everything in it.
    fn range(self) -> RangeInclusive<u64> {
        let number = self.number();
        let around = (number & number.wrapping_neg()) - 1;
        number - around..=number + around
    }

    fn meets(self, degrees: &DegreeBox) -> bool {
        let size = f64::from(1_u32 << self.level);
        let (width, height) = (360.0 / size, 180.0 / size);
        let west = f64::from(self.column).mul_add(width, -180.0);
        let south = f64::from(self.row).mul_add(height, -90.0);
        west <= degrees.high.lng
            && west + width >= degrees.low.lng
            && south <= degrees.high.lat
            && south + height >= degrees.low.lat
    }
}

/// Cells that together hold the boxes: the largest are quartered while there is room.
fn cover(degrees: &[DegreeBox], most: usize) -> Vec<Cell> {
    if degrees.is_empty() {
        return Vec::new();
    }
    let mut done = Vec::new();
    let mut open = vec![Cell::EARTH];
    while !open.is_empty() {
        let mut smaller = Vec::new();
        for cell in &open {
            let quarters = cell.quarters().into_iter();
            smaller.extend(quarters.filter(|quarter| degrees.iter().any(|it| quarter.meets(it))));
        }
        if done.len() + smaller.len() > most {
            done.append(&mut open);
            break;
        }
        open = smaller;
        if open.first().is_some_and(|cell| cell.level == LEVEL_MAX) {
            done.append(&mut open);
        }
    }
    done
}

/// The cells a shape is listed under, sorted.
pub(super) fn entries(geometry: &Geometry) -> Vec<u64> {
    let mut numbers: Vec<u64> = match geometry {
        Geometry::Point(point) => vec![Cell::of(*point).number()],
        Geometry::MultiPoint(points) if points.len() <= ENTRY_CELLS_MAX => {
            points.iter().map(|point| Cell::of(*point).number()).collect()
        }
        _ => cover(&boxes::of_geometry(geometry), ENTRY_CELLS_MAX)
            .into_iter()
            .map(|cell| cell.parent(cell.level / ENTRY_LEVEL_STEP * ENTRY_LEVEL_STEP).number())
            .collect(),
    };
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Where shapes that meet the boxes are listed: in the cells that cover them, and under the cells
/// around those.
pub(super) fn ranges(degrees: &[DegreeBox]) -> CellRanges {
    let cells = cover(degrees, QUERY_CELLS_MAX);
    let around = cells.iter().flat_map(|cell| {
        (0..cell.level)
            .step_by(ENTRY_LEVEL_STEP as usize)
            .map(|level| cell.parent(level).number())
            .map(|number| number..=number)
    });
    let mut ranges: CellRanges = cells.iter().map(|cell| cell.range()).chain(around).collect();
    ranges.sort_by_key(|range| *range.start());
    let mut merged = CellRanges::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// Where in an index everything within a distance of a place may be found.
pub fn circle_ranges(center: Point, radius_m: f64) -> CellRanges {
    ranges(&boxes::of_circle(center, radius_m))
}
