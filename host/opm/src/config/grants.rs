//! What the administrator decides about hook runners: which one serves which hooks, and which programs they may run.

use std::fmt;
use std::str::FromStr;

use opkg_oda::PackageName;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// Which runner serves which hooks, whatever it says that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerRule {
    /// The runner, as `opm plugin list` names it.
    pub name: String,
    /// Canonical names of hooks; all of them if none is named.
    #[serde(default)]
    pub hooks: Vec<String>,
    /// Of which packages; of all if none is named.
    #[serde(default)]
    pub packages: Vec<PackageNameValue>,
    /// What it may run.
    #[serde(default)]
    pub programs: Vec<ProgramPattern>,
}

/// What hooks of a package that are components may run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The package.
    pub package: PackageNameValue,
    /// Canonical names of hooks; all of them if none is named.
    #[serde(default)]
    pub hooks: Vec<String>,
    /// What they may run.
    pub programs: Vec<ProgramPattern>,
}

/// The name of a package, as a value of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageNameValue(pub PackageName);

/// A program that may be run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProgramPattern {
    /// `home`: whatever lies in the home of the package.
    AnyInHome,
    /// `/usr/bin/id`
    Path(String),
    /// `image:/usr/bin/id`: inside the image that the hook is about.
    InImage(String),
    /// `bin/setup`: in the home of the package.
    InHome(String),
}

/// A text that names no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no program: write `/usr/bin/id`, `image:/usr/bin/id` for one inside the image, `bin/setup` for one in the \
     home of the package, or `home` for all in there",
    .0.escape_debug()
)]
pub struct ProgramPatternError(String);

/// What a hook may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExecPolicy {
    /// It is a built-in runner: the files that serve the hook, and whatever lies in the package's home.
    PackageFiles,
    /// It is the built-in runner of tests: whatever their definitions name. Who installed the package could run that
    /// as well.
    TestDefinitions,
    /// It is a runner that somebody added, of this name: what the administrator lets it run.
    PluginRunner(String, Vec<ProgramPattern>),
    /// It is a component of the package: what the administrator lets it run.
    Component(Vec<ProgramPattern>),
}

impl RunnerRule {
    /// Whether it is about a hook of a package.
    pub(crate) fn covers(&self, package: Option<&PackageName>, hook: &str) -> bool {
        let all = self.packages.is_empty();
        (all || self.packages.iter().any(|it| Some(&it.0) == package)) && hook_matches(&self.hooks, hook)
    }
}

impl Grant {
    /// Whether it is about a hook of a package.
    pub(crate) fn covers(&self, package: Option<&PackageName>, hook: &str) -> bool {
        Some(&self.package.0) == package && hook_matches(&self.hooks, hook)
    }
}

fn hook_matches(hooks: &[String], hook: &str) -> bool {
    hooks.is_empty() || hooks.iter().any(|it| it == hook)
}

impl ProgramPattern {
    /// Whether a program is meant that somebody asks for.
    pub(crate) fn matches(&self, asked: &Self) -> bool {
        self == asked || matches!((self, asked), (Self::AnyInHome, Self::InHome(_)))
    }
}

impl FromStr for ProgramPattern {
    type Err = ProgramPatternError;

    fn from_str(text: &str) -> Result<Self, ProgramPatternError> {
        let clean = |path: &str| {
            let mut names = path.split('/');
            !path.contains('\0') && names.all(|it| !matches!(it, "" | "." | ".."))
        };
        let absolute = |path: &str| path.strip_prefix('/').is_some_and(clean);
        match text.strip_prefix("image:") {
            _ if text == "home" => Ok(Self::AnyInHome),
            Some(path) if absolute(path) => Ok(Self::InImage(path.to_owned())),
            None if absolute(text) => Ok(Self::Path(text.to_owned())),
            None if clean(text) => Ok(Self::InHome(text.to_owned())),
            _ => Err(ProgramPatternError(text.to_owned())),
        }
    }
}

impl fmt::Display for ProgramPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyInHome => f.write_str("home"),
            Self::Path(path) | Self::InHome(path) => f.write_str(path),
            Self::InImage(path) => write!(f, "image:{path}"),
        }
    }
}

impl<'de> Deserialize<'de> for ProgramPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for PackageNameValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn programs_by_name() {
        let program = |text: &str| text.parse::<ProgramPattern>();
        for text in ["home", "/usr/bin/id", "image:/usr/bin/id", "bin/setup", "setup"] {
            assert_eq!(program(text).unwrap().to_string(), text);
        }
        for text in ["", "/", "../x", "/usr/../bin/id", "a//b", "./a", "image:bin/id", "image:", "/usr/bin/"]
        {
            assert!(program(text).is_err(), "{text}");
        }
        let allows = |granted: &str, asked: &str| program(granted).unwrap().matches(&program(asked).unwrap());
        assert!(allows("home", "bin/setup") && allows("/bin/id", "/bin/id") && allows("setup", "setup"));
        assert!(
            !allows("home", "/bin/id")
                && !allows("/bin/id", "image:/bin/id")
                && !allows("setup", "bin/setup")
        );
    }

    #[test]
    fn what_rules_and_grants_are_about() {
        let package: PackageName = "demo".parse().unwrap();
        let grant =
            Grant { package: PackageNameValue(package.clone()), hooks: Vec::new(), programs: Vec::new() };
        assert!(
            grant.covers(Some(&package), "api-post-image")
                && !grant.covers(Some(&"other".parse().unwrap()), "api-post-image")
        );
        let grant = Grant { hooks: vec!["api-post-deploy".into()], ..grant };
        assert!(
            !grant.covers(Some(&package), "api-post-image")
                && grant.covers(Some(&package), "api-post-deploy")
        );
        let rule =
            RunnerRule { name: "x".into(), hooks: Vec::new(), packages: Vec::new(), programs: Vec::new() };
        assert!(rule.covers(Some(&package), "api-post-image") && rule.covers(None, "test"));
        assert!(!grant.covers(None, "api-post-deploy"), "what belongs to no package has no grants");
    }
}
