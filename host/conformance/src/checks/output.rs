//! The output as a whole: architectures, native builds, and what is said where there is none.

use opkg::diagnostic::{Diagnostic, Severity};
use opkg::model::{Filter, Opkg, Part, Relation, RelationKind, Scope};
use opkg_interface::artefacts::Container;

use crate::filter::{Verdict, build_arch};
use crate::ledger::{Ledger, Place};
use crate::plugin::Outcome;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{PARTS, Scene, excerpt};

pub const GROUP: RuleGroup = RuleGroup {
    title: "Output",
    rules: &[
        NOT_BROKEN,
        WITHIN_LIMITS,
        OUTPUT_VALID,
        ACCEPTED,
        REFUSAL_EXPLAINED,
        UNAVAILABLE,
        ARCHS,
        BUILD_PROGRAMS,
        BUILD_RESULTS,
    ],
};

const NOT_BROKEN: Rule = Rule {
    name: "never-fails-inside",
    sentence: "No OPKG makes the plugin panic, trap or ask for what plugins do not get.",
    reason: "What it cannot do, it refuses with a diagnostic; a plugin that fails inside says nothing to the author.",
    advice: "Return an error where something cannot be done; unwrap nothing that the input can reach.",
};
const WITHIN_LIMITS: Rule = Rule {
    name: "within-limits",
    sentence: "Every OPKG is compiled within the time and the memory of one call.",
    reason: "The suite has OPKGs with hundreds of files, relations and changes. A call may take a minute and 512 MiB.",
    advice: "Look for work that grows with the square of something.",
};
const OUTPUT_VALID: Rule = Rule {
    name: "output-valid",
    sentence: "What the plugin returns is what the interface allows.",
    reason: "The host checks paths, names, modes, nodes and lines before anybody else sees them, and refuses the whole: the \
             finding is its message.",
    advice: "The comments in `artefacts.wit` say what each field may hold.",
};
const ACCEPTED: Rule = Rule {
    name: "plain-opkgs-accepted",
    sentence: "An OPKG that every distribution can express is compiled.",
    reason: "Capabilities of a packaging format, signs in versions and the like may be refused; plain names, files, scripts and \
             texts may not.",
    advice: "Adapt, with a note, what the format of packages writes otherwise.",
};
const REFUSAL_EXPLAINED: Rule = Rule {
    name: "refusals-explained",
    sentence: "What cannot be expressed is an error at the node that it concerns, with what to do about it.",
    reason: "An author has to find the line, and wants to keep the OPKG for other distributions: the help shows the filter that \
             would exclude it.",
    advice: "Set `at` and `help` of every error.",
};
const UNAVAILABLE: Rule = Rule {
    name: "excluded-is-unavailable",
    sentence: "A target that the filter of the OPKG excludes is unavailable, and no other one is.",
    reason: "That is no failure: of several targets the others are compiled, and the exit status tells it apart.",
    advice: "Use `opkg_sdk::parts::plan`, which decides it first.",
};
const ARCHS: Rule = Rule {
    name: "architecture-names",
    sentence: "A package has the family's name of the architecture that it is for, or the one that stands for all.",
    reason: "A part that names no architecture becomes a package that goes anywhere. One that differs between architectures, by a \
             filter, a program or a directory such as `files/client@x86_64`, becomes a package for the target's (format, 3.5).",
    advice: "Use `PartPlan::is_arch_specific`, and the native name that `describe` has for the architecture.",
};
const BUILD_PROGRAMS: Rule = Rule {
    name: "native-build-programs",
    sentence: "The native build starts programs that the plugin declares, and no others.",
    reason: "The host starts nothing else, and of a plugin that is not built in only what was granted.",
    advice: "Name them in `programs`.",
};
const BUILD_RESULTS: Rule = Rule {
    name: "native-build-results",
    sentence: "The results of the native build are the files of the packages.",
    reason: "The host looks for them after the build, and calls them what the records call them.",
    advice: "Make both from the same names.",
};

/// What a plugin said instead of packages, or that it was right to make some.
pub fn check_outcome(
    place: Place<'_>,
    opkg: &Opkg,
    must_compile: bool,
    verdict: Verdict,
    outcome: &Outcome,
    ledger: &mut Ledger,
) {
    use opkg_runtime::ExecutionErrorKind as Kind;
    let broken = match outcome {
        Outcome::Broken(error) => Some(error),
        _ => None,
    };
    let kind = broken.map(|error| &error.kind);
    let is_limit = matches!(kind, Some(Kind::Timeout(_) | Kind::OutOfMemory(_) | Kind::StackOverflow));
    let is_invalid = matches!(kind, Some(Kind::Invalid(_)));
    let said = || broken.map(|error| format!("the plugin {error}")).unwrap_or_default();
    ledger.check(&WITHIN_LIMITS, place, !is_limit, said);
    ledger.check(&OUTPUT_VALID, place, !is_invalid, said);
    ledger.check(&NOT_BROKEN, place, broken.is_none() || is_limit || is_invalid, said);
    if broken.is_some() {
        return;
    }
    let is_unavailable = matches!(outcome, Outcome::Unavailable(_));
    if verdict != Verdict::Open {
        ledger.check(
            &UNAVAILABLE,
            place,
            is_unavailable == (verdict == Verdict::Excludes),
            || match outcome {
                Outcome::Unavailable(found) => format!("it is said to be unavailable: {}", found.message),
                _ => "its filter excludes the target, which is not said to be unavailable".to_owned(),
            },
        );
    }
    if let Outcome::Refused(found) = outcome {
        check_refusal(place, found, ledger);
    }
    if verdict == Verdict::Matches && must_compile {
        ledger.check(
            &ACCEPTED,
            place,
            matches!(outcome, Outcome::Generated(_) | Outcome::Unavailable(_)),
            || match outcome {
                Outcome::Refused(found) => {
                    let error = found.iter().find(|it| it.severity == Severity::Error);
                    format!("it is refused: {}", error.map_or("", |it| it.message.as_str()))
                }
                Outcome::UnknownTarget(reason) => format!("the target is refused: {reason}"),
                _ => format!("there is no output for `{}`", opkg.name),
            },
        );
    }
}

