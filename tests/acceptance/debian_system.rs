//! A Debian system and a directory of packages in it, written by `opkgc --repo`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::process::{self, ProcessOutput};
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::debian;
use opkg_tests::{scratch, tools};

use crate::signing::SigningKeys;

/// What is compiled for.
pub const TARGET: &str = "debian-12";

/// Where the packages are, seen from inside.
pub const PACKAGES: &str = "/srv/debian-12";

/// What configures apt, beside the index.
const SOURCES_FILE: &str = "opkg-debian-12.sources";

/// Where scripts of test packages write down that they ran.
const PROOF: &str = "/var/log/proof";

/// A system whose only source of packages is one directory, which is signed.
pub struct DebianSystem {
    pub root: SystemRoot,
    keys: Arc<SigningKeys>,
}

impl DebianSystem {
    /// Nothing, saying so, where there can be none.
    pub fn new() -> Option<Self> {
        if !tools::all_installed(&["dpkg-deb", "gpg"]) {
            return None;
        }
        let root = debian::create()?;
        fs_err::create_dir_all(root.resolve(PACKAGES)).unwrap();
        Some(Self { root, keys: Arc::new(SigningKeys::new("rsa2048")) })
    }

    /// Another one like it, with all that is in it.
    pub fn copy(&self) -> Self {
        Self { root: SystemRoot::copy(self.root.path()), keys: Arc::clone(&self.keys) }
    }

    /// Compiles OPKGs into the directory of packages, and has apt read its index, as the file beside it says.
    pub fn publish(&self, opkgs: &[PathBuf]) {
        let output = self.root.resolve("srv");
        let mut arguments =
            vec!["--dist".into(), TARGET.into(), "--repo".into(), "-o".into(), output.into_os_string()];
        arguments.extend(["--repo-url".into(), "file:///srv".into(), "--sign".into()]);
        arguments.push(self.keys.secret().into());
        arguments.extend(opkgs.iter().map(|directory| directory.clone().into_os_string()));
        OpkgcEnvironment::new().run_successfully(arguments);
        let source =
            fs_err::read_to_string(self.root.resolve(&format!("{PACKAGES}/{SOURCES_FILE}"))).unwrap();
        self.root.write(&format!("etc/apt/sources.list.d/{SOURCES_FILE}"), &source);
        let said = self.root.run(["apt-get", "update"]);
        assert!(said.code == Some(0) && !said.stderr.contains("W:"), "{}", said.combined_output());
    }

    /// Puts packages of these names into the directory, which the next index lists as well.
    pub fn add_stub_packages(&self, packages: &[(&str, &str)]) {
        for (name, version) in packages {
            let tree = scratch::create_directory("stub");
            let control = format!(
                "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Test Er <test@example.org>\n\
                 Description: stands for a package from outside\n"
            );
            fs_err::create_dir(tree.join("DEBIAN")).unwrap();
            fs_err::write(tree.join("DEBIAN/control"), control).unwrap();
            let mut pack = Command::new("dpkg-deb");
            pack.args(["--root-owner-group", "-Zgzip", "--build"]).arg(tree);
            process::run_successfully(
                pack.arg(self.root.resolve(&format!("{PACKAGES}/{name}_{version}_all.deb"))),
            );
        }
    }

    /// apt-get, for which every question has an answer.
    pub fn apt(&self, arguments: &[&str]) -> ProcessOutput {
        self.root
            .run(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"].iter().chain(arguments))
    }

    /// The same, which has to succeed.
    pub fn apt_succeeds(&self, arguments: &[&str]) {
        let ended = self.apt(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.combined_output());
    }

    /// Versions and states of the packages that dpkg knows, by name: `1.0-1 install ok installed`.
    pub fn package_states(&self) -> BTreeMap<String, String> {
        let listed =
            self.root.run_successfully(["dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n"]);
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(name, state)| (name.to_owned(), state.trim().to_owned())).collect()
    }

    /// The states of packages with `opkg-<name>` in front.
    pub fn states_of(&self, name: &str) -> Vec<String> {
        let prefix = format!("opkg-{name}");
        let states = self.package_states().into_iter().filter(|(package, _)| package.starts_with(&prefix));
        states.map(|(package, state)| format!("{package} {state}")).collect()
    }

