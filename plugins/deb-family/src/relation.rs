//! Relations in Debian's words, for control files and for packages.

use std::fmt::Write as _;

use opkg_plugin::artefacts::{NativeKind, NativeRelation};
use opkg_plugin::filter::{Decision, Subject};
use opkg_plugin::finding;
use opkg_plugin::opkg::{Bound, Comparison, Diagnostic, HookTime, Kind, Relation};
use opkg_plugin::parts::{Part, Resolved};

use crate::arch::native_arch;
use crate::name::{self, Name};
use crate::version::Version;

/// The control field that a relation stands in, in the order in which fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Field {
    PreDepends,
    Depends,
    Suggests,
    Conflicts,
    Provides,
}

/// Which versions a relation is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Versions {
    /// All of them.
    Any,
    /// The version of the package that has the relation, as it was built: both are built anew for an architecture, or
    /// neither.
    SameBuild,
    /// The version of the source, which a package for all architectures keeps when others are built anew.
    SameSource,
    /// As in `>= 1.2`.
    Bound {
        /// `<<`, `<=`, `=`, `>=` or `>>`.
        sign: &'static str,
        /// Sound for dpkg.
        version: String,
    },
}

/// A relation to a package whose name is sound for dpkg.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Where it stands.
    pub field: Field,
    /// Of the other package.
    pub name: String,
    /// Of the other package.
    pub versions: Versions,
    /// Debian's names of the only architectures that have it; empty for all.
    pub archs: Vec<&'static str>,
    /// Whether the architecture that packages are built for has it.
    pub holds: bool,
}

impl Dependency {
    /// Unversioned, on every architecture.
    #[must_use]
    pub fn on(field: Field, name: &str) -> Self {
        Self { field, name: name.into(), versions: Versions::Any, archs: Vec::new(), holds: true }
    }

    /// The record of a binary package. `own` is that package's version.
    #[must_use]
    pub fn record(&self, own: &Version) -> NativeRelation {
        let bound = match &self.versions {
            Versions::Any => None,
            Versions::SameBuild | Versions::SameSource => {
                Some(Bound { comparison: Comparison::Eq, version: own.to_string() })
            }
            Versions::Bound { sign, version } => {
                let comparison = match *sign {
                    "<<" => Comparison::Lt,
                    "<=" => Comparison::Le,
                    ">=" => Comparison::Ge,
                    ">>" => Comparison::Gt,
                    _ => Comparison::Eq,
                };
                Some(Bound { comparison, version: version.clone() })
            }
        };
        let kind = match self.field {
            Field::PreDepends => NativeKind::PreRequires(HookTime::PreInstall),
            Field::Depends => NativeKind::Requires,
            Field::Suggests => NativeKind::Suggests,
            Field::Conflicts => NativeKind::Conflicts,
            Field::Provides => NativeKind::Provides,
        };
        NativeRelation { kind, name: self.name.clone(), bound }
    }
}

/// `foo (>= 1.2) [amd64], bar`. May hold the substitution variables `${binary:Version}` and
/// `${source:Version}`.
#[must_use]
pub fn list<'a>(dependencies: impl IntoIterator<Item = &'a Dependency>) -> String {
    let mut text = String::new();
    for dependency in dependencies {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&dependency.name);
        // Writing to a string cannot fail.
        let _ = match &dependency.versions {
            Versions::Any => Ok(()),
            Versions::SameBuild => write!(text, " (= ${{binary:Version}})"),
            Versions::SameSource => write!(text, " (= ${{source:Version}})"),
            Versions::Bound { sign, version } => write!(text, " ({sign} {version})"),
        };
        if !dependency.archs.is_empty() {
            let _ = write!(text, " [{}]", dependency.archs.join(" "));
        }
    }
    text
}

/// The relations of a part, in no order. `same` tells how the api package is named by its version.
pub fn of_part(
    part: &Part<'_>,
    same: &Versions,
    subject: &Subject,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut all = translate(&part.relations, subject, findings);
    if let Some(api) = &part.requires_same {
        all.push(Dependency { versions: same.clone(), ..Dependency::on(Field::Depends, api) });
    }
    all
}

/// Leaves out what another relation says as well, as dpkg-gencontrol does, so that the packages that it makes
/// have the relations that are told of them. Sorts what remains.
#[must_use]
pub fn simplify(mut all: Vec<Dependency>) -> Vec<Dependency> {
    all.sort();
    all.dedup();
    let is_said = |it: &Dependency| {
        all.iter().any(|other| {
            let weaker = other.field < it.field && it.field <= Field::Suggests;
            let implied = it.versions == Versions::Any && it.field <= Field::Suggests;
            other != it
                && other.name == it.name
                && other.archs.is_empty()
                && (other.field == it.field || weaker)
                && (other.versions == it.versions || implied)
        })
    };
    all.iter().filter(|it| !is_said(it)).cloned().collect()
}

/// The conflicts that are recorded but keep no api package from being installed beside another.
pub fn recorded(part: &Part<'_>, subject: &Subject, findings: &mut Vec<Diagnostic>) -> Vec<Dependency> {
    simplify(translate(&part.opkg_conflicts, subject, findings))
}

