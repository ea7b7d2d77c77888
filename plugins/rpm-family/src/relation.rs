//! The relations of one package, translated for RPM.

use opkg_sdk::artefacts::{NativeKind, NativeRelation};
use opkg_sdk::diagnostic;
use opkg_sdk::filter::FilterMatch;
use opkg_sdk::opkg::{Bound, Comparison, Diagnostic, HookTime, Kind, Node};
use opkg_sdk::parts::{PartPlan, ResolvedRelation};
use opkg_sdk::release_tag::{is_opkg_package, widen_bound};
use opkg_sdk::scriptlet::Scriptlet;
use opkg_sdk::version::operator;

use crate::condition;
use crate::evr::{self, Evr, RELEASE_TAGS};
use crate::profile::{ReleaseProfile, WeakDependencies};
use crate::systemd;

/// One relation, and what the spec must test before it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecRelation {
    /// As the package gets it.
    pub native: NativeRelation,
    /// Whether its bound is the version being built, of which the spec may leave a part to the release that it is built
    /// on.
    pub is_own_version: bool,
    /// Lines that open a condition, `%if …` or `%ifarch …`, outermost first.
    pub conditions: Vec<String>,
    /// Whether it holds for the release and the architecture that binary packages are made for.
    pub applies: bool,
}

/// All relations of a package, the ones without a condition first; otherwise in the order of the file.
pub fn from_part(
    part: &PartPlan<'_>,
    scriptlets: &[(Node, Scriptlet)],
    evr: &Evr,
    tag: Option<&str>,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<SpecRelation> {
    let mut relations = Vec::new();
    if let Some(name) = &part.same_version_requirement {
        let bound = Bound { comparison: Comparison::Eq, version: evr.to_string() };
        let exact = unconditional(NativeKind::Requires, name.clone(), Some(bound));
        relations.push(SpecRelation { is_own_version: true, ..exact });
    }
    for resolved in &part.relations {
        let name = resolved.relation.name.clone();
        relations.extend(translate(resolved, name, tag, profile, diagnostics));
    }
    for resolved in &part.opkg_conflicts {
        let name = format!("OPKG::{}", resolved.relation.name);
        relations.extend(translate(resolved, name, tag, profile, diagnostics));
    }
    for (at, scriptlet) in scriptlets {
        relations.extend(scriptlet_requirements(*at, scriptlet, diagnostics));
    }
    for (kind, name) in systemd::requirements(part, profile) {
        relations.push(unconditional(kind, name.to_owned(), None));
    }
    let mut unique: Vec<SpecRelation> = Vec::new();
    for relation in relations {
        if !unique.contains(&relation) {
            unique.push(relation);
        }
    }
    unique.sort_by_key(|relation| !relation.conditions.is_empty());
    unique
}

/// What a relation is called at the start of its line in a spec.
pub fn spec_tag(kind: NativeKind) -> &'static str {
    match kind {
        NativeKind::Requires => "Requires",
        NativeKind::PreRequires(time) => match time {
            HookTime::PreInstall => "Requires(pre)",
            HookTime::PostInstall => "Requires(post)",
            HookTime::PreUninstall => "Requires(preun)",
            HookTime::PostUninstall => "Requires(postun)",
        },
        NativeKind::Provides => "Provides",
        NativeKind::Conflicts => "Conflicts",
        NativeKind::Obsoletes => "Obsoletes",
        NativeKind::Recommends => "Recommends",
        NativeKind::Suggests => "Suggests",
    }
}

fn unconditional(kind: NativeKind, name: String, bound: Option<Bound>) -> SpecRelation {
    let native = NativeRelation { kind, name, bound };
    SpecRelation { native, is_own_version: false, conditions: Vec::new(), applies: true }
}

