//! How many calls of a function wait inside a worker, behind the one at work.
//!
//! As many as take [`TIME`] together, so that one write and one wake serve them all, within
//! [`LEAST`] and [`MOST`]. When one is given back, all behind it are: it is the least again, and
//! one more after each call that ended.

use std::time::Duration;

const TIME: Duration = Duration::from_micros(500);
const LEAST: usize = 3;
const MOST: usize = 12;

/// What the last calls of a function allow.
#[derive(Debug)]
pub(crate) struct Ahead {
    most: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { most: LEAST }
    }
}

impl Ahead {
    /// A call ended.
    pub(crate) fn ended(&mut self) {
        self.most = MOST.min(self.most + 1);
    }

    /// A call that waited inside a worker was given back.
    pub(crate) fn given_back(&mut self) {
        self.most = LEAST;
    }

    /// How many calls that take so long on average.
    pub(crate) fn fits(&self, mean: Duration) -> usize {
        let fit = TIME.as_nanos() / mean.as_nanos().max(1);
        usize::try_from(fit).unwrap_or(usize::MAX).clamp(LEAST, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quicker_the_more_until_one_is_given_back() {
        let mut ahead = Ahead::default();
        let micros = |ahead: &Ahead, mean| ahead.fits(Duration::from_micros(mean));
        assert_eq!((micros(&ahead, 0), micros(&ahead, 2_000)), (3, 3));
        ahead.ended();
        assert_eq!((micros(&ahead, 40), micros(&ahead, 2_000)), (4, 3));
        (0..100).for_each(|_| ahead.ended());
        assert_eq!([0, 40, 50, 100, 250].map(|mean| micros(&ahead, mean)), [12, 12, 10, 5, 3]);
        ahead.given_back();
        assert_eq!(micros(&ahead, 40), 3);
    }
}
