//! Package sources for programs that know only those of their configuration.

use opkg_plugin::artefacts::TextFile;
use opkg_plugin::package_manager::{Place, Repository};

/// What a further package source is called.
#[must_use]
pub fn name(index: usize) -> String {
    format!("opkg-{index}")
}

/// A file for each of the place's package sources in the directory where the root's are.
///
/// # Errors
/// One of them is no package source.
pub fn files(place: &Place, directory: &str) -> Result<Vec<TextFile>, String> {
    place
        .repositories
        .iter()
        .enumerate()
        .map(|(index, source)| file(&name(index), source, directory))
        .collect()
}

fn file(name: &str, source: &Repository, directory: &str) -> Result<TextFile, String> {
    let check = u8::from(!source.unauthenticated);
    // Its index is read anew each time: the last source of this name may have been another one.
    let contents = format!(
        "[{name}]\nname={name}\nbaseurl={}\nenabled=1\nautorefresh=1\nmetadata_expire=0\ngpgcheck={check}\n",
        source.address()?
    );
    Ok(TextFile { path: format!("{directory}/{name}.repo"), contents, executable: false })
}
