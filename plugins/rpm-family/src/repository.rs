//! Package sources for programs that know only those of their configuration.

use opkg_sdk::PackageManagerError;
use opkg_sdk::artefacts::TextFile;
use opkg_sdk::package_manager::{Place, Repository};

/// What a further package source is called.
#[must_use]
pub fn repo_id(index: usize) -> String {
    format!("opkg-{index}")
}

/// A file for each of the place's package sources in the directory where the root's are.
///
/// # Errors
/// One of them is no package source.
pub fn repo_files(target: &Place, directory: &str) -> Result<Vec<TextFile>, PackageManagerError> {
    target
        .repositories
        .iter()
        .enumerate()
        .map(|(index, source)| repo_file(&repo_id(index), source, directory))
        .collect()
}

fn repo_file(name: &str, source: &Repository, directory: &str) -> Result<TextFile, PackageManagerError> {
    let check = u8::from(!source.unauthenticated);
    // Its index is read anew each time: the last source of this name may have been another one.
    let contents = format!(
        "[{name}]\nname={name}\nbaseurl={}\nenabled=1\nautorefresh=1\nmetadata_expire=0\ngpgcheck={check}\n",
        source.url()?
    );
    Ok(TextFile { path: format!("{directory}/{name}.repo"), contents, executable: false })
}
