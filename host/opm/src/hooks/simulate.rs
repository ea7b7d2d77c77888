//! A simulated cluster, for trying a hook that is a component: its files are in a directory of one's own, and programs
//! are said to have succeeded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use opkg_engine::hostlist;
use opkg_oda::{ParseError, TargetAddress};
use opkg_runtime::hook::{
    Call, FileError, HostFunctions, PartOutcome, ProgramResult, Request, Root as HookRoot, RunnerDescription,
    SpawnError, Target,
};
use opkg_runtime::{LoadError, LogLevel, Registry};
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;

use super::home::package_home;
use super::host::{describe_file_error, to_hook_target};
use super::programs;
use super::values::FieldValues;
use crate::config::{PackageNameValue, ProgramPattern};
use crate::roots::ScopedDir;

/// What a hook shall believe, as an author writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedCluster {
    /// The package.
    pub package: PackageNameValue,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Where it is; the head node unless named: `image:compute`.
    #[serde(default)]
    pub target: Option<String>,
    /// The clients; `node[1-3]` are three.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// The images.
    #[serde(default)]
    pub images: Vec<String>,
    /// The image that the hook is about.
    #[serde(default)]
    pub image: Option<String>,
    /// What the administrator answered in the form: one value for a field, or several.
    #[serde(default)]
    pub values: BTreeMap<String, OneOrMany>,
    /// What the administrator lets the hook run.
    #[serde(default)]
    pub programs: Vec<ProgramPattern>,
}

/// The values of a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// Just one.
    One(String),
    /// Any number.
    Many(Vec<String>),
}

/// What came of a hook that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialResult {
    /// What the hook said, asked for and was told, a line each.
    pub transcript: Vec<String>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// A component that is tried.
#[derive(Debug, Clone)]
pub struct HookComponent<'a> {
    /// Of its file, for messages.
    pub name: &'a str,
    /// The component itself: a hook, or a runner of hooks.
    pub component: Vec<u8>,
    /// The hook that a runner shall run. A copy of it lies in the home.
    pub program: Option<&'a Path>,
}

/// One hook that runs.
struct SimulatedHost<'a> {
    /// What the runner runs: it may without being asked for.
    program: Option<String>,
    cluster: &'a SimulatedCluster,
    target: Target,
    home: ScopedDir,
    image: Option<ScopedDir>,
    transcript: Vec<String>,
}

impl SimulatedCluster {
    /// Reads it, and checks the names in it.
    ///
    /// # Errors
    /// When it cannot be understood, on several lines.
    pub fn parse(text: &str) -> Result<Self, SimulatedClusterError> {
        let mut cluster: Self = toml::from_str(text)?;
        for names in [&mut cluster.nodes, &mut cluster.images] {
            let mut all = Vec::new();
            for name in names.iter() {
                all.extend(hostlist::expand(name)?);
            }
            all.sort();
            *names = all;
        }
        cluster.address()?;
        Ok(cluster)
    }

    /// Runs a hook. Its files are `home` and, where the hook is about an image, `image` in `directory`.
    ///
    /// # Errors
    /// It is no hook that works, or there is no place for its files.
    pub fn run(
        &self,
        registry: &Registry,
        HookComponent { name: file, component, program }: HookComponent<'_>,
        hook: &str,
        directory: &Path,
    ) -> Result<TrialResult, TrialError> {
        let runner = registry.hook(file, component, registry.limits().compile_timeout)?;
        let served = served_program(runner.description(), file, program)?;
        let open = |name: &str, programs| {
            let path = directory.join(name);
            fs::create_dir_all(&path)?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = rustix::fs::open(&path, flags, Mode::empty()).map_err(std::io::Error::from)?;
            Ok::<_, std::io::Error>(ScopedDir::new(opened, programs))
        };
        let address = self.address()?;
        if let Some((name, contents)) = &served {
            fs::create_dir_all(directory.join("home"))?;
            fs::write(directory.join("home").join(name), contents)?;
        }
        let served = served.map(|(name, _)| name);
        let mut host = SimulatedHost {
            program: served.clone(),
            cluster: self,
            target: to_hook_target(&address),
            home: open("home", false)?,
            image: self.image.as_ref().map(|_| open("image", true)).transpose()?,
            transcript: Vec::new(),
        };
        let limit = Duration::from_secs(60);
        let call = Call {
            opkg: self.package.0.to_string(),
            version: self.version.clone(),
            name: hook.to_owned(),
            stage: String::new(),
            run: "0".to_owned(),
            target: host.target.clone(),
            image: self.image.clone(),
            home: package_home(&self.package.0).display().to_string(),
            candidates: vec![served.unwrap_or_else(|| file.to_owned())],
            arguments: Vec::new(),
            timeout: limit.as_secs(),
            attributes: Vec::new(),
        };
        let failure = match runner.run(&call, limit, &mut host) {
            Ok(Ok(_)) => None,
            Ok(Err(failure)) => Some(format!("{file} {}", failure.message)),
            Err(fault) => Some(format!("{file} {fault}")),
        };
        Ok(TrialResult { transcript: host.transcript, failure })
    }

