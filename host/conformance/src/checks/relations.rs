//! Relations: all that hold for the target, and no others.

use opkg::model::{Comparison as Wanted, Part, RelatedName, RelatedPackage, Relation, RelationKind, Scope};
use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{BinaryPackage, Bound, Comparison, NativeKind};

use crate::filter::Verdict;
use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{PARTS, Scene, active_text, excerpt, has_word, part_name};

pub const GROUP: RuleGroup =
    RuleGroup { title: "Relations", rules: &[COMPLETE, FILTERED, KINDS, BOUNDS, ALTERNATIVES] };

const COMPLETE: Rule = Rule {
    name: "relations-complete",
    sentence: "Each relation whose filter matches is in the packages of its parts, or the author is told.",
    reason: "A package without a relation breaks on a machine where nothing else brings what it needs. What the family cannot \
             express is a diagnostic at the relation, or an error.",
    advice: "Translate all relations of the plan; report those that cannot be, with `at` of the relation.",
};
const FILTERED: Rule = Rule {
    name: "relations-filtered",
    sentence: "No package has a relation that nobody asked for: of another part, or whose filter excludes the target.",
    reason: "A package that requires what the distribution does not have cannot be installed. What the target leaves open is \
             decided by the default release and architecture.",
    advice: "Decide filters with `FilterContext::matches_by_default` where binary packages are made.",
};
const KINDS: Rule = Rule {
    name: "relation-kinds",
    sentence: "A relation says what it says in the OPKG: what is required is not suggested, what is excluded not required.",
    reason: "A kind that the family does not have becomes the one that comes closest to it, in the same direction.",
    advice: "See the table of kinds in docs/config.xml.md.",
};
const BOUNDS: Rule = Rule {
    name: "relation-bounds",
    sentence: "A bound on versions arrives: the version, its epoch, and the direction.",
    reason: "A lost bound installs what does not work. Another form is fine, as two bounds in the place of `=`, for the tag of a \
             release that the author cannot know.",
    advice: "Use `opkg_sdk::package_version` to read versions, and report those that the family cannot compare.",
};
const ALTERNATIVES: Rule = Rule {
    name: "alternatives-together",
    sentence: "Packages of which one is enough stay alternatives, or the author is told.",
    reason: "Taken apart, all of them would be required.",
    advice: "Write all of them into one relation; where the format has no alternatives, take the first and say so.",
};

/// How the names begin by which OPKGs of the suite ask for packages.
const PREFIX: &str = "zq-";

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    for part in PARTS {
        let Some(package) = scene.package(part) else { continue };
        // Where no record says them, relations are lines of members.
        let text =
            if scene.leaves_open(ArchiveMetadata::RELATIONS) { active_text(package) } else { String::new() };
        let mut allowed: Vec<String> = Vec::new();
        for relation in &scene.test.opkg.relations {
            if !is_of_part(relation, part) {
                continue;
            }
            let verdict = scene.decide(&relation.filter);
            if verdict != Verdict::Excludes {
                allowed.extend(relation.any_of.iter().map(|it| native_name(it, part)));
            }
            if verdict == Verdict::Matches {
                check_relation(scene, package, part, relation, &text, ledger);
            }
        }
        check_unasked(scene, package, &allowed, &text, ledger);
    }
}

/// Whether a part gets a relation (format, 3.3).
fn is_of_part(relation: &Relation, part: Part) -> bool {
    match relation.scope {
        Scope::Part(of) => of == part,
        Scope::Common | Scope::Whole => part != Part::Api,
    }
}

fn native_name(package: &RelatedPackage, part: Part) -> String {
    match &package.name {
        RelatedName::Native(name) => name.clone(),
        RelatedName::Opkg { name, part: of } => part_name(name, of.unwrap_or(part)),
    }
}

fn check_relation(
    scene: &Scene<'_>,
    package: &BinaryPackage,
    part: Part,
    relation: &Relation,
    text: &str,
    ledger: &mut Ledger,
) {
    let nodes: Vec<_> = relation.any_of.iter().map(|it| it.at).chain([relation.at]).collect();
    let names: Vec<String> = relation.any_of.iter().map(|it| native_name(it, part)).collect();
    let is_told = scene.is_told(&nodes) || names.iter().any(|name| scene.is_named(name));
    for (related, name) in relation.any_of.iter().zip(&names) {
        let found = entries(package, name);
        let is_there = !found.is_empty() || has_word(text, name);
        scene.check(ledger, &COMPLETE, is_there || is_told, || {
            format!(
                "{} does not mention {}, which the OPKG {}",
                package.name,
                excerpt(name),
                verb(relation.kind)
            )
        });
        if found.is_empty() || is_told {
            continue;
        }
        let fits = found.iter().any(|(kind, _)| is_kind(*kind, relation.kind));
        scene.check(ledger, &KINDS, fits, || {
            let kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
            format!("{} {} as {kinds:?}, which the OPKG {}", package.name, excerpt(name), verb(relation.kind))
        });
        if let Some(bound) = &related.bound {
            let bounds: Vec<&Bound> = found.iter().filter_map(|(_, bound)| *bound).collect();
            let holds = has_bound(&bounds, bound.comparison, &bound.version);
            scene.check(ledger, &BOUNDS, holds, || {
                format!("{} says {bounds:?} of {}, the OPKG {bound:?}", package.name, excerpt(name))
            });
        }
    }
    if relation.any_of.len() > 1 && !scene.leaves_open(ArchiveMetadata::RELATIONS) {
        let together = package.relations.iter().any(|native| {
            let together: Vec<&str> = native.packages().map(|(name, _)| name).collect();
            names.iter().all(|name| together.contains(&name.as_str()))
        });
        scene.check(ledger, &ALTERNATIVES, together || is_told, || {
            format!("{} has no relation to one of {}", package.name, names.join(", "))
        });
    }
}

