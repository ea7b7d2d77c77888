//! What stands in a package before its files: a manifest and the scripts. CHANGE: the form of the manifest.

use opkg_sdk::artefacts::{BinaryPackage, FileMarks, Member, MemberContent, NativeKind};
use opkg_sdk::containers::{Built, FileKind};
use opkg_sdk::model::{Bound, BuildTarget, Opkg, ScriptTime};
use opkg_sdk::version::operator;

/// Where the manifest and the scripts stand in a package.
pub const MANIFEST_SLOT: &str = "manifest";

/// The times at which the package manager runs scripts, in the order of a package's life.
pub const SCRIPT_TIMES: [(ScriptTime, &str); 4] = [
    (ScriptTime::PreInstall, "pre-install"),
    (ScriptTime::PostInstall, "post-install"),
    (ScriptTime::PreUninstall, "pre-uninstall"),
    (ScriptTime::PostUninstall, "post-uninstall"),
];

/// The manifest, then the scripts. By now the host has read all files.
pub fn members(built: &Built) -> Vec<Member> {
    let manifest = manifest(&built.package, &built.opkg, &built.target) + &contents(built);
    let mut members = vec![Member::of_root(
        "manifest",
        MemberContent::Text(manifest),
        0o644,
    )];
    for (name, body) in scripts(&built.package) {
        let script = MemberContent::Text(format!("#!/bin/sh\n{body}"));
        members.push(Member::of_root(script_path(name), script, 0o755));
    }
    members
}

fn scripts(package: &BinaryPackage) -> impl Iterator<Item = (&'static str, &str)> {
    SCRIPT_TIMES.iter().filter_map(|(time, name)| {
        let script = package
            .scriptlets
            .iter()
            .find(|script| script.time == *time)?;
        Some((*name, script.body.as_str()))
    })
}

fn script_path(name: &str) -> String {
    format!("scripts/{name}")
}

/// What is known of a package before its files are read: `key = value`, a line each.
pub fn manifest(package: &BinaryPackage, opkg: &Opkg, target: &BuildTarget) -> String {
    let mut lines = vec![
        ("name", package.name.clone()),
        ("version", full_version(package)),
        ("arch", package.arch.clone()),
        ("summary", package.summary.clone()),
        ("license", package.license.clone()),
        ("maintainer", package.maintainer.clone()),
    ];
    let optional = [
        ("url", &package.url),
        ("vendor", &target.vendor),
        ("distribution", &target.distribution),
    ];
    lines.extend(
        optional
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?))),
    );
    lines.push(("home", opkg.home.clone()));
    for relation in &package.relations {
        let first = (&relation.name, &relation.bound);
        let others = relation.alternatives.iter().map(|it| (&it.name, &it.bound));
        let packages = std::iter::once(first)
            .chain(others)
            .map(|(name, bound)| related(name, bound));
        lines.push((key(relation.kind), packages.collect::<Vec<_>>().join(" | ")));
    }
    for file in &package.files {
        if file.marks.contains(FileMarks::CONFIGURATION) {
            lines.push(("configuration", file.path.clone()));
        }
        if file.marks.contains(FileMarks::GHOST) {
            lines.push(("ghost", file.path.clone()));
        }
    }
    let fields = package.fields.iter();
    lines.extend(fields.map(|field| (field.name.as_str(), field.value.clone())));
    lines.extend(scripts(package).map(|(name, _)| (name, script_path(name))));
    let line = |(key, value): (&str, String)| format!("{key} = {value}\n");
    lines.into_iter().map(line).collect()
}

/// What is known once they are read: how much the package takes, and of each file its SHA-256 and size.
fn contents(built: &Built) -> String {
    let mut text = format!("size = {}\n", built.installed_size);
    for file in &built.files {
        if let FileKind::Regular((size, digests)) = &file.kind {
            text.push_str(&format!("file = {} {size} {}\n", digests.sha256, file.path));
        }
    }
    text
}

/// `[epoch:]upstream-release`
pub fn full_version(package: &BinaryPackage) -> String {
    let epoch = match package.epoch {
        0 => String::new(),
        epoch => format!("{epoch}:"),
    };
    format!("{epoch}{}-{}", package.version, package.release)
}

fn key(kind: NativeKind) -> &'static str {
    match kind {
        NativeKind::Requires => "requires",
        NativeKind::PreRequires(_) => "pre-requires",
        NativeKind::Recommends => "recommends",
        NativeKind::Suggests => "suggests",
        NativeKind::Supplements => "supplements",
        NativeKind::Enhances => "enhances",
        NativeKind::Provides => "provides",
        NativeKind::Conflicts => "conflicts",
        NativeKind::Breaks => "breaks",
        NativeKind::Obsoletes => "obsoletes",
    }
}

/// `a >= 1.2`
fn related(name: &str, bound: &Option<Bound>) -> String {
    match bound {
        Some(bound) => format!("{name} {} {}", operator(bound.comparison), bound.version),
        None => name.to_owned(),
    }
}
