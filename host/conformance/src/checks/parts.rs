//! The packages that an OPKG becomes, and how they hold together.

use opkg::model::{Part, RelatedName, RelationKind, Scope};
use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{Comparison, NativeKind};

use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{PARTS, Scene, active_text, excerpt, has_word, part_name};

pub const GROUP: RuleGroup =
    RuleGroup { title: "Packages", rules: &[PARTS_PRESENT, PARTS_RELATED, API_SIDE_BY_SIDE, FILE_NAMES] };

const PARTS_PRESENT: Rule = Rule {
    name: "parts-present",
    sentence: "An OPKG becomes one package for each of its three parts, and no other.",
    reason: "`opm` installs `opkg-NAME`, `opkg-NAME-server` and `opkg-NAME-client`, also where a part has nothing in it: a missing \
             package cannot be installed, and nobody would ask for a further one.",
    advice: "Make a package of each of the plans of `opkg_sdk::parts::plan`, with the name that the plan has.",
};
const PARTS_RELATED: Rule = Rule {
    name: "parts-related-exactly",
    sentence: "The package for the server requires the api package of exactly its own version and release.",
    reason: "The scripts of both are made for each other. The version in the relation is the one that the package has, with its \
             epoch and the tag of the distribution's release.",
    advice: "Use `PartPlan::same_version_requirement`, and write the version as the package has it.",
};
const API_SIDE_BY_SIDE: Rule = Rule {
    name: "api-side-by-side",
    sentence: "A conflict of the OPKG as a whole keeps no api package from being installed beside another one.",
    reason: "Api packages only drive the configuration; all of them can be there at a time (format, 3.3). Such a conflict is \
             recorded in the api package as a field or a capability of its own, and holds for the other two.",
    advice: "Record `PartPlan::opkg_conflicts` without naming a package.",
};
const FILE_NAMES: Rule = Rule {
    name: "file-name-tells",
    sentence: "The name of a package's file holds the package's name, version and release; that of an RPM or a deb its architecture.",
    reason: "Directories of packages hold several versions, for several architectures and releases; without one of these, one \
             would take the place of another. Some package managers have a directory for each architecture.",
    advice: "Make the name of the record's own fields, in the order that the family has.",
};

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    check_presence(scene, ledger);
    check_same_version(scene, ledger);
    check_side_by_side(scene, ledger);
    for package in &scene.output.packages {
        let mut parts = vec![&package.name, &package.version, &package.release];
        // Some package managers look for a file by name and version, in a directory for each architecture.
        if !scene.is_archive() {
            parts.push(&package.arch);
        }
        let missing = parts.into_iter().find(|part| !package.file_name.contains(part.as_str()));
        scene.check(ledger, &FILE_NAMES, missing.is_none(), || {
            format!(
                "{} has no {} in it",
                excerpt(&package.file_name),
                excerpt(missing.map_or("", String::as_str))
            )
        });
    }
}

fn check_presence(scene: &Scene<'_>, ledger: &mut Ledger) {
    let expected = PARTS.map(|part| part_name(&scene.test.opkg.name, part));
    for name in &expected {
        let count = scene.output.packages.iter().filter(|package| package.name == *name).count();
        scene.check(ledger, &PARTS_PRESENT, count == 1, || {
            format!("{count} packages are called {}", excerpt(name))
        });
    }
    let other = scene.output.packages.iter().find(|package| !expected.contains(&package.name));
    scene.check(ledger, &PARTS_PRESENT, other.is_none(), || {
        let name = other.map_or("", |package| package.name.as_str());
        format!("a package {}, which is none of the parts", excerpt(name))
    });
}

fn check_same_version(scene: &Scene<'_>, ledger: &mut Ledger) {
    let (Some(api), Some(server)) = (scene.package(Part::Api), scene.package(Part::Server)) else { return };
    let version = match api.release.as_str() {
        "" => api.version.clone(),
        release => format!("{}-{release}", api.version),
    };
    let is_same = |found: &str| match found.split_once(':') {
        Some((epoch, rest)) => rest == version && epoch.parse() == Ok(api.epoch),
        None => found == version && api.epoch == 0,
    };
    let holds = match scene.leaves_open(ArchiveMetadata::RELATIONS) {
        true => {
            let text = active_text(server);
            text.lines().any(|line| has_word(line, &api.name) && line.contains(&version))
        }
        false => server.relations.iter().any(|relation| {
            matches!(relation.kind, NativeKind::Requires | NativeKind::PreRequires(_))
                && relation.name == api.name
                && relation.alternatives.is_empty()
                && relation
                    .bound
                    .as_ref()
                    .is_some_and(|it| it.comparison == Comparison::Eq && is_same(&it.version))
        }),
    };
    scene.check(ledger, &PARTS_RELATED, holds, || {
        let found: Vec<String> = server
            .relations
            .iter()
            .filter(|relation| relation.name == api.name)
            .map(|relation| format!("{:?} {:?}", relation.kind, relation.bound))
            .collect();
        format!("{} does not require {} = {version}; it says {found:?} of it", server.name, api.name)
    });
}

fn check_side_by_side(scene: &Scene<'_>, ledger: &mut Ledger) {
    let Some(api) = scene.package(Part::Api) else { return };
    let opkg = &scene.test.opkg;
    let whole =
        opkg.relations.iter().filter(|it| it.scope == Scope::Whole && it.kind == RelationKind::Conflicts);
    for package in whole.flat_map(|relation| &relation.any_of) {
        let names = match &package.name {
            RelatedName::Native(name) => vec![name.clone()],
            RelatedName::Opkg { name, .. } => PARTS.map(|part| part_name(name, part)).to_vec(),
        };
        let excluded = api.relations.iter().find(|relation| {
            matches!(relation.kind, NativeKind::Conflicts | NativeKind::Breaks | NativeKind::Obsoletes)
                && names.contains(&relation.name)
        });
        scene.check(ledger, &API_SIDE_BY_SIDE, excluded.is_none(), || {
            format!("{} excludes {}", api.name, excluded.map_or("", |it| it.name.as_str()))
        });
    }
}
