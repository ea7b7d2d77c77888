//! The relations of one package, translated for RPM.

use opkg_sdk::artefacts::{NativeKind, NativePackage, NativeRelation};
use opkg_sdk::diagnostic;
use opkg_sdk::filter::FilterMatch;
use opkg_sdk::model::{Bound, Comparison, Diagnostic, Node, RelationKind, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation, conjunction, element_name};
use opkg_sdk::release_tag::{is_opkg_package, widen_bound};
use opkg_sdk::scriptlet::Scriptlet;
use opkg_sdk::version::operator;

use crate::alternatives;
use crate::condition;
use crate::evr::{self, Evr};
use crate::profile::{ReleaseProfile, Support, WeakDependencies};
use crate::systemd;
use crate::triggers;

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
        relations.extend(translate(resolved, tag, profile, diagnostics));
    }
    for resolved in &part.opkg_conflicts {
        let mut recorded = resolved.clone();
        for package in &mut recorded.any_of {
            package.name = format!("OPKG::{}", package.name).into();
        }
        relations.extend(translate(&recorded, tag, profile, diagnostics));
    }
    for (at, scriptlet) in scriptlets {
        relations.extend(scriptlet_requirements(*at, scriptlet, diagnostics));
    }
    let additions = [
        systemd::requirements(part, profile),
        alternatives::requirements(part),
        triggers::requirements(part, profile),
    ]
    .concat();
    for (kind, name) in additions {
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
            ScriptTime::PreInstall => "Requires(pre)",
            ScriptTime::PostInstall => "Requires(post)",
            ScriptTime::PreUninstall => "Requires(preun)",
            ScriptTime::PostUninstall => "Requires(postun)",
            ScriptTime::PostTransaction => "Requires(posttrans)",
            ScriptTime::PreTransaction => "Requires(pretrans)",
            ScriptTime::PreRemovalTransaction => "Requires(preuntrans)",
            ScriptTime::PostRemovalTransaction => "Requires(postuntrans)",
            // RPM has no mark for the time at which a trigger runs, and no scriptlets for upgrades alone.
            ScriptTime::PreUpgrade | ScriptTime::PostUpgrade | ScriptTime::Triggered => "Requires",
        },
        NativeKind::Provides => "Provides",
        // RPM knows one kind of conflict.
        NativeKind::Conflicts | NativeKind::Breaks => "Conflicts",
        NativeKind::Obsoletes => "Obsoletes",
        NativeKind::Recommends => "Recommends",
        NativeKind::Suggests => "Suggests",
        NativeKind::Supplements => "Supplements",
        NativeKind::Enhances => "Enhances",
    }
}

fn unconditional(kind: NativeKind, name: String, bound: Option<Bound>) -> SpecRelation {
    let native = NativeRelation { kind, name, bound, alternatives: Vec::new(), condition: None };
    SpecRelation { native, is_own_version: false, conditions: Vec::new(), applies: true }
}

fn translate(
    resolved: &ResolvedRelation<'_>,
    tag: Option<&str>,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<SpecRelation> {
    let kind = resolved.kind;
    let mut alternatives: Vec<Vec<NativePackage>> = Vec::new();
    for package in &resolved.any_of {
        alternatives.extend(translate_package(package, kind, tag, profile, diagnostics));
    }
    if alternatives.len() < resolved.any_of.len() {
        return Vec::new();
    }
    let Some(Weakness { native, expression, by_default }) = native_kind(resolved, profile, diagnostics)
    else {
        return Vec::new();
    };
    let mut conditions: Vec<String> = expression.map(|it| format!("%if {it}")).into_iter().collect();
    let applies = profile.filter_context.matches_by_default(&resolved.filter_match) && by_default;
    if let FilterMatch::Conditional(condition) = &resolved.filter_match {
        conditions.extend(condition::condition_lines(resolved.at, condition, profile, diagnostics));
    }
    let first = &alternatives[..1];
    let relations = |any_of: &[Vec<NativePackage>], also: Option<String>, holds: bool| -> Vec<SpecRelation> {
        let conditions: Vec<String> = also.into_iter().chain(conditions.iter().cloned()).collect();
        let clauses = conjunction(any_of).into_iter().filter_map(|clause| {
            let mut packages = clause.into_iter();
            let NativePackage { name, bound } = packages.next()?;
            let native = NativeRelation {
                kind: native,
                name,
                bound,
                alternatives: packages.collect(),
                condition: None,
            };
            Some(SpecRelation {
                native,
                is_own_version: false,
                conditions: conditions.clone(),
                applies: applies && holds,
            })
        });
        clauses.collect()
    };
    match profile.alternatives() {
        _ if alternatives.len() == 1 => relations(&alternatives, None, true),
        Support::Always => relations(&alternatives, None, true),
        // Where the condition on weak dependencies holds, that on alternatives does.
        Support::Conditional { .. } if expression.is_some() => relations(&alternatives, None, true),
        Support::Never => {
            report_first_alternative(resolved, profile, diagnostics);
            relations(first, None, true)
        }
        Support::Conditional { expression, by_default } => {
            let mut both = relations(&alternatives, Some(format!("%if {expression}")), by_default);
            both.extend(relations(first, Some(format!("%if !({expression})")), !by_default));
            both
        }
    }
}

/// How a relation is said in RPM.
struct Weakness<'a> {
    native: NativeKind,
    /// For `%if`, where not every release that the spec is for knows it.
    expression: Option<&'a str>,
    /// Whether the release that packages are made for does.
    by_default: bool,
}

