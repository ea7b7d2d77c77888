//! A cluster whose head node, image and client are directories with just enough in them to run scripts.
#![allow(clippy::panic, dead_code, reason = "each of the tests' programs uses some of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use opkg_engine::effects::Report;
use opkg_engine::machine::{Hook, HookStep, InstallOutcome, RemoveFailure, RemoveOutcome, StepFailure};
use opkg_engine::packages::PackageMetadata;
use opkg_oda::{Cluster, Package, PackageClass, PackageId, PackageState, Stage, StateKey, Target, TargetId};
use opkg_opm::{Config, StopToken, System, SystemOptions};
use opkg_runtime::RuntimeOptions;
use opkg_tests::scratch;

pub const SERVER: TargetId = TargetId(1);
pub const IMAGE: TargetId = TargetId(2);
pub const CLIENT: TargetId = TargetId(3);
pub const DEMO: PackageId = PackageId(1);
pub const OTHER: PackageId = PackageId(2);

/// What scripts in a root may use.
const ROOT_PROGRAMS: [&str; 12] =
    ["sh", "cat", "env", "sort", "sleep", "yes", "head", "touch", "ls", "readlink", "id", "grep"];

/// Names the directory to work in, instead of the build's.
pub const DIRECTORY_VAR: &str = "OPM_TEST_DIRECTORY";

/// Names the program that launches others, instead of the build's.
pub const LAUNCHER_VAR: &str = "OPM_TEST_LAUNCHER";

/// Not below /tmp, which every root has of its own while something runs there.
fn scratch_parent() -> PathBuf {
    let parent = std::env::var_os(DIRECTORY_VAR).map_or_else(scratch::root_directory, PathBuf::from);
    fs::create_dir_all(&parent).unwrap();
    parent
}

pub struct Fixture {
    directory: tempfile::TempDir,
    pub cluster: Cluster,
    pub config: Config,
    pub stop: StopToken,
}

/// The root of a target.
pub struct TestRoot(pub PathBuf);

