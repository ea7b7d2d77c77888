//! Native packages of OPKGs in the roots of targets.
//!
//! | module | holds |
//! |---|---|
//! | `native_packages` | installing, removing, and asking what is there |
//! | `transaction`, `installed_set` | one installation, and what really came of it |
//! | `pin` | versions that an administrator chose |
//! | `patience` | waiting for what passes by itself |
//! | `package_manager`, `os_release` | a distribution's package manager, as its plugin drives it |
//! | `legacy_scripts` | scripts that the package manager does not run |
//! | `metadata` | what installed packages say of themselves |

mod installed_set;
mod legacy_scripts;
mod metadata;
mod native_packages;
mod os_release;
mod package_manager;
mod patience;
mod pin;
mod transaction;

pub(crate) use legacy_scripts::PackagePart;
pub(crate) use native_packages::RefreshState;
pub(crate) use native_packages::{NativePackages, PackageError};
pub(crate) use package_manager::{FindManagerError, ManagerContext, PackageManager, PackageManagerError};
pub(crate) use patience::Patience;