fn translate(
    relations: &[Resolved<'_>],
    subject: &Subject,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    relations
        .iter()
        .filter_map(|resolved| {
            let archs = archs(&resolved.decision)?;
            let holds = subject.settle(&resolved.decision);
            let dependency = read(resolved.relation, findings)?;
            Some(Dependency { archs, holds, ..dependency })
        })
        .collect()
}

/// What a relation is restricted to. Nothing if Debian has none of the architectures.
fn archs(decision: &Decision) -> Option<Vec<&'static str>> {
    match decision {
        Decision::Yes => Some(Vec::new()),
        Decision::No => None,
        Decision::Depends(condition) if condition.archs.is_empty() => Some(Vec::new()),
        Decision::Depends(condition) => {
            let mut archs: Vec<_> = condition.archs.iter().filter_map(|arch| native_arch(arch)).collect();
            archs.sort_unstable();
            archs.dedup();
            (!archs.is_empty()).then_some(archs)
        }
    }
}

/// Nothing if it cannot be said, or needs not be.
fn read(relation: &Relation, findings: &mut Vec<Diagnostic>) -> Option<Dependency> {
    let name = read_name(relation, findings)?;
    let field = match relation.kind {
        Kind::Requires => Field::Depends,
        Kind::Suggests => Field::Suggests,
        Kind::Conflicts => Field::Conflicts,
        Kind::Provides => Field::Provides,
    };
    let versions = match &relation.bound {
        None => Versions::Any,
        Some(bound) => read_bound(relation, bound, findings)?,
    };
    if field == Field::Depends && versions == Versions::Any && name::is_essential(&name) {
        finding::add(
            findings,
            finding::note(
                relation.at,
                format!("`{name}` is on every Debian system, so the dependency is left out"),
            ),
        );
        return None;
    }
    Some(Dependency { versions, ..Dependency::on(field, &name) })
}

fn read_name(relation: &Relation, findings: &mut Vec<Diagnostic>) -> Option<String> {
    let written = &relation.name;
    match name::read(written) {
        Name::Same => Some(written.clone()),
        Name::Adapted(adapted) => {
            let message = format!("`{written}` is called `{adapted}` on Debian");
            finding::add(findings, finding::note(relation.at, message));
            Some(adapted)
        }
        Name::Impossible => {
            finding::add(
                findings,
                finding::error(
                    relation.at,
                    format!("`{written}` cannot be the name of a Debian package"),
                    "name the Debian package in a group of its own with \
                     `<filters><dist>debian</dist></filters>`, and keep this one for the others with \
                     `<filters><dist>rhel</dist><dist>fc</dist><dist>suse</dist><dist>mdv</dist></filters>`",
                ),
            );
            None
        }
    }
}

fn read_bound(relation: &Relation, bound: &Bound, findings: &mut Vec<Diagnostic>) -> Option<Versions> {
    let written = &bound.version;
    let Some(version) = Version::of_relation(written) else {
        finding::add(
            findings,
            finding::error(
                relation.at,
                format!("`{written}` cannot be a version of a Debian package"),
                "write `[epoch:]upstream[-release]`, such as `1.2` or `1:1.2-3`",
            ),
        );
        return None;
    };
    let text = version.to_string();
    if text != *written && format!("0:{text}") != *written {
        let message = format!("version `{written}` is written `{text}` on Debian");
        finding::add(findings, finding::note(relation.at, message));
    }
    if relation.kind == Kind::Provides && bound.comparison != Comparison::Eq {
        finding::add(
            findings,
            finding::warning(
                relation.at,
                format!(
                    "a Debian package provides one version of `{}` or none; it is left out",
                    relation.name
                ),
                "write `rel=\"=\"`, or no version",
            ),
        );
        return Some(Versions::Any);
    }
    if relation.kind != Kind::Provides && bound.comparison == Comparison::Eq && version.revision.is_none() {
        let message = format!("on Debian `= {text}` is no {text}-1: without a release, it means just that");
        finding::add(findings, finding::note(relation.at, message));
    }
    let sign = match bound.comparison {
        Comparison::Lt => "<<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">>",
    };
    Some(Versions::Bound { sign, version: text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(all: &[(Field, &str, Option<&str>, &[&'static str])]) -> String {
        let all = all.iter().map(|&(field, name, version, archs)| Dependency {
            versions: version.map_or(Versions::Any, |it| Versions::Bound { sign: ">=", version: it.into() }),
            archs: archs.to_vec(),
            ..Dependency::on(field, name)
        });
        list(&simplify(all.collect()))
    }

    #[test]
    fn what_is_said_already_is_left_out() {
        use Field::{Depends, PreDepends, Suggests};
        assert_eq!(simplified(&[(Depends, "b", None, &[]), (Depends, "a", None, &[])]), "a, b");
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &[])]), "a (>= 1)");
        assert_eq!(simplified(&[(Depends, "a", None, &["amd64"]), (Depends, "a", None, &[])]), "a");
        assert_eq!(simplified(&[(Suggests, "a", None, &[]), (Depends, "a", Some("1"), &[])]), "a (>= 1)");
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (PreDepends, "a", None, &[])]), "a");
    }

    #[test]
    fn what_says_more_stays() {
        use Field::{Conflicts, Depends, Suggests};
        let both = "a, a (>= 1) [amd64]";
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &["amd64"])]), both);
        assert_eq!(simplified(&[(Suggests, "a", Some("1"), &[]), (Depends, "a", None, &[])]), "a, a (>= 1)");
        assert_eq!(simplified(&[(Conflicts, "a", None, &[]), (Depends, "a", None, &[])]), "a, a");
    }
}
