//! The homes of packages, and the files of hooks in them.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use opkg_oda::PackageName;

use crate::roots::TargetRoot;

/// Where everything that belongs to packages is installed.
pub(super) const OSCAR_HOME: &str = "/usr/lib/oscar";

/// The values that the configurator wrote.
pub(crate) const VALUES_FILE: &str = opkg_configurator::values_file::FILE_NAME;

/// Why the home of a package cannot be looked into.
#[derive(Debug, thiserror::Error)]
#[error("{} in the root {}: {error}", .path.display(), .root.display())]
pub struct HomeError {
    /// What cannot be looked at, as it is seen in the root.
    pub(crate) path: PathBuf,
    /// The path of the root.
    pub(crate) root: PathBuf,
    /// What the system says.
    pub(crate) error: io::Error,
}

/// Where the homes of packages are, in the root of a target.
pub(crate) fn packages_dir() -> PathBuf {
    Path::new(OSCAR_HOME).join("packages")
}

/// The home of a package.
pub(crate) fn package_home(package: &PackageName) -> PathBuf {
    packages_dir().join(package.as_str())
}

/// How the names of hooks end that are components.
const COMPONENT_SUFFIX: &str = ".wasm";

/// Whether a file is a component by its name: the package manager runs no such script.
pub(crate) fn is_component(file: &Path) -> bool {
    file.as_os_str().as_bytes().ends_with(COMPONENT_SUFFIX.as_bytes())
}

/// The files of a home that are there, out of the names that one may have: each may be a component as well.
///
/// # Errors
/// When the home cannot be looked into.
pub(crate) fn find_candidates(
    root: &TargetRoot,
    home: &Path,
    names: &[&str],
) -> Result<Vec<PathBuf>, HomeError> {
    let mut found = Vec::new();
    for name in names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}{COMPONENT_SUFFIX}")]) {
        let path = home.join(name);
        match root.metadata(&path) {
            Ok(Some(metadata)) if !metadata.is_dir() => found.push(path),
            Ok(_) => {}
            Err(error) => {
                return Err(HomeError { path, root: root.path().to_owned(), error });
            }
        }
    }
    Ok(found)
}
