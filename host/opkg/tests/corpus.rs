//! Real OPKGs.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use support::{corpus, findings, unpacked};

fn packages(directory: &Path) -> Vec<PathBuf> {
    let mut packages: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("config.xml").is_file())
        .collect();
    packages.sort();
    packages
}

#[test]
fn dump() {
    let Some(corpus) = corpus() else { return };
    for package in packages(&corpus) {
        let loaded = unpacked(&package).load();
        println!("{}", package.file_name().unwrap().display());
        for (f, d) in findings(&loaded).iter().zip(&loaded.diagnostics) {
            println!("    {f}: {} / {}", d.message, d.help.clone().unwrap_or_default());
        }
    }
    for package in packages(&corpus.join("before-oscar-5")) {
        let loaded = unpacked(&package).load();
        println!("{}", package.file_name().unwrap().display());
        for (f, d) in findings(&loaded).iter().zip(&loaded.diagnostics) {
            println!("    {f}: {} / {}", d.message, d.help.clone().unwrap_or_default());
        }
    }
}