    /// The files of a package are what it brought: dpkg and debsums have nothing to say.
    pub fn verify(&self, packages: &[&str]) {
        assert_eq!(self.root.run_successfully(["dpkg", "--verify"]), "");
        assert_eq!(self.root.run_successfully(["dpkg", "--audit"]), "");
        let sums = self.root.run_successfully(["debsums"].iter().chain(packages));
        assert!(
            sums.lines().all(|line| line.ends_with(" OK")) && sums.lines().count() > packages.len(),
            "{sums}"
        );
    }

    /// The files of a package by the lists of the index, as apt-file reads them.
    pub fn listed_files(&self, package: &str) -> BTreeSet<String> {
        let prefix = format!("{package}: ");
        let listed = self.root.run_successfully(["apt-file", "list", package]);
        let files = listed.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned);
        files.collect()
    }

    /// The same of an installed package, by dpkg.
    pub fn installed_files(&self, package: &str) -> BTreeSet<String> {
        let listed = self.root.run_successfully(["dpkg", "-L", package]);
        let is_directory = |path: &str| fs_err::symlink_metadata(self.root.resolve(path)).unwrap().is_dir();
        listed.lines().filter(|path| !is_directory(path)).map(str::to_owned).collect()
    }

    /// What scripts wrote down since the last time.
    pub fn take_proofs(&self) -> Vec<String> {
        let proof = self.root.resolve(PROOF);
        let text = fs_err::read_to_string(&proof).unwrap_or_default();
        if proof.exists() {
            fs_err::remove_file(proof).unwrap();
        }
        text.lines().map(str::to_owned).collect()
    }

    /// Everything below a directory of the system.
    pub fn files(&self, inside: &str) -> BTreeSet<String> {
        let directory = self.root.resolve(inside);
        let files = if directory.exists() { file_tree::read_tree(&directory) } else { Vec::new() };
        files.into_iter().map(|(path, _)| path).collect()
    }
}

/// Lays an OPKG of this name and version whose scripts of all four times and three parts write down their
/// names and arguments. One of them may fail.
pub fn proof_package(name: &str, version: &str, failing: Option<&str>) -> PathBuf {
    let directory = scratch::create_directory("proving").join(name);
    let config = file_tree::minimal_config(name, "").replace("1.0-1", version);
    let mut items = vec![
        TreeEntry::file("config.xml", 0o644, config),
        TreeEntry::file("doc/guide.txt", 0o644, format!("Of {version}.\n")),
        TreeEntry::file("scripts/helper", 0o755, "#!/bin/sh\n"),
    ];
    for part in ["api", "server", "client"] {
        for time in ["pre-install", "post-install", "pre-uninstall", "post-uninstall"] {
            let script = format!("{part}-{time}");
            let home = "$OSCAR_PACKAGE_HOME";
            let end = if failing == Some(&script) { "exit 3\n" } else { "" };
            let text = format!("#!/bin/sh\necho \"{script} of {version}: $*; {home}\" >> {PROOF}\n{end}");
            items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
        }
    }
    file_tree::write_tree(&directory, &items);
    directory
}

/// `name version` of everything that packages need or recommend from outside, where a version is asked for that one.
pub fn external_requirements(packages: &Path, inside: &BTreeSet<String>) -> Vec<(String, String)> {
    let mut needed = BTreeMap::new();
    let mut provided = BTreeSet::new();
    for file in opkg_tests::inspect::package_files(packages) {
        let fields = process::run_successfully(Command::new("dpkg-deb").arg("-f").arg(file).args([
            "Package",
            "Pre-Depends",
            "Depends",
        ]));
        for line in fields.lines() {
            let Some((field, value)) = line.split_once(": ") else { continue };
            if field == "Package" {
                provided.insert(value.to_owned());
                continue;
            }
            for relation in value.split(", ") {
                let (name, bound) = relation.split_once(" (").unwrap_or((relation, ""));
                let version = bound.trim_end_matches(')').split(' ').nth(1).unwrap_or("1.0");
                needed.insert(name.to_owned(), version.to_owned());
            }
        }
    }
    needed.retain(|name, _| !provided.contains(name) && !inside.contains(name));
    needed.into_iter().collect()
}
