//! Packages that several tests look at, each built once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use opkg_tests::expect::{self, Target};
use opkg_tests::inspect::{self, BuiltPackage};
use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{compare, corpus, parallel, scratch, tools};

/// An OPKG, compiled for some targets with the distributions' own tools.
pub struct CompiledPackage {
    /// Of the OPKG.
    pub directory: PathBuf,
    /// What `--output` named.
    pub output: PathBuf,
}

impl CompiledPackage {
    /// Where the packages and meta-files for a target are.
    pub fn target_directory(&self, target: &Target) -> PathBuf {
        self.output.join(target.dist)
    }
}

/// Compiles one OPKG for all these targets in one call, which has to succeed.
pub fn compile(directory: &Path, targets: &[Target], builder: Option<&str>) -> CompiledPackage {
    let output = scratch::create_directory("output");
    let targets: Vec<&str> = targets.iter().map(|target| target.dist).collect();
    let mut arguments: Vec<OsString> = vec!["--dist".into(), targets.join(",").into(), "-o".into()];
    arguments.push(output.clone().into());
    match builder {
        Some(builder) => arguments.extend(["--builder".into(), builder.into()]),
        None => arguments.push("--source".into()),
    }
    arguments.push(directory.into());
    OpkgcEnvironment::new().run_successfully(arguments);
    CompiledPackage { directory: directory.to_path_buf(), output }
}

/// The corpus for the three distributions named without a version; empty where it or a tool is missing.
pub fn compiled_corpus() -> &'static [CompiledPackage] {
    static BUILT: OnceLock<Vec<CompiledPackage>> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !tools::all_installed(&["rpm", "rpmbuild", "dpkg-buildpackage", "dpkg-deb"]) {
            return Vec::new();
        }
        parallel::map(&corpus::samples(), |sample| {
            compile(&sample.write_to_scratch(), &expect::UNVERSIONED_TARGETS, Some("native"))
        })
    })
}

/// The project's own examples for the same.
pub fn compiled_examples() -> &'static [CompiledPackage] {
    static BUILT: OnceLock<Vec<CompiledPackage>> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !tools::all_installed(&["rpm", "rpmbuild", "dpkg-buildpackage", "dpkg-deb"]) {
            return Vec::new();
        }
        parallel::map(&example_directories(), |directory| {
            compile(directory, &expect::UNVERSIONED_TARGETS, Some("native"))
        })
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
pub fn assert_as_expected(compiled: &CompiledPackage, target: &Target) -> Option<Vec<BuiltPackage>> {
    let directory = compiled.target_directory(target);
    let Some(expected) = expect::packages(&compiled.directory, target) else {
        assert!(!directory.exists(), "{}: excluded, but there", directory.display());
        return None;
    };
    let files = inspect::packages_of_opkgs(&directory);
    let mut packages: Vec<BuiltPackage> = files.iter().map(|file| inspect::read(file)).collect();
    // In the order of the parts: api, client, server by name, hence sorted like the expected ones.
    packages.sort_by_key(|built| expected.iter().position(|it| it.package.name == built.package.name));
    assert_eq!(packages.len(), 3, "{files:?}");
    let differences: Vec<String> = expected
        .iter()
        .zip(&packages)
        .flat_map(|(expected, built)| compare::differences(expected, built, target))
        .collect();
    let what = compiled.directory.display();
    assert!(differences.is_empty(), "{what} for {}:\n{}", target.dist, differences.join("\n"));
    Some(packages)
}
