//! A root with a database of RPM, filled by `dnf` or `zypper` of this machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{process, scratch, tools};

use super::cell::Operation;
use super::root::{HeldLock, ManagedRoot, SitePackage};

/// The program that finds and fetches packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpmManager {
    Dnf,
    Zypper,
}

pub struct RpmManagedRoot {
    root: RpmRoot,
    manager: RpmManager,
}

impl RpmManagedRoot {
    pub fn new(manager: RpmManager) -> Option<Self> {
        let is_there = rpm::is_supported()
            && match manager {
                RpmManager::Dnf => true,
                RpmManager::Zypper => tools::all_installed(&["zypper"]),
            };
        if !is_there {
            return None;
        }
        let root = RpmRoot::new();
        let release = match manager {
            RpmManager::Dnf => "ID=rocky\nID_LIKE=rhel\nVERSION_ID=9.4\n",
            RpmManager::Zypper => "ID=opensuse-leap\nVERSION_ID=15.6\n",
        };
        fs::write(root.path().join("etc/os-release"), release).unwrap();
        fs::create_dir_all(root.path().join("run")).unwrap();
        Some(Self { root, manager })
    }

    fn rpm(&self, options: &[&str], words: &[impl AsRef<OsStr>]) {
        let options = options.iter().map(OsString::from);
        let words = words.iter().map(|word| word.as_ref().to_owned());
        let ended = self.root.rpm(options.chain(words));
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    }
}

impl ManagedRoot for RpmManagedRoot {
    fn target(&self) -> &'static str {
        match self.manager {
            RpmManager::Dnf => "rhel-9",
            RpmManager::Zypper => "suse-15.6",
        }
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    /// Where rpm keeps its database may depend on the home.
    fn environment(&self) -> Vec<(String, String)> {
        let home = self.path().parent().unwrap().join("home");
        vec![("HOME".to_owned(), home.display().to_string())]
    }

    fn database(&self) -> &'static str {
        "/var/lib/rpm"
    }

    fn prepare(&self, packages: &[PathBuf]) {
        self.root.install_stub(packages);
    }

    fn installed(&self) -> BTreeMap<String, String> {
        let ended = self.root.rpm(["-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n"]);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, version) in ended.stdout.lines().filter_map(|line| line.split_once(' ')) {
            if ["opkg-", "site-"].iter().any(|prefix| name.starts_with(prefix)) {
                let version = version.split_once("-1").map_or(version, |(version, _)| version);
                found.entry(name.to_owned()).or_default().push(format!("{version}-1"));
            }
        }
        found.values_mut().for_each(|versions| versions.sort());
        found.into_iter().map(|(name, versions)| (name, versions.join(" and "))).collect()
    }

    fn put(&self, packages: &[PathBuf]) {
        self.rpm(&["-U", "--replacepkgs", "--nosignature"], packages);
    }

    fn put_site_package(&self, package: SitePackage<'_>) {
        let SitePackage { name, requires, file } = package;
        let requires = requires.map(|name| format!("Requires: {name}\n")).unwrap_or_default();
        let (install, files) = match file {
            Some(file) => (
                format!(
                    "mkdir -p %{{buildroot}}{0}\nrmdir %{{buildroot}}{0}\necho of the site > %{{buildroot}}{0}\n",
                    file
                ),
                format!("{file}\n"),
            ),
            None => (String::new(), String::new()),
        };
        let spec = format!(
            "Name: {name}\nVersion: 1\nRelease: 1\nSummary: Test\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
             {requires}%description\nTest.\n%install\n{install}%files\n{files}"
        );
        let directory = scratch::create_directory("spec");
        fs::write(directory.join("site.spec"), spec).unwrap();
        let top = format!("_topdir {}", directory.display());
        process::run_successfully(
            Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(directory.join("site.spec")),
        );
        self.rpm(&["-U", "--nosignature"], &[directory.join(format!("RPMS/noarch/{name}-1-1.noarch.rpm"))]);
    }

    fn take(&self, names: &[String]) {
        self.rpm(&["-e", "--allmatches", "--nodeps", "--noscripts"], names);
    }

    fn hold_lock(&self) -> HeldLock {
        HeldLock::of_file(&self.resolve("/var/lib/rpm/.rpm.lock"))
    }

    fn lose_power(&self, operation: Operation, files: &[PathBuf]) {
        match operation {
            // What it has of files was not yet on the disk, the database was; its last script has not run.
            Operation::Install => {
                self.rpm(&["-U", "--force", "--justdb", "--noscripts", "--nosignature"], files)
            }
            // The new version is there, the old one not yet gone.
            Operation::Upgrade => {
                let options = ["-i", "--force", "--nodeps", "--justdb", "--noscripts", "--nosignature"];
                let demo = files.iter().filter(|file| file.to_string_lossy().contains("opkg-demo"));
                self.rpm(&options, &demo.collect::<Vec<_>>());
            }
            // The files are gone, and the database says otherwise.
            Operation::Remove => {
                fs::remove_dir_all(self.resolve("/usr/lib/oscar/packages/demo")).unwrap();
            }
        }
    }
}
