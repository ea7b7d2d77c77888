//! Packages that several tests look at, each built once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use opkg_tests::built::{self, Built};
use opkg_tests::expect::{self, Target};
use opkg_tests::opkgc::{self, Opkgc};
use opkg_tests::{compare, corpus, parallel, scratch, tools};

/// An OPKG, compiled for some targets with the distributions' own tools.
pub struct Compiled {
    /// Of the OPKG.
    pub directory: PathBuf,
    /// What `--output` named.
    pub output: PathBuf,
}

impl Compiled {
    /// Where the packages and meta-files for a target are.
    pub fn of(&self, target: &Target) -> PathBuf {
        self.output.join(target.argument)
    }
}

/// Compiles one OPKG for all these targets in one call, which has to succeed.
pub fn compile(directory: &Path, targets: &[Target], builder: Option<&str>) -> Compiled {
    let output = scratch::directory("output");
    let targets: Vec<&str> = targets.iter().map(|target| target.argument).collect();
    let mut arguments: Vec<OsString> = vec!["--dist".into(), targets.join(",").into(), "-o".into()];
    arguments.push(output.clone().into());
    match builder {
        Some(builder) => arguments.extend(["--builder".into(), builder.into()]),
        None => arguments.push("--source".into()),
    }
    arguments.push(directory.into());
    Opkgc::new().succeed(arguments);
    Compiled { directory: directory.to_path_buf(), output }
}

/// The corpus for the three distributions named without a version; empty where it or a tool is missing.
pub fn corpus() -> &'static [Compiled] {
    static BUILT: OnceLock<Vec<Compiled>> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !tools::available(&["rpm", "rpmbuild", "dpkg-buildpackage", "dpkg-deb"]) {
            return Vec::new();
        }
        parallel::map(&corpus::samples(), |sample| compile(&sample.lay(), &expect::PLAIN, Some("native")))
    })
}

/// The project's own examples for the same.
pub fn examples() -> &'static [Compiled] {
    static BUILT: OnceLock<Vec<Compiled>> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !tools::available(&["rpm", "rpmbuild", "dpkg-buildpackage", "dpkg-deb"]) {
            return Vec::new();
        }
        parallel::map(&example_directories(), |directory| compile(directory, &expect::PLAIN, Some("native")))
    })
}

/// Every directory below `examples/` that holds an OPKG.
pub fn example_directories() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs_err::read_dir(opkgc::workspace().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("config.xml").is_file())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "there are no examples");
    found
}

/// The three packages of a compiled OPKG for a target, read back; nothing if its filters exclude it.
///
/// # Panics
///
/// If there are others, or one differs from what the format implies.
pub fn compare(compiled: &Compiled, target: &Target) -> Option<Vec<Built>> {
    let directory = compiled.of(target);
    let Some(expected) = expect::packages(&compiled.directory, target) else {
        assert!(!directory.exists(), "{}: excluded, but there", directory.display());
        return None;
    };
    let files = built::files(&directory);
    let mut packages: Vec<Built> = files.iter().map(|file| built::read(file)).collect();
    // In the order of the parts: api, client, server by name, hence sorted like the expected ones.
    packages.sort_by_key(|built| expected.iter().position(|it| it.package.name == built.package.name));
    assert_eq!(packages.len(), 3, "{files:?}");
    let differences: Vec<String> = expected
        .iter()
        .zip(&packages)
        .flat_map(|(expected, built)| compare::differences(expected, built, target))
        .collect();
    let what = compiled.directory.display();
    assert!(differences.is_empty(), "{what} for {}:\n{}", target.argument, differences.join("\n"));
    Some(packages)
}
