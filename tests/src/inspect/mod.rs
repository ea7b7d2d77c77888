//! Packages as the distributions' own tools describe them: nothing here is what the program under test
//! says about itself.

mod built_package;
mod deb;
mod rpm;

use std::path::Path;

pub use built_package::BuiltPackage;

/// Reads a `.rpm` or `.deb`.
///
/// # Panics
///
/// If the tools refuse it.
#[must_use]
pub fn read(file: &Path) -> BuiltPackage {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("rpm") => rpm::read(file),
        Some("deb") => deb::read(file),
        _ => panic!("{} is no package", file.display()),
    }
}

/// The package that is made of no OPKG, but written beside those that are, and required by them.
pub const FILESYSTEM_PACKAGE: &str = "opkg-filesystem";

/// The binary packages in a directory that were made of OPKGs, sorted.
///
/// # Panics
///
/// If it cannot be read.
#[must_use]
pub fn packages_of_opkgs(directory: &Path) -> Vec<std::path::PathBuf> {
    let is_of_opkg = |file: &std::path::PathBuf| {
        !file.file_name().unwrap().to_string_lossy().starts_with(FILESYSTEM_PACKAGE)
    };
    package_files(directory).into_iter().filter(is_of_opkg).collect()
}

/// The binary packages of either format in a directory, sorted.
///
/// # Panics
///
/// If it cannot be read.
#[must_use]
pub fn package_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs_err::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rpm" || extension == "deb"))
        .filter(|path| !path.to_string_lossy().ends_with(".src.rpm"))
        .collect();
    files.sort();
    files
}
