//! A Debian with `apt-get` and `dpkg`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::debian;
use opkg_tests::tools;

use super::cell::Operation;
use super::root::{HeldLock, ManagedRoot, SitePackage};

pub struct AptRoot {
    root: SystemRoot,
}

impl AptRoot {
    pub fn new() -> Option<Self> {
        if !tools::all_installed(&["dpkg-deb"]) {
            return None;
        }
        Some(Self { root: debian::create()? })
    }

    /// Copies files to where they are seen inside.
    fn copy_in(&self, files: &[PathBuf]) -> Vec<String> {
        fs::create_dir_all(self.resolve("/site")).unwrap();
        let copy_file = |file: &PathBuf| {
            let inside = format!("/site/{}", file.file_name().unwrap().display());
            fs::copy(file, self.resolve(&inside)).unwrap();
            inside
        };
        files.iter().map(copy_file).collect()
    }

    fn dpkg(&self, options: &[&str], words: &[String]) {
        let options = options.iter().map(ToString::to_string);
        let argv = ["dpkg".to_owned()].into_iter().chain(options).chain(words.iter().cloned());
        self.root.run_successfully(argv);
    }

    /// Writes another state of a package into the database.
    fn set_state(&self, package: &str, state: &str) {
        let path = self.resolve("/var/lib/dpkg/status");
        let text = fs::read_to_string(&path).unwrap();
        let heading = format!("Package: {package}\n");
        let cut = text.split("\n\n").map(|paragraph| match paragraph.starts_with(&heading) {
            true => {
                let lines = paragraph.lines().map(|line| match line.starts_with("Status: ") {
                    true => format!("Status: {state}"),
                    false => line.to_owned(),
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            false => paragraph.to_owned(),
        });
        let cut = cut.collect::<Vec<_>>().join("\n\n");
        assert_ne!(cut, text, "{package} is there in another state");
        fs::write(path, cut).unwrap();
    }
}

impl ManagedRoot for AptRoot {
    fn target(&self) -> &'static str {
        "debian-12"
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    fn database(&self) -> &'static str {
        "/var/lib/dpkg"
    }

    fn prepare(&self, _: &[PathBuf]) {}

    fn installed(&self) -> BTreeMap<String, String> {
        let format = "${Package} ${Version} ${db:Status-Status} ${db:Status-Eflag}\n";
        let listed = self.root.run_successfully(["dpkg-query", "-W", "-f", format]);
        let packages = listed.lines().filter_map(|line| {
            let [name, version, status, flag] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
            let version = version.split('+').next().unwrap_or(version);
            let state = match (status, flag) {
                ("installed", "ok") => version.to_owned(),
                (_, "ok") => format!("{version} {status}"),
                _ => format!("{version} {status} {flag}"),
            };
            let is_wanted = ["opkg-", "site-"].iter().any(|prefix| name.starts_with(prefix));
            is_wanted.then(|| (name.to_owned(), state))
        });
        packages.collect()
    }

    fn put(&self, packages: &[PathBuf]) {
        self.dpkg(&["--install"], &self.copy_in(packages));
    }

    fn put_site_package(&self, package: SitePackage<'_>) {
        let SitePackage { name, requires, file } = package;
        let depends = requires.map(|name| format!("Depends: {name}\n")).unwrap_or_default();
        let directory = format!("/site/{name}");
        self.root.write(
            &format!("{directory}/DEBIAN/control"),
            &format!(
                "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Test Er <test@example.org>\n{depends}\
                 Description: a package of the site\n"
            ),
        );
        if let Some(file) = file {
            self.root.write(&format!("{directory}{file}"), "of the site\n");
        }
        let built = format!("/site/{name}.deb");
        self.root.run_successfully(["dpkg-deb", "--build", &directory, &built]);
        self.dpkg(&["--install"], &[built]);
        fs::remove_dir_all(self.resolve(&directory)).unwrap();
    }

    fn take(&self, names: &[String]) {
        self.dpkg(&["--force-all", "--purge"], names);
    }

    fn hold_lock(&self) -> HeldLock {
        HeldLock::of_file(&self.resolve("/var/lib/dpkg/lock-frontend"))
    }

    fn lose_power(&self, operation: Operation, files: &[PathBuf]) {
        let state = match operation {
            Operation::Install | Operation::Upgrade => {
                self.dpkg(&["--unpack"], &self.copy_in(files));
                "install reinstreq half-installed"
            }
            Operation::Remove => "deinstall ok half-installed",
        };
        self.set_state("opkg-demo-server", state);
    }
}
