//! Native scripts of packages that do not carry them as scriptlets, since an older compiler built them: run from disk
//! around what the package manager does.

use std::io;
use std::path::PathBuf;

use crate::hooks;
use crate::roots::{TargetRoot, TempFiles};

/// Bytes of the largest script or component that is kept over the removal of its package.
const MAX_SCRIPT_BYTES: u64 = 64 << 20;

/// The native packages of an OPKG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PackagePart {
    /// `opkg-<name>`
    Api,
    /// `opkg-<name>-server`
    Server,
    /// `opkg-<name>-client`
    Client,
}

impl PackagePart {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Api, Self::Server, Self::Client];

    /// The name of the native package.
    pub(crate) fn native_name(self, name: &str) -> String {
        match self {
            Self::Api => format!("opkg-{name}"),
            Self::Server => format!("opkg-{name}-server"),
            Self::Client => format!("opkg-{name}-client"),
        }
    }

    /// What may be called the script for after the installation, most canonical first.
    pub(crate) const fn post_install(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api-post-install", "setup"],
            Self::Server => &["server-post-install", "post_server_rpm_install"],
            Self::Client => &["client-post-install", "post_client_rpm_install"],
        }
    }

    /// What may be called the script for before the removal, most canonical first.
    pub(crate) const fn pre_uninstall(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api-pre-uninstall"],
            Self::Server => &["server-pre-uninstall"],
            Self::Client => &["client-pre-uninstall"],
        }
    }

    /// What may be called the script for after the removal, most canonical first.
    pub(crate) const fn post_uninstall(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api-post-uninstall"],
            Self::Server => &["server-post-uninstall", "post_server_rpm_uninstall"],
            Self::Client => &["client-post-uninstall", "post_client_rpm_uninstall"],
        }
    }
}

/// Where scripts of a native package are kept over its removal.
pub(crate) fn saved_scripts_dir(native: &str) -> PathBuf {
    hooks::packages_dir().join(".removed").join(native)
}

/// Why a script is not kept.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be kept until its package is removed: {error}", .path.display())]
pub(crate) struct SaveScriptError {
    path: PathBuf,
    error: io::Error,
}

/// Keeps the first of these scripts, since it is to run when its file is gone with the package. It outlasts a run that
/// crashes meanwhile.
///
/// # Errors
/// When it cannot be kept.
pub(crate) fn save_script(
    root: &TargetRoot,
    native: &str,
    scripts: &[PathBuf],
) -> Result<(), SaveScriptError> {
    let Some(path) = scripts.first() else { return Ok(()) };
    let copy_path = saved_scripts_dir(native).join(path.file_name().unwrap_or_default());
    let mut files = TempFiles::new(root);
    let copy =
        root.read(path, MAX_SCRIPT_BYTES).and_then(|contents| files.write_file(&copy_path, &contents, true));
    copy.map_err(|error| SaveScriptError { path: path.clone(), error })?;
    files.keep();
    Ok(())
}
