//! The relations of one package, in RPM's words.

use opkg_plugin::artefacts::{NativeKind, NativeRelation};
use opkg_plugin::filter::Decision;
use opkg_plugin::finding;
use opkg_plugin::opkg::{Bound, Comparison, Diagnostic, HookTime, Kind, Node};
use opkg_plugin::parts::{Part, Resolved};
use opkg_plugin::scriptlet::Scriptlet;
use opkg_plugin::version::sign;

use crate::condition;
use crate::evr::{Evr, is_relation_version};
use crate::flavour::{Flavour, Weak};

/// One relation, and what the spec must test before it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// As the package gets it.
    pub native: NativeRelation,
    /// Lines that open a condition, `%if …` or `%ifarch …`, outermost first.
    pub conditions: Vec<String>,
    /// Whether it holds for the release and the architecture that binary packages are made for.
    pub settled: bool,
}

/// All relations of a package, the ones without a condition first; otherwise in the order of the file.
pub fn of(
    part: &Part<'_>,
    scriptlets: &[(Node, Scriptlet)],
    evr: &Evr,
    flavour: &Flavour,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Relation> {
    let mut relations = Vec::new();
    if let Some(name) = &part.requires_same {
        let bound = Bound { comparison: Comparison::Eq, version: evr.to_string() };
        relations.push(always(NativeKind::Requires, name.clone(), Some(bound)));
    }
    for resolved in &part.relations {
        let name = resolved.relation.name.clone();
        relations.extend(checked(resolved, name, flavour, findings));
    }
    for resolved in &part.opkg_conflicts {
        let name = format!("OPKG::{}", resolved.relation.name);
        relations.extend(checked(resolved, name, flavour, findings));
    }
    for (at, scriptlet) in scriptlets {
        relations.extend(needs(*at, scriptlet, findings));
    }
    let mut unique: Vec<Relation> = Vec::new();
    for relation in relations {
        if !unique.contains(&relation) {
            unique.push(relation);
        }
    }
    unique.sort_by_key(|relation| !relation.conditions.is_empty());
    unique
}

/// What a relation is called at the start of its line in a spec.
pub fn tag(kind: NativeKind) -> &'static str {
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

fn always(kind: NativeKind, name: String, bound: Option<Bound>) -> Relation {
    Relation { native: NativeRelation { kind, name, bound }, conditions: Vec::new(), settled: true }
}

fn checked(
    resolved: &Resolved<'_>,
    name: String,
    flavour: &Flavour,
    findings: &mut Vec<Diagnostic>,
) -> Option<Relation> {
    let relation = resolved.relation;
    if !is_name(&name) {
        finding::add(
            findings,
            cannot(relation.at, format!("RPM cannot express a relation to `{name}`"), flavour),
        );
        return None;
    }
    if let Some(bound) = &relation.bound
        && !is_relation_version(&bound.version)
    {
        let text = format!("{name} {} {}", sign(bound.comparison), bound.version);
        finding::add(
            findings,
            cannot(relation.at, format!("RPM cannot read the version in `{text}`"), flavour),
        );
        return None;
    }
    if relation.bound.is_some() && name.starts_with('/') {
        let message = format!("RPM allows no version with a file, as in `{name}`");
        let help = "leave the version out, or name the package that has the file";
        finding::add(findings, finding::error(relation.at, message, help));
        return None;
    }
    let mut conditions = Vec::new();
    let mut settled = flavour.subject.settle(&resolved.decision);
    if let Decision::Depends(condition) = &resolved.decision {
        conditions = condition::lines(relation.at, condition, flavour, findings);
    }
    let kind = match relation.kind {
        Kind::Requires => NativeKind::Requires,
        Kind::Provides => NativeKind::Provides,
        Kind::Conflicts => NativeKind::Conflicts,
        Kind::Suggests => {
            match &flavour.weak {
                Weak::Always => {}
                Weak::Never => {
                    let message = format!(
                        "{} has no weak dependencies, so `suggests` `{name}` is left out",
                        flavour.subject.name
                    );
                    finding::add(findings, finding::note(relation.at, message));
                    return None;
                }
                Weak::When { expression, by_default } => {
                    conditions.insert(0, format!("%if {expression}"));
                    settled &= by_default;
                }
            }
            NativeKind::Suggests
        }
    };
    let native = NativeRelation { kind, name, bound: relation.bound.clone() };
    Some(Relation { native, conditions, settled })
}

/// What a scriptlet needs at the time it runs.
fn needs(at: Node, scriptlet: &Scriptlet, findings: &mut Vec<Diagnostic>) -> Vec<Relation> {
    let kind = NativeKind::PreRequires(scriptlet.time);
    let mut relations = Vec::new();
    for program in &scriptlet.programs {
        if is_name(program) {
            relations.push(always(kind, program.clone(), None));
        } else {
            findings.push(finding::error(
                at,
                format!("RPM cannot express that this script needs `{program}`"),
                "name another interpreter in its first line",
            ));
        }
    }
    if scriptlet.is_carried() {
        // `mktemp` and `rm`; where they lie differs between releases, the package does not.
        relations.push(always(kind, "coreutils".to_owned(), None));
    }
    relations
}

fn cannot(at: Node, message: String, flavour: &Flavour) -> Diagnostic {
    let dist = flavour.subject.identities.first().map_or("", |identity| &identity.id);
    let help = format!(
        "put it into a group of its own whose filter leaves out {dist}: \
         `<filters><dist>…</dist></filters>` with only the distributions that have it"
    );
    finding::error(at, message, help)
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
