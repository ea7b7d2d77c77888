//! Native packages of OPKGs in the roots of targets.
//!
//! | module | holds |
//! |---|---|
//! | `native_packages` | installing, and asking what is there |
//! | `removal` | removing, and what really came of it |
//! | `transaction`, `installed_set` | one installation, and what really came of it |
//! | `pin` | versions that an administrator chose |
//! | `retry_budget` | waiting for what passes by itself |
//! | `package_manager`, `os_release` | a distribution's package manager, as its plugin drives it |
//! | `legacy_scripts`, `package_scripts` | scripts that the package manager does not run |
//! | `package_error`, `package_manager_error` | why packages are not as they should be |
//! | `metadata` | what installed packages say of themselves |

mod installed_set;
mod legacy_scripts;
mod metadata;
mod native_packages;
mod os_release;
mod package_error;
mod package_manager;
mod package_manager_error;
mod package_scripts;
mod pin;
mod removal;
mod retry_budget;
mod transaction;

pub(crate) use legacy_scripts::PackagePart;
pub(crate) use native_packages::{NativePackages, RefreshState};
pub(crate) use package_error::PackageError;
pub(crate) use package_manager::{FindManagerError, ManagerContext, PackageManager};
pub(crate) use package_manager_error::PackageManagerError;
pub(crate) use retry_budget::RetryBudget;
