//! The description of a target.

use std::path::{Path, PathBuf};

/// One reader of untrusted bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Valid inputs, which mutations begin from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format.
    pub dictionary: &'static [&'static str],
}

/// The bytes of a file in `examples/`.
pub(super) fn example(path: &str) -> Vec<u8> {
    let file = examples().join(path);
    fs_err::read(file).expect("the examples are part of the sources")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}
