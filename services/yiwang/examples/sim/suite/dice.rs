//! Chance without a generator: a throw depends on the seed and on what is thrown for, never on what was thrown before it. So
//! the same question gets the same answer however the tasks interleave.

use yiwang_standards::sm::sm3;

/// The dice of a seed.
#[derive(Clone, Copy, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number for this question.
    pub fn roll(&self, question: &str) -> u64 {
        let digest = sm3(format!("{} {question}", self.0).as_bytes());
        digest[..8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    /// A number below a bound.
    pub fn below(&self, bound: u64, question: &str) -> u64 {
        self.roll(question) % bound.max(1)
    }

    /// Whether it happens, in so many of a hundred cases.
    pub fn percent(&self, chance: u64, question: &str) -> bool {
        self.below(100, question) < chance
    }

    /// One of several, each as often as its weight says.
    pub fn pick<T: Copy>(&self, options: &[(u64, T)], question: &str) -> T {
        let mut left = self.below(options.iter().map(|(weight, _)| weight).sum(), question);
        for (weight, option) in options {
            if left < *weight {
                return *option;
            }
            left -= weight;
        }
        options[0].1
    }
}
