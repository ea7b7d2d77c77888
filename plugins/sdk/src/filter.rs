//! Evaluates filters (format, section 3) for one target, as far as the target is known.

use crate::diagnostic;
use crate::model::{BuildTarget, Comparison, Diagnostic, DistFilter, Filter, Node};
use crate::version::{ReleaseNumber, operator};

/// One id by which filters may mean the target, and the target's version as that id counts.
///
/// A target usually has several: CentOS asked for as `centos-7` is `centos` and `rhel`, both at 7.
#[derive(Debug, Clone)]
pub struct DistIdentity {
    /// In lower case.
    pub id: String,
    /// Nothing if the target names none.
    pub version: Option<ReleaseNumber>,
    /// Decides where nothing can be left open.
    pub default_version: ReleaseNumber,
    /// How versions of filters are written.
    pub version_syntax: VersionSyntax,
}

/// How the releases of a distribution are named in filters.
#[derive(Debug, Clone)]
pub enum VersionSyntax {
    /// Numbers with dots, or these names, whose case does not count.
    Named(Vec<(String, ReleaseNumber)>),
    /// In a way of its own, as this function reads it.
    Custom(fn(&str) -> Option<ReleaseNumber>),
}

impl VersionSyntax {
    /// Numbers with dots, and nothing else.
    #[must_use]
    pub fn numbers() -> Self {
        Self::Named(Vec::new())
    }

    /// Reads the version of a filter.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<ReleaseNumber> {
        match self {
            Self::Named(names) => {
                let named = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
                named.map(|(_, number)| number.clone()).or_else(|| ReleaseNumber::parse(text))
            }
            Self::Custom(parse) => parse(text),
        }
    }
}

/// What filters are decided for.
#[derive(Debug, Clone)]
pub struct FilterContext {
    /// As it was asked for, `rhel-9`; for messages.
    pub name: String,
    /// A filter matches if it names any of them.
    pub identities: Vec<DistIdentity>,
    /// Used instead where a filter names none of `identities`: a derivative answers to its parent's id
    /// where a package does not know it.
    pub fallback_identities: Vec<DistIdentity>,
    /// Canonical, if the target names one.
    pub arch: Option<String>,
    /// Canonical; decides where nothing can be left open.
    pub host_arch: String,
}

/// A test of the target's version that the target leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTest {
    /// One of the context's identities.
    pub id: String,
    /// Between the target's version and `version`.
    pub comparison: Comparison,
    /// As the identity reads it.
    pub version: ReleaseNumber,
    /// As the filter says it, for messages.
    pub source_text: String,
}

/// What remains to be tested, later and elsewhere. Both lists must match, in each one alternative is
/// enough, and an empty list matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// Tests of which one must hold.
    pub versions: Vec<VersionTest>,
    /// Canonical names of which one must be that of the machine.
    pub archs: Vec<String>,
}

/// Whether a filter lets the target pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterMatch {
    /// Whatever the version and the architecture of the target are.
    Always,
    /// Whatever the version and the architecture of the target are.
    Never,
    /// It depends on the version or the architecture, which the target does not name.
    Conditional(Condition),
}

impl FilterContext {
    /// A target that answers to these ids, and to no other where a package knows none of them.
    #[must_use]
    pub fn new(target: &BuildTarget, identities: Vec<DistIdentity>) -> Self {
        let parts = [Some(&target.dist), target.version.as_ref(), target.arch.as_ref()];
        Self {
            name: parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("-"),
            identities,
            fallback_identities: Vec::new(),
            arch: target.arch.clone(),
            host_arch: target.machine.clone(),
        }
    }

    /// Decides a filter. Tells in `diagnostics` where the target's missing minor version was guessed, and
    /// where a version cannot be read.
    pub fn evaluate(&self, filter: &Filter, diagnostics: &mut Vec<Diagnostic>) -> FilterMatch {
        let Some(versions) = self.evaluate_dists(filter, diagnostics) else { return FilterMatch::Never };
        let archs = match &self.arch {
            _ if filter.archs.is_empty() => Vec::new(),
            Some(arch) if filter.archs.contains(arch) => Vec::new(),
            Some(_) => return FilterMatch::Never,
            None => filter.archs.clone(),
        };
        if versions.is_empty() && archs.is_empty() {
            FilterMatch::Always
        } else {
            FilterMatch::Conditional(Condition { versions, archs })
        }
    }

