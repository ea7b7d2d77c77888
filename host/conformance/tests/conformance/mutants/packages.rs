//! What is spoiled of a description, of outputs as a whole, and of versions.

use std::sync::atomic::{AtomicUsize, Ordering};

use opkg::model::Filter;
use opkg_conformance::Outcome;
use opkg_interface::artefacts::{Comparison, NativeKind, NativeRelation};
use opkg_interface::{Alias, DistributionRelease, ReleaseTag};
use opkg_runtime::ExecutionErrorKind;

use super::mutant::{Case, Spoiled};

pub fn cases() -> Vec<Case> {
    use Spoiled as S;
    vec![
        // What it says of itself.
        (
            "aliases-accepted",
            &["minimal"],
            S::Description(|it| it.aliases.push(Alias { id: "zq-alias".into(), name: "Zq".into() })),
        ),
        ("releases-accepted", &["minimal"], S::Description(|it| it.releases.push(release("0.0-zq")))),
        (
            "architectures-accepted",
            &["minimal"],
            S::Input(|_, target, _| {
                // It forgets one, which it describes.
                if target.arch.is_some() {
                    target.version = Some("zq".into());
                }
            }),
        ),
        ("unknown-targets-refused", &["minimal"], S::Input(|_, target, _| target.version = None)),
        (
            "default-release-decides",
            &["minimal"],
            S::Output(|output, _| {
                if !output.packages.is_empty() {
                    output.packages[0].fields.clear();
                    output.packages[0].description.push_str(&calls_word());
                }
            }),
        ),
        ("description-stable", &["minimal"], S::Description(|it| it.version.push_str(&calls_word()))),
        // The output as a whole.
        (
            "excluded-is-unavailable",
            &["filter-whole-elsewhere"],
            S::Input(|opkg, _, _| opkg.filter = Filter::default()),
        ),
        ("plain-opkgs-accepted", &["minimal"], S::Outcome(|_| Outcome::Refused(Vec::new()))),
        (
            "refusals-explained",
            &["version-tilde"],
            S::Outcome(|_| Outcome::Refused(vec![opkg::diagnostic::Diagnostic::error("zq", "it cannot be")])),
        ),
        (
            "never-fails-inside",
            &["minimal"],
            S::Outcome(|_| Outcome::Broken(ExecutionErrorKind::Panicked(None).into())),
        ),
        (
            "within-limits",
            &["minimal"],
            S::Outcome(|_| Outcome::Broken(ExecutionErrorKind::OutOfMemory(1).into())),
        ),
        (
            "output-valid",
            &["minimal"],
            S::Outcome(|_| Outcome::Broken(ExecutionErrorKind::Invalid("the path `..`".into()).into())),
        ),
        ("architecture-names", &["minimal"], S::Package(|it| it.arch = "zq".into())),
        ("architecture-names", &["filter-whole-arch"], S::Package(|it| it.arch = "zq".into())),
        (
            "architecture-names",
            &["filter-arch"],
            S::Package(|it| it.arch = if it.file_name.ends_with(".deb") { "all" } else { "noarch" }.into()),
        ),
        (
            "native-build-programs",
            &["minimal"],
            S::Output(|it, _| it.native_build.commands[0].argv[0] = "zq-build".into()),
        ),
        ("native-build-results", &["minimal"], S::Output(|it, _| drop(it.native_build.results.pop()))),
        // Calls.
        (
            "deterministic",
            &["minimal", "relation-scopes"],
            S::Output(|it, calls| {
                if calls % 2 == 1 {
                    it.packages[1].relations.reverse();
                }
            }),
        ),
        (
            "independent-of-order",
            &["minimal", "files-everything"],
            S::Output(|it, calls| {
                if calls % 2 == 1 {
                    it.packages[0].summary.push_str(" once more");
                }
            }),
        ),
        // Packages.
        ("parts-present", &["minimal"], S::Output(|it, _| drop(it.packages.pop()))),
        (
            "parts-related-exactly",
            &["minimal"],
            S::Package(|it| {
                for bound in it.relations.iter_mut().filter_map(|it| it.bound.as_mut()) {
                    bound.comparison = Comparison::Ge;
                }
            }),
        ),
        (
            "api-side-by-side",
            &["relation-scopes"],
            S::Output(|it, _| {
                for package in it.packages.iter_mut().filter(|it| it.name == "opkg-relation-scopes") {
                    package.relations.push(relation(NativeKind::Conflicts, "zq-whole-excluded"));
                }
            }),
        ),
        (
            "file-name-tells",
            &["minimal"],
            S::Package(|it| it.file_name = it.file_name.replace(&it.version, "x")),
        ),
        // Versions.
        ("version-kept", &["version-epoch"], S::Package(|it| it.epoch = 0)),
        ("version-order", &["minimal"], S::Package(|it| it.version = it.version.replace('~', "."))),
        (
            "distribution-release-order",
            &["minimal"],
            S::Input(|_, _, settings| {
                settings.release_tag = ReleaseTag::Custom("same".into());
            }),
        ),
        (
            "release-tag-heeded",
            &["minimal"],
            S::Input(|_, _, settings| settings.release_tag = ReleaseTag::Native),
        ),
        (
            "vendor-told",
            &["minimal"],
            S::Input(|_, _, settings| (settings.vendor, settings.distribution) = (None, None)),
        ),
    ]
}

fn release(version: &str) -> DistributionRelease {
    DistributionRelease { version: version.into(), name: None, is_default: false }
}

fn relation(kind: NativeKind, name: &str) -> NativeRelation {
    NativeRelation { kind, name: name.into(), bound: None, alternatives: Vec::new(), condition: None }
}

/// Another one each time.
fn calls_word() -> String {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    format!(" zq{}", CALLS.fetch_add(1, Ordering::Relaxed))
}
