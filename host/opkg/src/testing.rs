//! What tests inside of the crate share.

use proptest::test_runner::{Config, RngSeed};

/// Properties are tried on the same values every time, and nothing is written when one fails.
pub(crate) fn deterministic_config() -> Config {
    Config { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() }
}
