//! Filters (format, section 3) decided for one target, as far as the target allows.

use crate::finding;
use crate::opkg::{Comparison, Diagnostic, DistFilter, Filter, Target};
use crate::version::{Version, sign};

/// One id by which filters may mean the target, and the target's version as that id counts.
///
/// A target usually has several: CentOS asked for as `centos-7` is `centos` and `rhel`, both at 7.
#[derive(Debug, Clone)]
pub struct Identity {
    /// In lower case.
    pub id: String,
    /// Nothing if the target names none.
    pub version: Option<Version>,
    /// Decides where nothing can be left open.
    pub default: Version,
    /// Reads the version of a filter. Not only [`Version::parse`], since releases have names as well.
    pub read: fn(&str) -> Option<Version>,
}

/// What filters are decided for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// As it was asked for, `rhel-9`; for messages.
    pub name: String,
    /// Any of them matches.
    pub identities: Vec<Identity>,
    /// Used instead where a filter names none of `identities`: a derivative answers to its parent's id
    /// where a package does not know it.
    pub stand_ins: Vec<Identity>,
    /// Canonical, if the target names one.
    pub arch: Option<String>,
    /// Canonical; decides where nothing can be left open.
    pub machine: String,
}

/// A test of the target's version that the target leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTest {
    /// One of the subject's identities.
    pub id: String,
    /// Between the target's version and `version`.
    pub comparison: Comparison,
    /// As the identity reads it.
    pub version: Version,
    /// As the filter says it, for messages.
    pub written: String,
}

/// What remains to be tested, later and elsewhere. Both lists must match, in each one alternative is
/// enough, and an empty list matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// Alternatives.
    pub versions: Vec<VersionTest>,
    /// Alternatives, canonical.
    pub archs: Vec<String>,
}

/// Whether a filter lets the target pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Whatever else the target turns out to be.
    Yes,
    /// Likewise.
    No,
    /// The target is not named precisely enough.
    Depends(Condition),
}

impl Subject {
    /// A target that answers to these ids, and to no other where a package knows none of them.
    #[must_use]
    pub fn of(target: &Target, identities: Vec<Identity>) -> Self {
        let parts = [Some(&target.dist), target.version.as_ref(), target.arch.as_ref()];
        Self {
            name: parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("-"),
            identities,
            stand_ins: Vec::new(),
            arch: target.arch.clone(),
            machine: target.machine.clone(),
        }
    }

    /// Decides a filter. Tells in `findings` where the target's missing minor version was guessed, and
    /// where a version cannot be read.
    pub fn decide(&self, filter: &Filter, findings: &mut Vec<Diagnostic>) -> Decision {
        let Some(versions) = self.decide_dists(filter, findings) else { return Decision::No };
        let archs = match &self.arch {
            _ if filter.archs.is_empty() => Vec::new(),
            Some(arch) if filter.archs.contains(arch) => Vec::new(),
            Some(_) => return Decision::No,
            None => filter.archs.clone(),
        };
        if versions.is_empty() && archs.is_empty() {
            Decision::Yes
        } else {
            Decision::Depends(Condition { versions, archs })
        }
    }

    /// The same with nothing left open: the default version and the machine's architecture stand in.
    #[must_use]
    pub fn settle(&self, decision: &Decision) -> bool {
        match decision {
            Decision::Yes => true,
            Decision::No => false,
            Decision::Depends(condition) => {
                let versions = &condition.versions;
                (versions.is_empty() || versions.iter().any(|test| self.passes_by_default(test)))
                    && (condition.archs.is_empty() || condition.archs.iter().any(|arch| arch == self.arch()))
            }
        }
    }

    /// The architecture to build for: the target's, else the machine's.
    #[must_use]
    pub fn arch(&self) -> &str {
        self.arch.as_deref().unwrap_or(&self.machine)
    }

    /// Whether the distributions of a filter, whatever it says of architectures, leave the target a chance.
    pub fn may_be_meant(&self, filter: &Filter) -> bool {
        self.decide_dists(filter, &mut Vec::new()).is_some()
    }

    fn passes_by_default(&self, test: &VersionTest) -> bool {
        self.identities
            .iter()
            .chain(&self.stand_ins)
            .find(|identity| identity.id == test.id)
            .is_some_and(|identity| identity.default.satisfies(test.comparison, &test.version).holds)
    }

    /// Nothing if no alternative can match, no tests if one of them surely does.
    fn decide_dists(&self, filter: &Filter, findings: &mut Vec<Diagnostic>) -> Option<Vec<VersionTest>> {
        if filter.dists.is_empty() {
            return Some(Vec::new());
        }
        let named = |identities: &[Identity]| {
            filter.dists.iter().any(|dist| identities.iter().any(|identity| identity.id == dist.id))
        };
        let identities = if named(&self.identities) { &self.identities } else { &self.stand_ins };
        let mut open: Vec<VersionTest> = Vec::new();
        let mut sure = false;
        for dist in &filter.dists {
            for identity in identities.iter().filter(|identity| identity.id == dist.id) {
                match self.decide_dist(dist, identity, findings) {
                    Decision::Yes => sure = true,
                    Decision::No => {}
                    Decision::Depends(condition) => {
                        for test in condition.versions {
                            if !open.contains(&test) {
                                open.push(test);
                            }
                        }
                    }
                }
            }
        }
        match (sure, open.is_empty()) {
            (true, _) => Some(Vec::new()),
            (false, true) => None,
            (false, false) => Some(open),
        }
    }

    fn decide_dist(
        &self,
        dist: &DistFilter,
        identity: &Identity,
        findings: &mut Vec<Diagnostic>,
    ) -> Decision {
        let Some(bound) = &dist.bound else { return Decision::Yes };
        let Some(wanted) = (identity.read)(&bound.version) else {
            finding::add(
                findings,
                finding::warning(
                    dist.at,
                    format!(
                        "`{}` is not a version of {}, so this filter never matches",
                        bound.version, dist.id
                    ),
                    "write the number of a release, such as `9` or `9.4`",
                ),
            );
            return Decision::No;
        };
        let Some(version) = &identity.version else {
            let test = VersionTest {
                id: dist.id.clone(),
                comparison: bound.comparison,
                version: wanted,
                written: bound.version.clone(),
            };
            return Decision::Depends(Condition { versions: vec![test], archs: Vec::new() });
        };
        let answer = version.satisfies(bound.comparison, &wanted);
        if answer.guessed {
            let text = format!("{} {} {}", dist.id, sign(bound.comparison), bound.version);
            finding::add(
                findings,
                finding::warning(
                    dist.at,
                    format!(
                        "`{text}` is more precise than the target {}, whose minor version counts as 0 here",
                        self.name
                    ),
                    format!("name the minor version, for example `{}-{}`", dist.id, bound.version),
                ),
            );
        }
        if answer.holds { Decision::Yes } else { Decision::No }
    }
}
