//! A pretended cluster, for trying a hook that is a component: its files are in a directory of one's own, and programs
//! are said to have succeeded.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fs_err as fs;
use opkg_oda::Address;
use opkg_runtime::hook::{
    Call, Capabilities, Ended, Problem, Refusal, Request, Root as Place, Target, Verdict,
};
use opkg_runtime::{Level, LoadError, Registry};
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;

use super::grants::{Name, Program};
use super::programs;
use super::rooted::Rooted;
use super::service::explain;
use super::service::target;
use super::values::Field;
use crate::hostlist;

/// What a hook shall believe, as an author writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretended {
    /// The package.
    pub package: Name,
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
    pub values: BTreeMap<String, Answer>,
    /// What the administrator lets the hook run.
    #[serde(default)]
    pub programs: Vec<Program>,
}

/// The values of a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// Just one.
    One(String),
    /// Any number.
    Many(Vec<String>),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What the hook said, asked for and was told, a line each.
    pub said: Vec<String>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// One hook that runs.
struct Stage<'a> {
    pretended: &'a Pretended,
    target: Target,
    home: Rooted,
    image: Option<Rooted>,
    said: Vec<String>,
}

impl Pretended {
    /// Reads it, and checks the names in it.
    ///
    /// # Errors
    /// What is wrong, on several lines.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pretended: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for names in [&mut pretended.nodes, &mut pretended.images] {
            let mut all = Vec::new();
            for name in names.iter() {
                all.extend(hostlist::expand(name).map_err(|error| error.to_string())?);
            }
            all.sort();
            *names = all;
        }
        pretended.address()?;
        Ok(pretended)
    }

    /// Runs a hook. Its files are `home` and, where the hook is about an image, `image` in `directory`.
    ///
    /// # Errors
    /// It is no hook that works, or there is no place for its files.
    pub fn run(
        &self,
        registry: &Registry,
        file: &str,
        component: Vec<u8>,
        hook: &str,
        directory: &Path,
    ) -> Result<Trial, TrialError> {
        let runner = registry.hook(file, component)?;
        let open = |name: &str, programs| {
            let path = directory.join(name);
            fs::create_dir_all(&path)?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = rustix::fs::open(&path, flags, Mode::empty()).map_err(std::io::Error::from)?;
            Ok::<_, std::io::Error>(Rooted::new(opened, programs))
        };
        let address = self.address().map_err(TrialError::Target)?;
        let mut stage = Stage {
            pretended: self,
            target: target(&address),
            home: open("home", false)?,
            image: self.image.as_ref().map(|_| open("image", true)).transpose()?,
            said: Vec::new(),
        };
        let limit = Duration::from_secs(60);
        let call = Call {
            opkg: self.package.0.to_string(),
            version: self.version.clone(),
            name: hook.to_owned(),
            stage: String::new(),
            run: "0".to_owned(),
            target: stage.target.clone(),
            image: self.image.clone(),
            home: super::hooks::home(&self.package.0).display().to_string(),
            candidates: vec![file.to_owned()],
            arguments: Vec::new(),
            time_limit: limit.as_secs(),
        };
        let failure = match runner.run(&call, limit, &mut stage) {
            Ok(Ok(_)) => None,
            Ok(Err(failure)) => Some(format!("{file} {}", failure.message)),
            Err(fault) => Some(format!("{file} {fault}")),
        };
        Ok(Trial { said: stage.said, failure })
    }

    fn address(&self) -> Result<Address, String> {
        let text = self.target.as_deref().unwrap_or("server:head");
        text.parse().map_err(|error: opkg_oda::Invalid| error.to_string())
    }
}

