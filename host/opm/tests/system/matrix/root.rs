//! What the matrix needs of a package manager and a root that it manages.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::cell::Operation;

/// A package that is none of an OPKG: the site's own.
#[derive(Debug, Clone, Copy)]
pub struct SitePackage<'a> {
    pub name: &'a str,
    pub requires: Option<&'a str>,
    /// The path of a file in it.
    pub file: Option<&'a str>,
}

/// A lock that is held by this process until it goes away.
pub struct HeldLock {
    _file: fs::File,
}

impl HeldLock {
    /// Holds a file as package managers do.
    pub fn of_file(path: &Path) -> Self {
        let file = fs::File::options().create(true).truncate(false).write(true).open(path).unwrap();
        rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
        Self { _file: file }
    }
}

/// A root, and the package manager that its distribution has.
pub trait ManagedRoot {
    /// The distribution, as `opkgc` knows it.
    fn target(&self) -> &'static str;

    /// Where it is, seen from outside.
    fn path(&self) -> &Path;

    /// Variables for the package manager.
    fn environment(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// The directory of the package manager's database.
    fn database(&self) -> &'static str;

    /// Called once, with packages of OPKGs that need what all of them need.
    fn prepare(&self, packages: &[PathBuf]);

    /// What the database says is there of OPKGs and of the site: versions without what the distribution appends; behind it
    /// the state, unless it is installed as it should be.
    fn installed(&self) -> BTreeMap<String, String>;

    /// Installs packages by the program below the package manager.
    fn put(&self, packages: &[PathBuf]);

    /// Builds a package and installs it likewise.
    fn put_site_package(&self, package: SitePackage<'_>);

    /// Makes packages go that are there in whatever state.
    fn take(&self, names: &[String]);

    /// Takes the lock of the database, as another program would.
    fn hold_lock(&self) -> HeldLock;

    /// Brings `demo` to where a loss of power in the middle of an operation leaves it. `files`: the packages for servers of
    /// the version that the operation brings.
    fn lose_power(&self, operation: Operation, files: &[PathBuf]);

    /// A file or directory of it, named as it is inside.
    fn resolve(&self, inside: &str) -> PathBuf {
        self.path().join(inside.trim_start_matches('/'))
    }
}
