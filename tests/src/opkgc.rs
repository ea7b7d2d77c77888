//! The real program, in an environment of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::{process, scratch};

/// The program to test instead of the one that this checkout builds.
pub const PROGRAM_VAR: &str = "OPKGC";

/// The program, built once per test process unless `$OPKGC` names one.
///
/// # Panics
///
/// If it cannot be built.
#[must_use]
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(program) = std::env::var_os(PROGRAM_VAR) {
            return PathBuf::from(program);
        }
        build_program("opkgc")
    })
}

/// A program of the project, built.
///
/// # Panics
///
/// If it cannot be.
pub(crate) fn build_program(name: &str) -> PathBuf {
    // Cargo hands the program's place only to tests of its own package.
    let profile = scratch::profile_name();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args([
        "build",
        "--quiet",
        "--package",
        &format!("{name}-cli"),
        "--bin",
        name,
    ]);
    cargo.arg("--profile").arg(if profile == "debug" { "dev" } else { &profile });
    cargo.arg("--target-dir").arg(scratch::target_directory());
    let status = cargo.status().unwrap();
    assert!(status.success(), "{name} could not be built");
    // A name of its own, so that a build going on beside the tests takes nothing away from them.
    let program = scratch::create_directory("program").join(name);
    let built = scratch::target_directory().join(profile).join(name);
    fs_err::hard_link(&built, &program).or_else(|_| fs_err::copy(&built, &program).map(|_| ())).unwrap();
    program
}

/// The root of the project.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// An environment to run the program in.
#[derive(Debug)]
pub struct OpkgcEnvironment {
    home: PathBuf,
    cache: PathBuf,
}

impl OpkgcEnvironment {
    /// A home of its own; the cache of compiled plugins is shared, as on a machine that is in use.
    #[must_use]
    pub fn new() -> Self {
        static CACHE: OnceLock<PathBuf> = OnceLock::new();
        let cache = CACHE.get_or_init(|| scratch::create_directory("cache")).clone();
        Self { home: scratch::create_directory("home"), cache }
    }

    /// A home and a cache of its own, as right after the installation.
    #[must_use]
    pub fn with_cold_cache() -> Self {
        Self { home: scratch::create_directory("home"), cache: scratch::create_directory("cache") }
    }

    /// Where everything that the program may write on its own account is.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Gives a command the environment of this one, and no other.
    pub fn apply_environment(&self, command: &mut Command) {
        let temporary = self.home.join("tmp");
        fs_err::create_dir_all(&temporary).unwrap();
        command.env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", &self.home).env("TMPDIR", temporary);
        command.env("XDG_CACHE_HOME", &self.cache).env("XDG_DATA_HOME", self.home.join("data"));
        command.env("XDG_CONFIG_HOME", self.home.join("config"));
        command.env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.current_dir(&self.home);
    }

    /// The program with arguments, ready to be started.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(program());
        self.apply_environment(&mut command);
        command.args(arguments);
        command
    }

    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> process::ProcessOutput {
        process::run(&mut self.command(arguments))
    }

    /// Runs the program, which has to succeed, and gives its standard output.
    pub fn run_successfully<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        process::run_successfully(&mut self.command(arguments))
    }

    /// What `check` finds in a directory.
    ///
    /// # Panics
    ///
    /// If the answer is not what `--format json` promises.
    #[must_use]
    pub fn check(&self, directory: &Path) -> CheckOutput {
        let ended = self.run([OsStr::new("check"), "--format".as_ref(), "json".as_ref(), directory.as_ref()]);
        let document: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("not JSON, {error}:\n{}", ended.combined_output()));
        CheckOutput { code: ended.code, diagnostics: collect_diagnostics(&document) }
    }
}

impl Default for OpkgcEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

/// The answer of `opkgc check`.
#[derive(Debug)]
pub struct CheckOutput {
    pub code: Option<i32>,
    /// In the order given.
    pub diagnostics: Vec<Diagnostic>,
}

impl CheckOutput {
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|finding| finding.severity == "error")
    }

    /// The names of the rules that were broken, whatever the severity.
    #[must_use]
    pub fn diagnostic_codes(&self) -> Vec<&str> {
        self.diagnostics.iter().map(|finding| finding.code.as_str()).collect()
    }
}

#[derive(Debug, Clone, serde::Deserialize)]
pub struct Diagnostic {
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// Name of the rule.
    pub code: String,
    pub message: String,
    pub help: Option<String>,
    pub file: String,
    /// Counts from 1; nothing if it is about the whole file.
    pub line: Option<usize>,
}

/// The diagnostics in a document, wherever they stand in it.
#[must_use]
pub fn collect_diagnostics(document: &Value) -> Vec<Diagnostic> {
    match document {
        Value::Array(values) => values.iter().flat_map(collect_diagnostics).collect(),
        Value::Object(fields) if fields.contains_key("severity") => {
            vec![serde_json::from_value(document.clone()).unwrap()]
        }
        Value::Object(fields) => fields.values().flat_map(collect_diagnostics).collect(),
        _ => Vec::new(),
    }
}
