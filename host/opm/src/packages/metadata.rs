//! What an installed package says of itself.

use std::io;
use std::path::PathBuf;

use fs_err as fs;
use opkg::diagnostic::Severity;
use opkg_engine::packages::PackageMetadata;
use opkg_interface::DistributionDescription;
use opkg_oda::{Cluster, PackageId};

use crate::hooks::package_home;
use crate::roots::TargetRoot;

/// The description of an OPKG, in the home of its package.
const CONFIG_FILE: &str = "config.xml";

/// Why it is not known what a package says of itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetadataError {
    #[error("{} cannot be read: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} cannot be read: {message}", .path.display())]
    Invalid { path: PathBuf, message: String },
    #[error("{} cannot be read: it does not describe an OPKG", .0.display())]
    NoDescription(PathBuf),
}

/// Class, version and dependencies of a package, from its home.
///
/// # Errors
/// When what it says cannot be read or understood.
pub(crate) fn read_metadata(
    root: &TargetRoot,
    cluster: &Cluster,
    package: PackageId,
    distribution: &DistributionDescription,
) -> Result<Option<PackageMetadata>, MetadataError> {
    let Some(known) = cluster.packages.get(&package) else { return Ok(None) };
    let path = package_home(&known.name).join(CONFIG_FILE);
    let unreadable = |error| MetadataError::Unreadable { path: path.clone(), error };
    if root.metadata(&path).map_err(unreadable)?.is_none() {
        return Ok(None);
    }
    let text = root.read(&path, opkg::limits::MAX_CONFIG_BYTES).map_err(unreadable)?;
    let directory = tempfile::tempdir().map_err(unreadable)?;
    fs::write(directory.path().join(CONFIG_FILE), text).map_err(unreadable)?;
    let loaded = opkg::load_config(directory.path(), &opkg::Settings::default());
    let Some(opkg) = loaded.opkg else {
        let first = loaded.diagnostics.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        return Err(match first {
            Some(diagnostic) => MetadataError::Invalid { path, message: diagnostic.message },
            None => MetadataError::NoDescription(path),
        });
    };
    let ids = distribution.ids().collect();
    let invalid = |error: opkg_oda::ParseError| MetadataError::Invalid { path, message: error.to_string() };
    let found = PackageMetadata::of_opkg(&opkg, Some(&ids)).map_err(invalid)?;
    // Whatever it calls itself, it lies in the home of that package.
    Ok(Some(PackageMetadata { name: known.name.clone(), ..found }))
}