/// What a package says of a name: how, and of which versions.
fn entries<'p>(package: &'p BinaryPackage, name: &str) -> Vec<(NativeKind, Option<&'p Bound>)> {
    let all = package
        .relations
        .iter()
        .flat_map(|it| it.packages().map(move |(name, bound)| (it.kind, name, bound)));
    all.filter(|(_, found, _)| *found == name).map(|(kind, _, bound)| (kind, bound)).collect()
}

fn check_unasked(
    scene: &Scene<'_>,
    package: &BinaryPackage,
    allowed: &[String],
    text: &str,
    ledger: &mut Ledger,
) {
    let named = package.relations.iter().flat_map(|it| it.packages().map(|(name, _)| name));
    for name in named.filter(|name| name.starts_with(PREFIX)) {
        scene.check(ledger, &FILTERED, allowed.iter().any(|it| it == name), || {
            format!("{} has a relation to {}, which is not for it", package.name, excerpt(name))
        });
    }
    // What is not for this part or target, and stands nowhere.
    for relation in &scene.test.opkg.relations {
        for related in &relation.any_of {
            let RelatedName::Native(name) = &related.name else { continue };
            if !name.starts_with(PREFIX) || allowed.contains(name) || text.is_empty() {
                continue;
            }
            // The api part records conflicts of the OPKG as such.
            if relation.scope == Scope::Whole && relation.kind == RelationKind::Conflicts {
                continue;
            }
            scene.check(ledger, &FILTERED, !has_word(text, name), || {
                format!("{} mentions {}, which is not for it", package.name, excerpt(name))
            });
        }
    }
}

fn verb(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Requires => "requires",
        RelationKind::PreRequires => "requires before its scripts",
        RelationKind::Recommends => "recommends",
        RelationKind::Suggests => "suggests",
        RelationKind::Supplements => "supplements",
        RelationKind::Enhances => "enhances",
        RelationKind::Provides => "provides",
        RelationKind::Conflicts => "conflicts with",
        RelationKind::Breaks => "breaks",
        RelationKind::Obsoletes => "obsoletes",
    }
}

/// Whether a relation of a package can be what one of the OPKG becomes.
fn is_kind(native: NativeKind, kind: RelationKind) -> bool {
    use NativeKind as Native;
    match kind {
        RelationKind::Requires | RelationKind::PreRequires => {
            matches!(native, Native::Requires | Native::PreRequires(_))
        }
        RelationKind::Recommends => matches!(native, Native::Recommends),
        RelationKind::Suggests => matches!(native, Native::Suggests),
        RelationKind::Supplements => matches!(native, Native::Supplements),
        RelationKind::Enhances => matches!(native, Native::Enhances),
        RelationKind::Provides => matches!(native, Native::Provides),
        RelationKind::Conflicts => matches!(native, Native::Conflicts),
        RelationKind::Breaks => matches!(native, Native::Breaks | Native::Conflicts),
        RelationKind::Obsoletes => matches!(native, Native::Obsoletes),
    }
}

/// Whether bounds of a package say what one of the OPKG says.
fn has_bound(bounds: &[&Bound], wanted: Wanted, version: &str) -> bool {
    let about: Vec<Comparison> =
        bounds.iter().filter(|it| is_about(&it.version, version)).map(|it| it.comparison).collect();
    let below = about.iter().any(|it| matches!(it, Comparison::Lt | Comparison::Le));
    let above = about.iter().any(|it| matches!(it, Comparison::Gt | Comparison::Ge));
    match wanted {
        Wanted::Lt | Wanted::Le => below,
        Wanted::Gt | Wanted::Ge => above,
        Wanted::Eq => about.contains(&Comparison::Eq) || (below && above),
    }
}

/// Whether a native version is made of one of the OPKG: the same epoch, and the same letters and digits at the beginning.
fn is_about(native: &str, written: &str) -> bool {
    let split = |text: &str| {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        (epoch.parse().unwrap_or(0u64), rest.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
    };
    let ((epoch, found), (wanted_epoch, wanted)) = (split(native), split(written));
    epoch == wanted_epoch && found.starts_with(&wanted)
}
