//! The plan as records, from which the host writes packages itself.

use opkg_sdk::artefacts::{
    BinaryPackage, Change, Content, Field, FileMarks, FileTrigger, NativeRelation, PackedFile, Scriptlet,
};
use opkg_sdk::file_attributes::FileAttributes;
use opkg_sdk::opkg::Opkg;
use opkg_sdk::parts::installed_link_target;

use crate::action::OWN_VERSION;
use crate::package::{Package, SpecPlan};

/// All packages, in the order of the spec; none if the release that they would be made for gets none.
pub fn packages(opkg: &Opkg, plan: &SpecPlan<'_>) -> Vec<BinaryPackage> {
    plan.built_packages().iter().map(|package| to_record(opkg, plan, package)).collect()
}

/// `name-version-release.arch.rpm`
pub fn file_name(plan: &SpecPlan<'_>, package: &Package<'_>) -> String {
    format!("{}-{}-{}.{}.rpm", package.part.name, plan.evr.version, plan.evr.release, package.arch)
}

fn to_record(opkg: &Opkg, plan: &SpecPlan<'_>, package: &Package<'_>) -> BinaryPackage {
    BinaryPackage {
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
        relations: relations(package),
        files: files(opkg, plan, package),
        scriptlets: scriptlets(plan, package),
        file_triggers: file_triggers(package),
        interests: Vec::new(),
        changelog: changelog(plan),
        fields: fields(plan),
        members: Vec::new(),
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

fn files(opkg: &Opkg, plan: &SpecPlan<'_>, package: &Package<'_>) -> Vec<PackedFile> {
    let directories = package.part.directories.iter().map(|directory| {
        packed_file(&directory.path, Content::Directory, &directory.attributes, FileMarks::empty())
    });
    let files = package.part.files.iter().map(|file| {
        let (content, attributes) = match installed_link_target(opkg, file, &plan.documentation) {
            Some(link) => (Content::Link(link), &FileAttributes { mode: 0o777, ..file.attributes.clone() }),
            None => (Content::Source(file.source.at), &file.attributes),
        };
        packed_file(&file.path, content, attributes, file.marks())
    });
    let mut all: Vec<PackedFile> = directories.chain(files).collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

fn packed_file(path: &str, content: Content, attributes: &FileAttributes, marks: FileMarks) -> PackedFile {
    PackedFile {
        path: path.to_owned(),
        content,
        mode: attributes.mode,
        owner: attributes.owner.clone(),
        group: attributes.group.clone(),
        capabilities: attributes.capabilities.clone(),
        marks,
    }
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

fn changelog(plan: &SpecPlan<'_>) -> Vec<Change> {
    let changes = plan.changelog.iter().map(|entry| Change {
        header: entry.header.clone(),
        seconds: entry.seconds,
        text: entry.lines.join("\n"),
    });
    changes.collect()
}
