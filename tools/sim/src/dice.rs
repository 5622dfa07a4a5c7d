//! Repeatable chance: the same seed throws the same numbers (splitmix64).

/// A source of numbers.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that begin at a seed; different `use_` of one seed are independent of each other.
    pub fn new(seed: u64, use_: u64) -> Dice {
        let mut dice = Dice(seed ^ use_.wrapping_mul(0xA076_1D64_78BD_642F));
        dice.throw();
        dice
    }

    /// Any number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
