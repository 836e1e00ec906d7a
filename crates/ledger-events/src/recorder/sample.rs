//! Which successes are kept, and how many each of them stands for.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ledger_core::Invalid;

/// The share of successes that is kept: 0, or from [`SampleRate::MIN`] to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SampleRate(f64);

impl SampleRate {
    /// No success is kept.
    pub const NONE: Self = Self(0.0);

    /// The smallest rate above none: below it, one record would stand for more than a thousand million.
    pub const MIN: Self = Self(1e-9);

    /// One in twenty, as the system before this one did.
    pub const DEFAULT: Self = Self(0.05);

    /// Every success is kept.
    pub const ALL: Self = Self(1.0);

    /// The rate `rate`.
    ///
    /// # Errors
    /// [`Invalid`] for what is neither 0 nor from [`SampleRate::MIN`] to 1.
    pub fn new(rate: f64) -> Result<Self, Invalid> {
        if rate == 0.0 || (Self::MIN.0..=1.0).contains(&rate) {
            Ok(Self(rate))
        } else {
            Err(Invalid::new("sample_rate", format!("is {rate}; it is 0, or from {} to 1", Self::MIN.0)))
        }
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for SampleRate {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Draws for every success whether it is kept.
pub(super) struct Sampler {
    rate: SampleRate,
    state: AtomicU64,
}

impl Sampler {
    /// The same seed draws the same; without one, nobody knows what is drawn.
    pub(super) fn new(rate: SampleRate, seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(rate.0.to_bits()));
        Self { rate, state: AtomicU64::new(seed) }
    }

    /// How many successes this one stands for, if it is kept.
    pub(super) fn weight(&self) -> Option<f64> {
        (self.draw() < self.rate.0).then(|| 1.0 / self.rate.0)
    }

    /// A number in [0, 1), by SplitMix64: good enough to sample with, and without a lock.
    fn draw(&self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.state.fetch_add(STEP, Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_lie_between_none_and_all() {
        for good in [0.0, 1e-9, 0.05, 1.0] {
            assert_eq!(SampleRate::new(good).unwrap().get(), good);
        }
        for bad in [-0.1, 1e-10, 1.1, f64::NAN, f64::INFINITY] {
            assert!(SampleRate::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_weights_of_what_is_kept_add_up_to_all() {
        for rate in [0.05, 0.5, 0.99] {
            let sampler = Sampler::new(SampleRate::new(rate).unwrap(), Some(7));
            let total: f64 = (0..100_000).filter_map(|_| sampler.weight()).sum();
            assert!((total / 100_000.0 - 1.0).abs() < 0.05, "{rate}: {total}");
        }
    }

    #[test]
    fn all_keeps_each_as_itself_and_none_keeps_none() {
        let (all, none) = (Sampler::new(SampleRate::ALL, None), Sampler::new(SampleRate::NONE, None));
        assert!((0..1_000).all(|_| all.weight() == Some(1.0)));
        assert!((0..1_000).all(|_| none.weight().is_none()));
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        let draws = |seed| {
            let sampler = Sampler::new(SampleRate::new(0.5).unwrap(), seed);
            (0..64).map(|_| sampler.weight().is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draws(Some(1)), draws(Some(1)));
        assert_ne!(draws(Some(1)), draws(Some(2)));
        assert_ne!(draws(None), draws(None));
    }

    /// The reference vector of SplitMix64 for the seed 1234567.
    #[test]
    fn draws_are_those_of_splitmix64() {
        let sampler = Sampler::new(SampleRate::ALL, Some(1_234_567));
        let expected = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973];
        for bits in expected {
            assert_eq!(sampler.draw(), (bits >> 11) as f64 / (1_u64 << 53) as f64);
        }
    }
}
