//! Native scripts of packages that do not carry them as scriptlets, since an older compiler built them: run from disk
//! around what the package manager does.

use std::path::PathBuf;

use super::hooks;
use super::root::{Additions, Root};

/// Bytes of the largest script or component that is kept over the removal of its package.
const MOST: u64 = 64 << 20;

/// The native packages of an OPKG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// `opkg-<name>`
    Api,
    /// `opkg-<name>-server`
    Server,
    /// `opkg-<name>-client`
    Client,
}

impl Part {
    /// The name of the native package.
    pub(super) fn package(self, name: &str) -> String {
        match self {
            Self::Api => format!("opkg-{name}"),
            Self::Server => format!("opkg-{name}-server"),
            Self::Client => format!("opkg-{name}-client"),
        }
    }

    /// What may be called the script for after the installation, most canonical first.
    pub(super) const fn post_install(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api-post-install", "setup"],
            Self::Server => &["server-post-install", "post_server_rpm_install"],
            Self::Client => &["client-post-install", "post_client_rpm_install"],
        }
    }

    /// Likewise for before the removal.
    pub(super) const fn pre_uninstall(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api-pre-uninstall"],
            Self::Server => &["server-pre-uninstall"],
            Self::Client => &["client-pre-uninstall"],
        }
    }

    /// Likewise for after the removal.
    pub(super) const fn post_uninstall(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api-post-uninstall"],
            Self::Server => &["server-post-uninstall", "post_server_rpm_uninstall"],
            Self::Client => &["client-post-uninstall", "post_client_rpm_uninstall"],
        }
    }
}

/// Where scripts of a native package are kept over its removal.
pub(super) fn kept(native: &str) -> PathBuf {
    hooks::packages().join(".removed").join(native)
}

/// Keeps the first of these scripts, since it is to run when its file is gone with the package. It outlasts a run that
/// dies meanwhile.
///
/// # Errors
/// One line: it cannot be kept.
pub(super) fn keep(root: &Root, native: &str, scripts: &[PathBuf]) -> Result<(), String> {
    let Some(path) = scripts.first() else { return Ok(()) };
    let place = kept(native).join(path.file_name().unwrap_or_default());
    let mut additions = Additions::new(root);
    let copy = root.read(path, MOST).and_then(|contents| additions.file(&place, &contents, true));
    copy.map_err(|error| format!("{} cannot be kept until its package is removed: {error}", path.display()))?;
    additions.stay();
    Ok(())
}
