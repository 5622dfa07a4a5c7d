//! The chain of commits inside the tables. Every batch carries its own number twice: under one
//! fixed key (the newest number) and in a ring of 65,536 slots (every recent number). At open
//! the ring must hold every number up to the newest. So a journal that lost commits in its
//! middle is noticed even when later ones survived, which the newest number alone cannot show.
//!
//! | key | value |
//! |---|---|
//! | `00 'n'` | number of the newest commit, 8 bytes big-endian |
//! | `00 'r'` + slot, 2 bytes big-endian | the newest number that falls into the slot |
//!
//! It only makes and judges bytes; reading and writing them is the adapter's.

use crate::RESERVED_PREFIX;

/// Key of the newest number.
pub(crate) const NEWEST_KEY: [u8; 2] = [RESERVED_PREFIX, b'n'];

/// Numbers the ring holds.
const SLOTS: u64 = 1 << 16;

/// Key of the ring's first slot; the last one is `slot_key(u64::MAX)`.
pub(crate) const FIRST_SLOT_KEY: [u8; 4] = [RESERVED_PREFIX, b'r', 0, 0];

/// Key of the ring's last slot.
pub(crate) const LAST_SLOT_KEY: [u8; 4] = [RESERVED_PREFIX, b'r', 0xff, 0xff];

/// Key of the slot for this commit number.
pub(crate) fn slot_key(number: u64) -> [u8; 4] {
    let [.., high, low] = number.to_be_bytes();
    [RESERVED_PREFIX, b'r', high, low]
}

/// Reads a number written by [`u64::to_be_bytes`].
pub(crate) fn parse_number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// Counts the ring's slots while the adapter reads them.
pub(crate) struct Audit {
    newest: u64,
    present: u64,
}

impl Audit {
    pub(crate) fn new(newest: u64) -> Audit {
        Audit { newest, present: 0 }
    }

    /// Takes one slot; slots that hold an outdated number are the holes being looked for.
    pub(crate) fn see(&mut self, slot: &[u8], number: &[u8]) {
        let Some(number) = parse_number(number) else { return };
        let is_recent = number <= self.newest && self.newest - number < SLOTS;
        if is_recent && slot == slot_key(number) {
            self.present += 1;
        }
    }

    /// How many of the recent commits are missing.
    pub(crate) fn missing(&self) -> u64 {
        self.newest.min(SLOTS) - self.present
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Newest number, numbers lost, how many the audit must find missing.
    const ROWS: &[(u64, &[u64], u64)] = &[
        (0, &[], 0),
        (1, &[], 0),
        (5, &[3], 1),
        (5, &[1, 2], 2),
        (SLOTS + 10, &[], 0),
        (SLOTS + 10, &[5], 0),
        (SLOTS + 10, &[11], 1),
        (3 * SLOTS, &[2 * SLOTS + 1, 3 * SLOTS - 1], 2),
    ];

    #[test]
    fn audit_finds_lost_commits_among_the_recent() {
        for (newest, lost, missing) in ROWS {
            let mut ring = BTreeMap::new();
            for number in (1..=*newest).filter(|number| !lost.contains(number)) {
                ring.insert(slot_key(number), number.to_be_bytes());
            }
            let mut audit = Audit::new(*newest);
            for (slot, number) in &ring {
                audit.see(slot, number);
            }
            assert_eq!(audit.missing(), *missing, "{newest} without {lost:?}");
        }
    }
}