/// Why a hook cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It is none that works.
    #[error(transparent)]
    Hook(#[from] LoadError),
    /// Its files have no place.
    #[error("there is no place for the files of the hook: {0}")]
    Files(#[from] std::io::Error),
    /// The target cannot be.
    #[error("{0}")]
    Target(String),
}

impl Stage<'_> {
    fn place(&mut self, root: Place) -> Result<&mut Rooted, Problem> {
        match root {
            Place::Home => Ok(&mut self.home),
            Place::Image => self.image.as_mut().ok_or(Problem::NotGranted),
        }
    }

    fn file<R>(
        &mut self,
        what: &str,
        (root, path): (Place, &str),
        task: impl FnOnce(&mut Rooted) -> Result<R, Problem>,
    ) -> Result<R, Problem> {
        let result = self.place(root).and_then(task);
        let outcome = match &result {
            Ok(_) => String::new(),
            Err(problem) => format!(": {}", explain(problem)),
        };
        let root = if root == Place::Home { "home" } else { "image" };
        self.said.push(format!("{what} {root}: {}{outcome}", path.escape_debug()));
        result
    }
}

impl Capabilities for Stage<'_> {
    fn log(&mut self, level: Level, text: &str) {
        self.said.push(format!("say {}: {text}", format!("{level:?}").to_lowercase()));
    }

    fn values(&mut self) -> Vec<Field> {
        let values = |answer: &Answer| match answer {
            Answer::One(value) => vec![value.clone()],
            Answer::Many(values) => values.clone(),
        };
        self.pretended.values.iter().map(|(name, answer)| (name.clone(), values(answer))).collect()
    }

    fn nodes(&mut self) -> Vec<String> {
        self.pretended.nodes.clone()
    }

    fn images(&mut self) -> Vec<String> {
        self.pretended.images.clone()
    }

    fn target(&mut self) -> Target {
        self.target.clone()
    }

    fn read(&mut self, root: Place, path: &str) -> Result<Vec<u8>, Problem> {
        self.file("read", (root, path), |place| place.read(path))
    }

    fn write(&mut self, root: Place, path: &str, contents: &[u8], mode: u32) -> Result<(), Problem> {
        self.file("write", (root, path), |place| place.write(path, contents, mode))?;
        let text = String::from_utf8_lossy(contents);
        self.said.extend(text.lines().map(|line| format!("  | {}", line.escape_debug())));
        Ok(())
    }

    fn remove(&mut self, root: Place, path: &str) -> Result<(), Problem> {
        self.file("remove", (root, path), |place| place.remove(path))
    }

    fn entries(&mut self, root: Place, path: &str) -> Result<Vec<String>, Problem> {
        self.file("list", (root, path), |place| place.entries(path))
    }

    fn run(&mut self, request: &Request) -> Result<Ended, Refusal> {
        let name = programs::name(request);
        let named = if request.in_image { format!("image:{name}") } else { name };
        let shown = [std::slice::from_ref(&named), &request.arguments].concat().join(" ");
        let asked = named.parse::<Program>();
        if !asked.is_ok_and(|asked| self.pretended.programs.iter().any(|it| it.allows(&asked))) {
            self.said.push(format!("run {}: not granted", shown.escape_debug()));
            return Err(Refusal::NotGranted(format!(
                "add \"{named}\" to `programs` of the pretended cluster"
            )));
        }
        self.said.push(format!("run {}", shown.escape_debug()));
        Ok(Ended {
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

    fn begin(&mut self, name: &str, description: &str) {
        self.said.push(format!("begin {}: {}", name.escape_debug(), description.escape_debug()));
    }

    fn end(&mut self, verdict: &Verdict) {
        self.said.push(match verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(why) => format!("failed: {}", why.escape_debug()),
            Verdict::Tolerated(why) => format!("failed, and need not pass: {}", why.escape_debug()),
            Verdict::Skipped(why) => format!("skipped: {}", why.escape_debug()),
            Verdict::Broken(why) => format!("could not be run: {}", why.escape_debug()),
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
        let pretended = Pretended::parse(text).unwrap();
        assert_eq!(pretended.nodes, ["login", "node1", "node2", "node3"]);
        assert_eq!(pretended.address().unwrap().kind, opkg_oda::Kind::Server);
        assert_eq!(pretended.values["list"], Answer::Many(vec!["a".into(), "b".into()]));
        for wrong in
            ["", "package = \"a b\"", "package = \"a\"\nnode = []", "package = \"a\"\ntarget = \"x\""]
        {
            assert!(Pretended::parse(wrong).is_err(), "{wrong}");
        }
    }
}