/// Nothing where the release's RPM cannot say it, which is told.
fn native_kind<'a>(
    resolved: &ResolvedRelation<'_>,
    profile: &'a ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Weakness<'a>> {
    let strong = |native| Some(Weakness { native, expression: None, by_default: true });
    let weak = match resolved.kind {
        RelationKind::Requires => return strong(NativeKind::Requires),
        RelationKind::PreRequires => return strong(NativeKind::PreRequires(ScriptTime::PreInstall)),
        RelationKind::Provides => return strong(NativeKind::Provides),
        RelationKind::Conflicts => return strong(NativeKind::Conflicts),
        RelationKind::Breaks => return strong(NativeKind::Breaks),
        RelationKind::Obsoletes => return strong(NativeKind::Obsoletes),
        RelationKind::Recommends => NativeKind::Recommends,
        RelationKind::Suggests => NativeKind::Suggests,
        RelationKind::Supplements => NativeKind::Supplements,
        RelationKind::Enhances => NativeKind::Enhances,
    };
    let element = element_name(resolved.kind);
    let name = &profile.filter_context.name;
    let related = describe(resolved);
    match &profile.weak_dependencies {
        WeakDependencies::Always => strong(weak),
        WeakDependencies::SuggestsAlone if resolved.kind == RelationKind::Suggests => strong(weak),
        WeakDependencies::SuggestsAlone if resolved.kind == RelationKind::Recommends => {
            let message = format!(
                "{name} knows no other weak dependency than `suggests`, which `{element}` {related} becomes"
            );
            let help = "write `requires` where the package is of no use without it";
            diagnostic::push_unique(diagnostics, diagnostic::warning(resolved.at, message, help));
            strong(NativeKind::Suggests)
        }
        WeakDependencies::SuggestsAlone | WeakDependencies::Never => {
            let known = match &profile.weak_dependencies {
                WeakDependencies::Never => "has no weak dependencies",
                _ => "knows no other weak dependency than `suggests`",
            };
            let message = format!("{name} {known}, so `{element}` {related} is left out");
            let found = match resolved.kind {
                RelationKind::Suggests => diagnostic::note(resolved.at, message),
                RelationKind::Recommends => diagnostic::warning(resolved.at, message, NO_RECOMMENDS_HELP),
                _ => diagnostic::warning(resolved.at, message, NO_REVERSE_HELP),
            };
            diagnostic::push_unique(diagnostics, found);
            None
        }
        WeakDependencies::Conditional { expression, by_default } => {
            Some(Weakness { native: weak, expression: Some(expression), by_default: *by_default })
        }
    }
}

const NO_RECOMMENDS_HELP: &str = "write `requires` in a group of its own for this release where the package is of no use \
                                  without it, and leave this release out here with `filters`";
const NO_REVERSE_HELP: &str =
    "ask for both where they belong together, and leave this release out here with `filters`";

fn describe(resolved: &ResolvedRelation<'_>) -> String {
    let names: Vec<String> = resolved.any_of.iter().map(|package| format!("`{}`", package.name)).collect();
    names.join(" or ")
}

fn report_first_alternative(
    resolved: &ResolvedRelation<'_>,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let first = resolved.any_of.first().map_or("", |package| &package.name);
    let message = format!(
        "the RPM of {} knows no alternatives: of {}, only `{first}` counts there",
        profile.filter_context.name,
        describe(resolved)
    );
    let help = "put the one that this release has into a group of its own with `filters`, or first";
    diagnostic::push_unique(diagnostics, diagnostic::warning(resolved.at, message, help));
}

/// The package with the bounds that say together what its bound says, or each by itself: see [`widen_bound`]. Nothing where
/// RPM cannot say it, which is told.
fn translate_package(
    package: &ResolvedPackage<'_>,
    kind: RelationKind,
    tag: Option<&str>,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<NativePackage>> {
    let name = package.name.as_ref();
    let mut refuse = |message: String| {
        diagnostic::push_unique(diagnostics, unsupported(package.at, message, profile));
    };
    if !is_name(name) {
        refuse(format!("RPM cannot express a relation to `{name}`"));
        return None;
    }
    if kind == RelationKind::Obsoletes && !is_package_name(name) {
        refuse(format!("RPM replaces packages by their names alone, and `{name}` is none"));
        return None;
    }
    let bound = match package.bound {
        None => None,
        Some(bound) => {
            let version = package
                .version()
                .and_then(|version| evr::relation_version(&version, package.at, profile, diagnostics));
            let Some(version) = version else {
                let text = format!("{name} {} {}", operator(bound.comparison), bound.version);
                let message = format!("RPM cannot read the version in `{text}`");
                diagnostic::push_unique(diagnostics, unsupported(package.at, message, profile));
                return None;
            };
            Some(Bound { comparison: bound.comparison, version })
        }
    };
    if bound.is_some() && name.starts_with('/') {
        let message = format!("RPM allows no version with a file, as in `{name}`");
        let help = "leave the version out, or name the package that has the file";
        diagnostic::push_unique(diagnostics, diagnostic::error(package.at, message, help));
        return None;
    }
    let bounds: Vec<Option<Bound>> = match (bound, tag) {
        (Some(bound), Some(tag)) if is_opkg_package(name) && bound.version.contains('-') => {
            widen_bound(kind, &bound, tag, &evr::release_tags()).into_iter().map(Some).collect()
        }
        (bound, _) => vec![bound],
    };
    Some(bounds.into_iter().map(|bound| NativePackage { name: name.to_owned(), bound }).collect())
}

/// What a scriptlet needs at the time it runs.
fn scriptlet_requirements(
    at: Node,
    scriptlet: &Scriptlet,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<SpecRelation> {
    let kind = match scriptlet.time {
        ScriptTime::Triggered => NativeKind::Requires,
        time => NativeKind::PreRequires(time),
    };
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

/// Whether it can be the name of a package, as opposed to a capability.
fn is_package_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'))
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
