//! The plan as records, from which the host writes packages itself.

use opkg_sdk::artefacts::{
    BinaryPackage, ChangelogEntry, Container, Field, FileTrigger, NativeRelation, Scriptlet,
};
use opkg_sdk::model::Opkg;
use opkg_sdk::packed_files;

use crate::action::OWN_VERSION;
use crate::package::{Package, SpecPlan};

/// All packages, in the order of the spec; none if the release that they would be made for gets none.
pub fn packages(opkg: &Opkg, plan: &SpecPlan<'_>, container: &Container) -> Vec<BinaryPackage> {
    plan.built_packages().iter().map(|package| to_record(opkg, plan, package, container)).collect()
}

/// `name-version-release.arch.rpm`
pub fn file_name(plan: &SpecPlan<'_>, package: &Package<'_>) -> String {
    format!("{}-{}-{}.{}.rpm", package.part.name, plan.evr.version, plan.evr.release, package.arch)
}

fn to_record(
    opkg: &Opkg,
    plan: &SpecPlan<'_>,
    package: &Package<'_>,
    container: &Container,
) -> BinaryPackage {
    BinaryPackage {
        part: Some(package.part.kind.clone()),
        name: package.part.name.clone(),
        epoch: plan.evr.epoch,
        version: plan.evr.version.clone(),
        release: plan.evr.release.clone(),
        arch: package.arch.clone(),
        summary: package.part.summary.clone(),
        description: plan.description.join("\n"),
        license: plan.license.to_owned(),
        section: opkg.groups.first().cloned().unwrap_or_default(),
        url: opkg.uri.clone(),
        maintainer: plan.packager.clone(),
        container: container.clone(),
        relations: relations(package),
        files: packed_files::of_part(opkg, &package.part, &plan.documentation),
        scriptlets: scriptlets(plan, package),
        file_triggers: file_triggers(package),
        interests: Vec::new(),
        changelog: changelog(plan),
        fields: fields(plan),
        attributes: Vec::new(),
        file_name: file_name(plan, package),
    }
}

fn fields(plan: &SpecPlan<'_>) -> Vec<Field> {
    let archs = (!plan.exclusive_archs.is_empty()).then(|| plan.exclusive_archs.join(" "));
    let words = [
        ("ExclusiveArch", archs),
        ("Vendor", plan.vendor.map(str::to_owned)),
        ("Distribution", plan.distribution.map(str::to_owned)),
    ];
    let field = |(name, value): (&str, Option<String>)| Some(Field { name: name.to_owned(), value: value? });
    words.into_iter().filter_map(field).collect()
}

fn relations(package: &Package<'_>) -> Vec<NativeRelation> {
    let mut natives: Vec<NativeRelation> = Vec::new();
    for relation in package.relations.iter().filter(|relation| relation.applies) {
        if !natives.contains(&relation.native) {
            natives.push(relation.native.clone());
        }
    }
    natives
}

fn scriptlets(plan: &SpecPlan<'_>, package: &Package<'_>) -> Vec<Scriptlet> {
    let scriptlets = package.scripts.iter().map(|script| Scriptlet {
        time: script.time,
        interpreter: vec!["/bin/sh".to_owned()],
        // rpmbuild keeps no blanks at the end either.
        body: script.body.trim_end().replace(OWN_VERSION, &plan.evr.to_string()),
    });
    scriptlets.collect()
}

fn file_triggers(package: &Package<'_>) -> Vec<FileTrigger> {
    let triggers = package.triggers.iter().filter(|it| it.applies).map(|it| FileTrigger {
        // As of scriptlets.
        body: it.trigger.body.trim_end().to_owned(),
        ..it.trigger.clone()
    });
    triggers.collect()
}

fn changelog(plan: &SpecPlan<'_>) -> Vec<ChangelogEntry> {
    let changes = plan.changelog.iter().map(|entry| ChangelogEntry {
        header: entry.header.clone(),
        seconds: entry.seconds,
        text: entry.lines.join("\n"),
    });
    changes.collect()
}
