//! Faults that are made, and mended again.

use std::fs;
use std::path::PathBuf;

use super::cell::{Cell, Fault, Operation};
use super::full_disk::SmallDisk;
use super::opkgs::{FAULT_DIR, PAYLOAD, Sources, package_files};
use super::root::{HeldLock, ManagedRoot, SitePackage};

/// An address at which nobody listens.
const NOBODY: &str = "http://127.0.0.1:9/packages";

/// A file of the site in a directory of a package.
const FOREIGN_FILE: &str = "/usr/lib/oscar/packages/demo/of-the-site";

/// Bytes that are left of a full disk: enough for packages that are small.
const PACKAGES_LEFT: u64 = 256 << 10;

/// A root in which something is wrong at times.
pub struct FaultyRoot<R> {
    pub root: R,
    pub sources: Sources,
    packages_disk: SmallDisk,
    database_disk: SmallDisk,
    /// What is in the way now.
    present: Option<Cell>,
    lock: Option<HeldLock>,
}

impl<R: ManagedRoot> FaultyRoot<R> {
    /// One in which nothing is wrong.
    pub fn new(root: R) -> Self {
        let sources = Sources::build(root.target());
        root.prepare(&package_files(&sources.new));
        fs::create_dir(root.resolve(FAULT_DIR)).unwrap();
        let packages_disk = SmallDisk::mount(&root.resolve("/usr/lib/oscar"), 4);
        let database_disk = SmallDisk::mount(&root.resolve(root.database()), 64);
        Self { root, sources, packages_disk, database_disk, present: None, lock: None }
    }

    /// Where the packages that a cell is about come from.
    pub fn package_source(&self, cell: Cell) -> String {
        match (cell.fault, self.present) {
            (Fault::NetworkGone, Some(_)) => NOBODY.to_owned(),
            (Fault::Dependency, _) => self.sources.unmet.display().to_string(),
            _ => self.sources.new.display().to_string(),
        }
    }

    pub fn induce(&mut self, cell: Cell) {
        assert_eq!(self.present.replace(cell), None);
        match (cell.fault, cell.operation) {
            (Fault::ScriptBeforeFails | Fault::ScriptAfterFails, _) => {
                self.write_fault(cell, "echo broken\nexit 7\n");
            }
            (Fault::Killed, _) => self.write_fault(cell, "rm \"$fault\"\nkill -9 0\n"),
            (Fault::KilledEachTime, _) => self.write_fault(cell, "kill -9 0\n"),
            (Fault::Dependency, Operation::Install | Operation::Upgrade) | (Fault::NetworkGone, _) => {}
            (Fault::Dependency, Operation::Remove) => self.root.put_site_package(SitePackage {
                name: "site-tools",
                requires: Some("opkg-demo-server"),
                file: None,
            }),
            (Fault::FileConflict, Operation::Install | Operation::Upgrade) => {
                self.root.put_site_package(SitePackage {
                    name: "site-tools",
                    requires: None,
                    file: Some(PAYLOAD),
                });
            }
            (Fault::FileConflict, Operation::Remove) => {
                fs::write(self.root.resolve(FOREIGN_FILE), "of the site").unwrap();
            }
            (Fault::LockHeld, _) => self.lock = Some(self.root.hold_lock()),
            (Fault::DiskFull, _) => self.packages_disk.fill(PACKAGES_LEFT),
            (Fault::DatabaseDiskFull, _) => self.database_disk.fill(0),
            (Fault::PowerLoss, operation) => {
                self.root.lose_power(operation, &package_files(&self.sources.new));
            }
        }
    }

    pub fn mend(&mut self) {
        let cell = self.present.take().unwrap();
        match (cell.fault, cell.operation) {
            (Fault::ScriptBeforeFails | Fault::ScriptAfterFails | Fault::KilledEachTime, _) => {
                fs::remove_file(self.fault_file(cell)).unwrap();
            }
            (Fault::Dependency, Operation::Install | Operation::Upgrade) => {
                let package = SitePackage { name: "site-library", requires: None, file: None };
                self.root.put_site_package(package);
            }
            (Fault::Dependency, Operation::Remove)
            | (Fault::FileConflict, Operation::Install | Operation::Upgrade) => {
                self.root.take(&["site-tools".to_owned()]);
            }
            (Fault::FileConflict, Operation::Remove) => {
                // It was none of the package's, and is still there.
                fs::remove_file(self.root.resolve(FOREIGN_FILE)).unwrap();
            }
            (Fault::LockHeld, _) => self.lock = None,
            (Fault::DiskFull, _) => self.packages_disk.free(),
            (Fault::DatabaseDiskFull, _) => self.database_disk.free(),
            (Fault::Killed, _) => assert!(!self.fault_file(cell).exists(), "it was killed"),
            (Fault::NetworkGone | Fault::PowerLoss, _) => {}
        }
    }

    /// The file that has a script of `demo` fail.
    fn fault_file(&self, cell: Cell) -> PathBuf {
        let script = match (cell.operation, cell.fault) {
            (Operation::Remove, Fault::ScriptBeforeFails) => "server-pre-uninstall",
            (Operation::Remove, _) => "server-post-uninstall",
            (_, Fault::ScriptBeforeFails) => "server-pre-install",
            _ => "server-post-install",
        };
        self.root.resolve(&format!("{FAULT_DIR}/demo-{script}"))
    }

    fn write_fault(&self, cell: Cell, text: &str) {
        fs::write(self.fault_file(cell), text).unwrap();
    }
}
