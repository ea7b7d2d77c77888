//! OPKGs of our own making: valid ones, as different from each other as the format allows, full of what
//! breaks quoting. They stand for the packages that nobody has seen yet.

mod attributes;
mod config;
mod random;
mod text;
mod tree;

use std::path::PathBuf;

pub use random::Rng;
pub use text::CANARY;

use crate::file_tree::{self, TreeEntry};
use crate::scratch;

#[derive(Debug)]
pub struct GeneratedPackage {
    /// As `config.xml` has it.
    pub name: String,
    /// Everything in its directory.
    pub items: Vec<TreeEntry>,
}

/// The OPKG of a seed. The same seed gives the same OPKG.
#[must_use]
pub fn generate(seed: u64) -> GeneratedPackage {
    let mut random = Rng::new(seed);
    let name = text::name(&mut random, seed);
    let mut items = vec![TreeEntry::file("config.xml", 0o644, config::generate_config(&mut random, &name))];
    items.extend(tree::items(&mut random));
    GeneratedPackage { name, items }
}

/// One whose files have owners, modes and the like, and that has nothing else.
#[must_use]
pub fn generate_with_attributes(seed: u64) -> GeneratedPackage {
    let name = "made-up".to_owned();
    let items = attributes::items(&mut Rng::new(seed), &name);
    GeneratedPackage { name, items }
}

impl GeneratedPackage {
    /// Lays it into a new directory, whose name has a blank in it.
    #[must_use]
    pub fn write_to_scratch(&self) -> PathBuf {
        let directory = scratch::create_directory("generated").join(format!("an opkg, {}", self.name));
        file_tree::write_tree(&directory, &self.items);
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
            let generated = generate(seed);
            let directory = generated.write_to_scratch();
            assert_eq!(
                file_tree::read_tree(&directory),
                file_tree::read_tree(&generate(seed).write_to_scratch())
            );
            let config = expect::Config::read(&directory);
            assert_eq!(config.name, generated.name);
            assert!(config.summary.chars().count() <= 67);
            for target in &expect::VERSIONED_TARGETS {
                assert!(expect::packages(&directory, target).is_none_or(|packages| packages.len() == 3));
            }
        }
    }
}