fn check_refusal(place: Place<'_>, found: &[Diagnostic], ledger: &mut Ledger) {
    for error in found.iter().filter(|it| it.severity == Severity::Error) {
        let lacks = match (&error.location, &error.help) {
            (None, _) => Some("no place in the OPKG"),
            (_, None) => Some("nothing about what to do"),
            _ => None,
        };
        ledger.check(&REFUSAL_EXPLAINED, place, lacks.is_none(), || {
            format!("the error {} has {}", excerpt(&error.message), lacks.unwrap_or_default())
        });
    }
}

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    check_archs(scene, ledger);
    let build = &scene.output.native_build;
    for command in &build.commands {
        let program = command.argv.first().map(String::as_str).unwrap_or_default();
        scene.check(ledger, &BUILD_PROGRAMS, scene.programs.iter().any(|it| it == program), || {
            format!("{} is none of the programs {}", excerpt(program), scene.programs.join(", "))
        });
    }
    if build.commands.is_empty() || scene.output.packages.is_empty() {
        return;
    }
    let results: Vec<&str> = build.results.iter().filter_map(|path| path.rsplit('/').next()).collect();
    let files: Vec<&str> = scene.output.packages.iter().map(|package| package.file_name.as_str()).collect();
    let missing = files.iter().find(|file| !results.contains(file));
    let further = results.iter().find(|result| !files.contains(result));
    scene.check(ledger, &BUILD_RESULTS, missing.is_none(), || {
        format!("{} is no result of the native build", excerpt(missing.copied().unwrap_or_default()))
    });
    scene.check(ledger, &BUILD_RESULTS, further.is_none(), || {
        format!("{} of the native build is no package", excerpt(further.copied().unwrap_or_default()))
    });
}

fn check_archs(scene: &Scene<'_>, ledger: &mut Ledger) {
    let arch = build_arch(scene.target);
    let native = scene.description.archs.iter().find(|it| it.canonical == arch).map(|it| it.native.as_str());
    // A family may have several names of one architecture, of which releases use different ones.
    let is_own = |found: &str| native == Some(found) || opkg::arch::canonical_name(found) == Some(arch);
    for part in PARTS {
        let Some(package) = scene.package(part) else { continue };
        let is_any = match package.container {
            Container::Rpm(_) => package.arch == "noarch",
            Container::Deb(_) => package.arch == "all",
            Container::Archives(_) => !scene.description.archs.iter().any(|it| it.native == package.arch),
        };
        let holds = match is_arch_specific(scene, part) {
            Some(true) => is_own(&package.arch),
            Some(false) => is_any,
            None => is_any || is_own(&package.arch),
        };
        scene.check(ledger, &ARCHS, holds, || {
            format!("{} is for {}, where the target is {arch}", package.name, excerpt(&package.arch))
        });
    }
}

/// Whether the package of a part differs between architectures (format, 3.5); nothing where only the plugin knows.
fn is_arch_specific(scene: &Scene<'_>, part: Part) -> Option<bool> {
    let opkg = &scene.test.opkg;
    let files = || opkg.files.iter().filter(|file| file.part == part);
    let has_own = files().any(|file| file.arch.is_some() || file.only_arch.is_some());
    if !opkg.filter.archs.is_empty() || has_own {
        return Some(true);
    }
    let is_of_part = |it: &&Relation| match it.scope {
        Scope::Part(of) => of == part,
        // The api part records conflicts of the OPKG as such.
        Scope::Whole if it.kind == RelationKind::Conflicts => true,
        Scope::Common | Scope::Whole => part != Part::Api,
    };
    let rules = files().flat_map(|file| &file.rules).filter_map(|index| opkg.file_rules.get(*index as usize));
    let filters = (opkg.relations.iter().filter(is_of_part).map(|it| &it.filter))
        .chain(rules.map(|it| &it.filter))
        .chain(opkg.service_rules.iter().map(|it| &it.filter))
        .chain(opkg.alternatives.iter().map(|it| &it.filter))
        .chain(opkg.triggers.iter().map(|it| &it.filter));
    let named: Vec<Verdict> = filters
        .filter(|filter| !filter.archs.is_empty())
        .map(|filter| scene.decide(&Filter { archs: Vec::new(), ..filter.clone() }))
        .collect();
    let is_certain =
        opkg.service_rules.is_empty() && opkg.alternatives.is_empty() && opkg.triggers.is_empty();
    match named.as_slice() {
        [] => Some(false),
        named if is_certain && named.contains(&Verdict::Matches) => Some(true),
        named if named.iter().all(|it| *it == Verdict::Excludes) => Some(false),
        _ => None,
    }
}
