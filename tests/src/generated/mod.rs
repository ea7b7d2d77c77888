//! OPKGs of our own making: valid ones, as different from each other as the format allows, full of what
//! breaks quoting. They stand for the packages that nobody has seen yet.

mod config;
mod random;
mod text;
mod tree;

use std::path::PathBuf;

pub use random::Random;
pub use text::CANARY;

use crate::layout::{self, Item};
use crate::scratch;

/// An OPKG.
#[derive(Debug)]
pub struct Generated {
    /// As `config.xml` has it.
    pub name: String,
    /// Everything in its directory.
    pub items: Vec<Item>,
}

/// The OPKG of a seed. The same seed gives the same OPKG.
#[must_use]
pub fn package(seed: u64) -> Generated {
    let mut random = Random::new(seed);
    let name = text::name(&mut random, seed);
    let mut items = vec![Item::file("config.xml", 0o644, config::write(&mut random, &name))];
    items.extend(tree::items(&mut random));
    Generated { name, items }
}

impl Generated {
    /// Lays it into a new directory, whose name has a blank in it.
    #[must_use]
    pub fn lay(&self) -> PathBuf {
        let directory = scratch::directory("generated").join(format!("an opkg, {}", self.name));
        layout::write(&directory, &self.items);
        directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect;

    #[test]
    fn generated_opkgs_are_the_same_every_time_and_can_be_read() {
        for seed in 0..50 {
            let generated = package(seed);
            let directory = generated.lay();
            assert_eq!(layout::read(&directory), layout::read(&package(seed).lay()));
            let config = expect::Config::read(&directory);
            assert_eq!(config.name, generated.name);
            assert!(config.summary.chars().count() <= 67);
            for target in &expect::EXACT {
                assert!(expect::packages(&directory, target).is_none_or(|packages| packages.len() == 3));
            }
        }
    }
}