    /// Whether it matches with the default version and the architecture of the machine.
    #[must_use]
    pub fn matches_by_default(&self, decision: &FilterMatch) -> bool {
        match decision {
            FilterMatch::Always => true,
            FilterMatch::Never => false,
            FilterMatch::Conditional(condition) => {
                let versions = &condition.versions;
                (versions.is_empty() || versions.iter().any(|test| self.test_holds_by_default(test)))
                    && (condition.archs.is_empty()
                        || condition.archs.iter().any(|arch| arch == self.build_arch()))
            }
        }
    }

    /// Decides the filter of a rule that holds or does not. Notes in `diagnostics` that what is said of `subject` counts as for
    /// the default release, where the target names none and that makes a difference.
    pub(crate) fn decide(
        &self,
        filter: &Filter,
        at: Node,
        subject: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> bool {
        let decision = self.evaluate(filter, diagnostics);
        if let FilterMatch::Conditional(condition) = &decision
            && !condition.versions.is_empty()
        {
            let message = format!(
                "{} names no version, and what is said of {subject} counts as for its default release",
                self.name
            );
            diagnostic::push_unique(diagnostics, diagnostic::note(at, message));
        }
        self.matches_by_default(&decision)
    }

    /// The architecture to build for: the target's, else the machine's.
    #[must_use]
    pub fn build_arch(&self) -> &str {
        self.arch.as_deref().unwrap_or(&self.host_arch)
    }

    /// Whether the distributions of a filter, whatever it says of architectures, leave the target a chance.
    pub fn may_match(&self, filter: &Filter) -> bool {
        self.evaluate_dists(filter, &mut Vec::new()).is_some()
    }

    fn test_holds_by_default(&self, test: &VersionTest) -> bool {
        self.identities
            .iter()
            .chain(&self.fallback_identities)
            .find(|identity| identity.id == test.id)
            .is_some_and(|identity| {
                identity.default_version.satisfies(test.comparison, &test.version).is_satisfied
            })
    }

    /// Nothing if no alternative can match, no tests if one of them surely does.
    fn evaluate_dists(&self, filter: &Filter, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<VersionTest>> {
        if filter.dists.is_empty() {
            return Some(Vec::new());
        }
        let named = |identities: &[DistIdentity]| {
            filter.dists.iter().any(|dist| identities.iter().any(|identity| identity.id == dist.id))
        };
        let identities = if named(&self.identities) { &self.identities } else { &self.fallback_identities };
        let mut open: Vec<VersionTest> = Vec::new();
        let mut sure = false;
        for dist in &filter.dists {
            for identity in identities.iter().filter(|identity| identity.id == dist.id) {
                match self.evaluate_dist(dist, identity, diagnostics) {
                    FilterMatch::Always => sure = true,
                    FilterMatch::Never => {}
                    FilterMatch::Conditional(condition) => {
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

    fn evaluate_dist(
        &self,
        dist: &DistFilter,
        identity: &DistIdentity,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> FilterMatch {
        let Some(bound) = &dist.bound else { return FilterMatch::Always };
        let Some(wanted) = identity.version_syntax.parse(&bound.version) else {
            diagnostic::push_unique(
                diagnostics,
                diagnostic::warning(
                    dist.at,
                    format!(
                        "`{}` is not a version of {}, so this filter never matches",
                        bound.version, dist.id
                    ),
                    "write the number of a release, such as `9` or `9.4`",
                ),
            );
            return FilterMatch::Never;
        };
        let Some(version) = &identity.version else {
            let test = VersionTest {
                id: dist.id.clone(),
                comparison: bound.comparison,
                version: wanted,
                source_text: bound.version.clone(),
            };
            return FilterMatch::Conditional(Condition { versions: vec![test], archs: Vec::new() });
        };
        let answer = version.satisfies(bound.comparison, &wanted);
        if answer.is_guess {
            let text = format!("{} {} {}", dist.id, operator(bound.comparison), bound.version);
            diagnostic::push_unique(
                diagnostics,
                diagnostic::warning(
                    dist.at,
                    format!(
                        "`{text}` is more precise than the target {}, whose minor version counts as 0 here",
                        self.name
                    ),
                    format!("name the minor version, for example `{}-{}`", dist.id, bound.version),
                ),
            );
        }
        if answer.is_satisfied { FilterMatch::Always } else { FilterMatch::Never }
    }
}