    fn address(&self) -> Result<TargetAddress, ParseError> {
        self.target.as_deref().unwrap_or("server:head").parse()
    }
}

/// Bytes of the largest program that a runner is tried with.
const MAX_PROGRAM_BYTES: u64 = 16 << 20;

/// The name and the contents of what a runner shall run; nothing of a component that is a hook itself.
fn served_program(
    runner: &RunnerDescription,
    file: &str,
    program: Option<&Path>,
) -> Result<Option<(String, Vec<u8>)>, TrialError> {
    let takes = || runner.takes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", or ");
    let file = file.to_owned();
    match program {
        None if runner.takes.is_empty() => Ok(None),
        None => Err(TrialError::NoProgram { file, takes: takes() }),
        Some(_) if runner.takes.is_empty() => Err(TrialError::NoRunner(file)),
        Some(program) => {
            if fs::metadata(program)?.len() > MAX_PROGRAM_BYTES {
                return Err(TrialError::ProgramTooLarge(program.to_owned()));
            }
            let contents = fs::read(program)?;
            let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match runner.accepts(&name, &contents) {
                true => Ok(Some((name, contents))),
                false => Err(TrialError::NotTaken { file, program: name, takes: takes() }),
            }
        }
    }
}

/// Why a hook cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A runner without anything to run.
    #[error("{file} runs hooks that {takes}, and none is named")]
    NoProgram {
        /// The runner.
        file: String,
        /// What it says of them.
        takes: String,
    },
    /// A hook runs nothing but itself.
    #[error("{0} is a hook itself, and runs no other one")]
    NoRunner(String),
    /// The runner says that it is not for it.
    #[error("{file} does not run `{program}`: it runs hooks that {takes}")]
    NotTaken {
        /// The runner.
        file: String,
        /// The file that it does not take.
        program: String,
        /// What it says of them.
        takes: String,
    },
    /// More than a hook may have.
    #[error("{} has more than {} MiB", .0.display(), MAX_PROGRAM_BYTES >> 20)]
    ProgramTooLarge(PathBuf),
    /// The hook cannot be loaded.
    #[error(transparent)]
    Hook(#[from] LoadError),
    /// The directories of its files cannot be made.
    #[error("there is no place for the files of the hook: {0}")]
    Files(#[from] std::io::Error),
    /// There can be no such target.
    #[error(transparent)]
    Target(#[from] ParseError),
}

/// Why the description of a simulated cluster cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum SimulatedClusterError {
    /// It is no TOML of the form that it should have.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// A name of a node, an image or the target.
    #[error(transparent)]
    Name(#[from] ParseError),
}

impl SimulatedHost<'_> {
    fn scoped_dir(&mut self, root: HookRoot) -> Result<&mut ScopedDir, FileError> {
        match root {
            HookRoot::Home => Ok(&mut self.home),
            HookRoot::Image => self.image.as_mut().ok_or(FileError::NotGranted),
        }
    }

    fn file_operation<R>(
        &mut self,
        what: &str,
        (root, path): (HookRoot, &str),
        task: impl FnOnce(&mut ScopedDir) -> Result<R, FileError>,
    ) -> Result<R, FileError> {
        let result = self.scoped_dir(root).and_then(task);
        let outcome = match &result {
            Ok(_) => String::new(),
            Err(problem) => format!(": {}", describe_file_error(problem)),
        };
        let root = if root == HookRoot::Home { "home" } else { "image" };
        self.transcript.push(format!("{what} {root}: {}{outcome}", path.escape_debug()));
        result
    }
}

impl HostFunctions for SimulatedHost<'_> {
    fn write_log(&mut self, level: LogLevel, text: &str) {
        self.transcript.push(format!("say {}: {text}", format!("{level:?}").to_lowercase()));
    }

    fn form_values(&mut self) -> Vec<FieldValues> {
        let values = |answer: &OneOrMany| match answer {
            OneOrMany::One(value) => vec![value.clone()],
            OneOrMany::Many(values) => values.clone(),
        };
        self.cluster.values.iter().map(|(name, answer)| (name.clone(), values(answer))).collect()
    }

    fn client_names(&mut self) -> Vec<String> {
        self.cluster.nodes.clone()
    }

    fn image_names(&mut self) -> Vec<String> {
        self.cluster.images.clone()
    }

    fn target(&mut self) -> Target {
        self.target.clone()
    }

    fn read_file(&mut self, root: HookRoot, path: &str) -> Result<Vec<u8>, FileError> {
        self.file_operation("read", (root, path), |directory| directory.read(path))
    }

    fn write_file(
        &mut self,
        root: HookRoot,
        path: &str,
        contents: &[u8],
        mode: u32,
    ) -> Result<(), FileError> {
        self.file_operation("write", (root, path), |directory| directory.write(path, contents, mode))?;
        let text = String::from_utf8_lossy(contents);
        self.transcript.extend(text.lines().map(|line| format!("  | {}", line.escape_debug())));
        Ok(())
    }

    fn remove_file(&mut self, root: HookRoot, path: &str) -> Result<(), FileError> {
        self.file_operation("remove", (root, path), |directory| directory.remove(path))
    }

    fn list_directory(&mut self, root: HookRoot, path: &str) -> Result<Vec<String>, FileError> {
        self.file_operation("list", (root, path), |directory| directory.entries(path))
    }

    fn run_program(&mut self, request: &Request) -> Result<ProgramResult, SpawnError> {
        let name = programs::program_name(request);
        let named = if request.in_image { format!("image:{name}") } else { name };
        let shown = [std::slice::from_ref(&named), &request.arguments].concat().join(" ");
        let asked = named.parse::<ProgramPattern>();
        let is_served = self.program.as_ref() == Some(&named);
        if !is_served && !asked.is_ok_and(|asked| self.cluster.programs.iter().any(|it| it.matches(&asked))) {
            self.transcript.push(format!("run {}: not granted", shown.escape_debug()));
            return Err(SpawnError::NotGranted(format!(
                "add \"{named}\" to `programs` of the simulated cluster"
            )));
        }
        self.transcript.push(format!("run {}", shown.escape_debug()));
        Ok(ProgramResult {
            how: "ended with exit status 0".to_owned(),
            exit_code: Some(0),
            signal: None,
            timed_out: false,
            last_lines: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: false,
        })
    }

    fn begin_part(&mut self, name: &str, description: &str) {
        self.transcript.push(format!("begin {}: {}", name.escape_debug(), description.escape_debug()));
    }

    fn end_part(&mut self, verdict: &PartOutcome) {
        self.transcript.push(match verdict {
            PartOutcome::Passed => "passed".to_owned(),
            PartOutcome::Failed(why) => format!("failed: {}", why.escape_debug()),
            PartOutcome::Tolerated(why) => format!("failed (allowed to fail): {}", why.escape_debug()),
            PartOutcome::Skipped(why) => format!("skipped: {}", why.escape_debug()),
            PartOutcome::Broken(why) => format!("could not be run: {}", why.escape_debug()),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_authors_write() {
        let text = r#"
            package = "demo"
            nodes = ["login", "node[1-3]"]
            image = "compute"
            programs = ["/usr/bin/id"]
            [values]
            port = "4000"
            list = ["a", "b"]
        "#;
        let cluster = SimulatedCluster::parse(text).unwrap();
        assert_eq!(cluster.nodes, ["login", "node1", "node2", "node3"]);
        assert_eq!(cluster.address().unwrap().kind, opkg_oda::TargetKind::Server);
        assert_eq!(cluster.values["list"], OneOrMany::Many(vec!["a".into(), "b".into()]));
        for wrong in
            ["", "package = \"a b\"", "package = \"a\"\nnode = []", "package = \"a\"\ntarget = \"x\""]
        {
            assert!(SimulatedCluster::parse(wrong).is_err(), "{wrong}");
        }
    }
}