fn translate(
    resolved: &ResolvedRelation<'_>,
    name: String,
    tag: Option<&str>,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<SpecRelation> {
    let relation = resolved.relation;
    if !is_name(&name) {
        diagnostic::push_unique(
            diagnostics,
            unsupported(relation.at, format!("RPM cannot express a relation to `{name}`"), profile),
        );
        return Vec::new();
    }
    let bound = match &relation.bound {
        None => None,
        Some(bound) => match evr::relation_version(&bound.version, relation.at, profile, diagnostics) {
            Some(version) => Some(Bound { comparison: bound.comparison, version }),
            None => {
                let text = format!("{name} {} {}", operator(bound.comparison), bound.version);
                diagnostic::push_unique(
                    diagnostics,
                    unsupported(relation.at, format!("RPM cannot read the version in `{text}`"), profile),
                );
                return Vec::new();
            }
        },
    };
    if bound.is_some() && name.starts_with('/') {
        let message = format!("RPM allows no version with a file, as in `{name}`");
        let help = "leave the version out, or name the package that has the file";
        diagnostic::push_unique(diagnostics, diagnostic::error(relation.at, message, help));
        return Vec::new();
    }
    let mut conditions = Vec::new();
    let mut settled = profile.filter_context.matches_by_default(&resolved.filter_match);
    if let FilterMatch::Conditional(condition) = &resolved.filter_match {
        conditions = condition::condition_lines(relation.at, condition, profile, diagnostics);
    }
    let kind = match relation.kind {
        Kind::Requires => NativeKind::Requires,
        Kind::Provides => NativeKind::Provides,
        Kind::Conflicts => NativeKind::Conflicts,
        Kind::Suggests => {
            match &profile.weak_dependencies {
                WeakDependencies::Always => {}
                WeakDependencies::Never => {
                    let message = format!(
                        "{} has no weak dependencies, so `suggests` `{name}` is left out",
                        profile.filter_context.name
                    );
                    diagnostic::push_unique(diagnostics, diagnostic::note(relation.at, message));
                    return Vec::new();
                }
                WeakDependencies::Conditional { expression, by_default } => {
                    conditions.insert(0, format!("%if {expression}"));
                    settled &= by_default;
                }
            }
            NativeKind::Suggests
        }
    };
    let bounds: Vec<Option<Bound>> = match (bound, tag) {
        (Some(bound), Some(tag)) if is_opkg_package(&name) && bound.version.contains('-') => {
            widen_bound(relation.kind, &bound, tag, RELEASE_TAGS).into_iter().map(Some).collect()
        }
        (bound, _) => vec![bound],
    };
    let relation = |bound| SpecRelation {
        native: NativeRelation { kind, name: name.clone(), bound },
        is_own_version: false,
        conditions: conditions.clone(),
        applies: settled,
    };
    bounds.into_iter().map(relation).collect()
}

/// What a scriptlet needs at the time it runs.
fn scriptlet_requirements(
    at: Node,
    scriptlet: &Scriptlet,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<SpecRelation> {
    let kind = NativeKind::PreRequires(scriptlet.time);
    let mut relations = Vec::new();
    for program in &scriptlet.required_programs {
        if is_name(program) {
            relations.push(unconditional(kind, program.clone(), None));
        } else {
            diagnostics.push(diagnostic::error(
                at,
                format!("RPM cannot express that this script needs `{program}`"),
                "name another interpreter in its first line",
            ));
        }
    }
    if scriptlet.is_embedded() {
        // `mktemp` and `rm`; where they lie differs between releases, the package does not.
        relations.push(unconditional(kind, "coreutils".to_owned(), None));
    }
    relations
}

fn unsupported(at: Node, message: String, profile: &ReleaseProfile) -> Diagnostic {
    let dist = profile.filter_context.identities.first().map_or("", |identity| &identity.id);
    let help = format!(
        "put it into a group of its own whose filter leaves out {dist}: \
         `<filters><dist>…</dist></filters>` with only the distributions that have it"
    );
    diagnostic::error(at, message, help)
}

/// Whether RPM reads this as one name: it begins with a letter, a digit, `_` or `/`, and holds nothing that
/// ends a name or compares it. Between parentheses, as in `font(:lang=en)`, signs are free.
fn is_name(name: &str) -> bool {
    let mut depth = 0_i32;
    for character in name.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '<' | '>' | '=' if depth == 0 => return false,
            ',' | '"' | '\'' | '\\' => return false,
            other if other.is_whitespace() || other.is_control() => return false,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && name.starts_with(|first: char| first.is_ascii_alphanumeric() || matches!(first, '_' | '/'))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_of_capabilities() {
        for good in
            ["a", "perl(XML::Simple)", "/usr/bin/foo", "libfoo.so.1()(64bit)", "font(:lang=en)", "a%b"]
        {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "a,b", "a>=1", "(a or b)", "-a", "a(", "a)(", "\u{a0}a", "a\u{2003}b", "%{x}"]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