impl Fixture {
    pub fn new() -> Self {
        let parent = scratch_parent();
        let directory = tempfile::Builder::new().prefix("system-").tempdir_in(&parent).unwrap();
        let path = directory.path().to_owned();
        let mut cluster = Cluster::default();
        for (id, address) in [(SERVER, "server:head"), (IMAGE, "image:compute"), (CLIENT, "client:node1")] {
            let address: opkg_oda::TargetAddress = address.parse().unwrap();
            let root = path.join(address.kind.name());
            populate_root(&root);
            let target = Target { id, address, root: Some(root), image: None };
            cluster.targets.insert(id, target);
        }
        for (id, name) in [(DEMO, "demo"), (OTHER, "other")] {
            let package = Package {
                id,
                name: name.parse().unwrap(),
                class: PackageClass::ThirdParty,
                version: None,
                dependencies: Vec::new(),
                waiting_for: None,
            };
            cluster.packages.insert(id, package);
            for target in [SERVER, IMAGE, CLIENT] {
                cluster
                    .states
                    .entry(target)
                    .or_default()
                    .get_or_insert_with(id, || PackageState::new(Stage::Finished, 0));
            }
        }
        let mut config = Config { log_directory: path.join("log"), ..Config::default() };
        config.limits.hook = Duration::from_secs(60);
        config.limits.grace = Duration::from_millis(500);
        config.limits.retry = Duration::from_secs(1);
        Self { directory, cluster, config, stop: StopToken::default() }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn root(&self, target: TargetId) -> TestRoot {
        TestRoot(self.cluster.targets[&target].root.clone().unwrap())
    }

    pub fn server(&self) -> TestRoot {
        self.root(SERVER)
    }

    pub fn database(&self) -> String {
        self.path().join("oda.db").display().to_string()
    }

    pub fn system(&self) -> System {
        System::new(self.config.clone(), self.options())
    }

    pub fn options(&self) -> SystemOptions {
        let cache = scratch_parent().join("plugins");
        let launcher =
            std::env::var_os(LAUNCHER_VAR).unwrap_or_else(|| env!("CARGO_BIN_EXE_launcher").into());
        SystemOptions {
            plugin_options: RuntimeOptions {
                embedded: true,
                cache: Some(cache),
                ..RuntimeOptions::default()
            },
            launch_command: vec![launcher],
            stop: self.stop.clone(),
            ..SystemOptions::new(self.database())
        }
    }

    /// The version that an administrator chose of `demo`.
    pub fn pin(&mut self, version: Option<&str>) {
        self.cluster
            .apply(&opkg_oda::Change::PinVersion { package: DEMO, version: version.map(str::to_owned) });
    }

    /// Notes that all stages of `demo` on a target have passed, so that the next step does one again.
    pub fn note_finished(&mut self, target: TargetId) {
        let key = StateKey { target, package: DEMO };
        let row = self.cluster.state(key).unwrap().clone();
        let done = PackageState { current: Stage::Finished, ..row };
        self.cluster.apply(&opkg_oda::Change::UpdateState(key, done));
    }

    pub fn hook_step(&self, hook: Hook) -> HookStep {
        let image = (hook == Hook::PostImage).then_some(IMAGE);
        HookStep { key: StateKey { target: SERVER, package: DEMO }, stage: Stage::PostInstall, hook, image }
    }
}

/// What comes of steps that do not fail in ways of their own.
pub type StepReport = Report<Result<(), StepFailure>>;

/// What came of the removal of one package, as the engine takes it.
pub fn removal_of_one(report: Report<RemoveOutcome>) -> StepReport {
    let Report { outcome, trace } = report;
    let outcome = match outcome.remaining.into_values().next() {
        None => Ok(()),
        Some(RemoveFailure::Own(failure)) => Err(failure),
        Some(RemoveFailure::Untouched(reason)) => Err(StepFailure::Failed(reason)),
        Some(RemoveFailure::Held) => panic!("nothing else leaves"),
    };
    Report { outcome, trace }
}

/// Why a step failed.
pub fn failure_reason<T: std::fmt::Debug>(report: &Report<Result<T, StepFailure>>) -> &str {
    match &report.outcome {
        Err(StepFailure::Failed(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Asserts that packages are installed, all of them. Returns what they say of themselves.
pub fn assert_installed(report: &Report<InstallOutcome>) -> &[PackageMetadata] {
    match &report.outcome {
        InstallOutcome::Installed { metadata, failures, untouched }
            if failures.is_empty() && untouched.is_empty() =>
        {
            metadata
        }
        _ => panic!("{report:?}"),
    }
}

/// Why a transaction failed.
pub fn transaction_error(report: &Report<InstallOutcome>) -> &str {
    match &report.outcome {
        InstallOutcome::TransactionFailed(reason) => reason,
        _ => panic!("{report:?}"),
    }
}

/// Why packages failed although the transaction succeeded.
pub fn package_failures(report: &Report<InstallOutcome>) -> &BTreeMap<PackageId, String> {
    match &report.outcome {
        InstallOutcome::Installed { failures, .. } if !failures.is_empty() => failures,
        _ => panic!("{report:?}"),
    }
}

impl TestRoot {
    /// A script of the package `demo`.
    pub fn write_hook(&self, name: &str, text: &str) -> PathBuf {
        self.write_script("demo", name, text)
    }

    pub fn write_script(&self, package: &str, name: &str, text: &str) -> PathBuf {
        let home = self.0.join("usr/lib/oscar/packages").join(package);
        fs::create_dir_all(&home).unwrap();
        let path = home.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path.trim_start_matches('/'))).unwrap()
    }

    /// Every path in it, without those that packages and their managers keep.
    pub fn entries(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut left = vec![self.0.clone()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    left.push(entry.path());
                }
                found.insert(entry.path().strip_prefix(&self.0).unwrap().to_owned());
            }
        }
        found
    }
}

/// A root with a shell and some programs of this machine, and the libraries that these need.
pub fn populate_root(root: &Path) {
    for directory in
        ["dev", "proc", "sys", "run", "tmp", "etc", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin"]
    {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for link in ["bin", "lib", "lib64", "sbin"] {
        std::os::unix::fs::symlink(format!("usr/{link}"), root.join(link)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    for program in ROOT_PROGRAMS {
        let found = std::env::split_paths(&path).map(|it| it.join(program)).find(|it| it.is_file()).unwrap();
        fs::copy(&found, root.join("usr/bin").join(program)).unwrap();
        let libraries = Command::new("ldd").arg(&found).output().unwrap();
        for library in
            String::from_utf8(libraries.stdout).unwrap().split_whitespace().filter(|it| it.starts_with('/'))
        {
            let place = root.join(library.trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(library, place).unwrap();
        }
    }
}
