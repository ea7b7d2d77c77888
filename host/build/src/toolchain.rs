//! The Rust toolchain that builds a plugin, and its standard library for WebAssembly.
//!
//! The library comes with the toolchain as an installed target, or as source; from source it is built with
//! `-Zbuild-std`, which a released compiler allows when it is told to behave like its own bootstrap.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::BuildError;
use crate::options::{StdLibrary, WASM_TARGET};

/// What is known of the compiler.
#[derive(Debug)]
pub struct Toolchain {
    /// The first line of `rustc -vV`.
    pub version: String,
    /// `1.95.0`.
    pub release: String,
    /// Where the toolchain lives.
    pub sysroot: PathBuf,
    /// The library directory of the target, whether or not it exists.
    target_libdir: PathBuf,
}

impl Toolchain {
    /// The toolchain that serves the crate in `dir`, which may ask for one by its `rust-toolchain.toml`.
    pub fn find(dir: &Path) -> Result<Self, BuildError> {
        let about = run_for_output(rustc(dir).arg("-vV"))?;
        let release = about.lines().find_map(|line| line.strip_prefix("release: "));
        let version = about.lines().next().unwrap_or_default().to_owned();
        let Some(release) = release.map(str::to_owned) else {
            return Err(BuildError::UnexpectedOutput {
                command: "rustc -vV".into(),
                problem: "no release".into(),
            });
        };
        let sysroot = PathBuf::from(run_for_output(rustc(dir).args(["--print", "sysroot"]))?.trim_end());
        let print = ["--print", "target-libdir", "--target", WASM_TARGET];
        let target_libraries = PathBuf::from(run_for_output(rustc(dir).args(print))?.trim_end());
        Ok(Self { version, release, sysroot, target_libdir: target_libraries })
    }

    /// Where the source of the standard library is looked for; cargo looks nowhere else.
    pub fn std_source_dir(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust/library")
    }

    /// Decides where the standard library comes from.
    pub fn choose_std(&self, wanted: Option<StdLibrary>) -> Result<StdLibrary, BuildError> {
        let source = self.std_source_dir().join("Cargo.lock").is_file();
        match wanted {
            Some(StdLibrary::Source) if source => Ok(StdLibrary::Source),
            Some(StdLibrary::Source) => Err(BuildError::NoStdSource { sysroot: self.sysroot.clone() }),
            _ if self.has_target() => Ok(StdLibrary::Installed),
            None if source => Ok(StdLibrary::Source),
            _ => Err(BuildError::NoStd { sysroot: self.sysroot.clone() }),
        }
    }

    fn has_target(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(&self.target_libdir) else { return false };
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    }
}

/// `rustc`, or whatever takes its place, in a directory.
fn rustc(dir: &Path) -> Command {
    program_from_env("RUSTC", "rustc", dir)
}

/// `cargo`, or whatever takes its place, in a directory.
pub fn cargo(dir: &Path) -> Command {
    program_from_env("CARGO", "cargo", dir)
}

fn program_from_env(variable: &str, name: &str, dir: &Path) -> Command {
    let name = std::env::var_os(variable).filter(|name| !name.is_empty()).unwrap_or(OsString::from(name));
    let mut command = Command::new(name);
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// The command as a person would type it.
pub fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a command for what it prints.
pub fn run_for_output(command: &mut Command) -> Result<String, BuildError> {
    let output = command.output().map_err(|source| BuildError::ProgramNotFound {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(BuildError::CommandFailed { command: command_line(command), stderr: said });
    }
    String::from_utf8(output.stdout).map_err(|problem| BuildError::UnexpectedOutput {
        command: command_line(command),
        problem: problem.to_string(),
    })
}
