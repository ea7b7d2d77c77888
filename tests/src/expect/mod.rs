//! What the format implies for an OPKG and a target. It is worked out from the specification alone, and
//! shares no code with the program under test: where both are wrong, they are at least not wrong together.

mod config;
mod files;
mod part;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use config::Config;
pub use part::Part;
pub use target::{Target, UNVERSIONED_TARGETS, VERSIONED_TARGETS};

use crate::package::{ChangelogEntry, InstalledFile, Package, PackageFormat, RelationKind};
use config::{Relation, VersionConstraint};

/// A package as it should be, and what of it may or may not be there.
#[derive(Debug)]
pub struct ExpectedPackage {
    /// What has to be there.
    pub package: Package,
    /// The programs that its scriptlets start, which it may require as well.
    pub interpreters: BTreeSet<String>,
}

/// The three packages of the OPKG in a directory; nothing if its own filters exclude the target.
#[must_use]
pub fn packages(directory: &Path, target: &Target) -> Option<Vec<ExpectedPackage>> {
    let config = Config::read(directory);
    if !target.matches(&config.filter) {
        return None;
    }
    let mut files = files::read(directory, &config.name, target.documentation());
    let parts = [Part::Api, Part::Server, Part::Client];
    Some(parts.iter().map(|part| expected_package(&config, &mut files, *part, target)).collect())
}

fn expected_package(
    config: &Config,
    files: &mut files::FilesByPart,
    part: Part,
    target: &Target,
) -> ExpectedPackage {
    let (suffix, addition) = match part {
        Part::Api => ("", ""),
        Part::Server => ("-server", ", server part"),
        Part::Client => ("-client", ", client part"),
    };
    let applying: Vec<&Relation> =
        config.relations.iter().filter(|relation| applies_to_part(&relation.scope, part)).collect();
    // What differs between architectures is built for each, even where this one does not get the relation.
    let differs = |relation: &&Relation| {
        !relation.filter.archs.is_empty()
            && target.matches_distribution(&relation.filter)
            && !is_metadata_only(relation, part)
    };
    let specific = !config.filter.archs.is_empty() || applying.iter().any(differs);
    let scriptlets = files.scriptlets.remove(&part).unwrap_or_default();
    let with_perl = files.with_perl.contains(&part);
    let files = files.installed.remove(&part).unwrap_or_default();
    let mut relations = relations(config, &applying, part, target);
    // A file may move from one part to another, which dpkg has to be told.
    if target.format == PackageFormat::Deb
        && files.values().any(|file| !matches!(file, InstalledFile::Directory(_)))
    {
        let siblings = ["", "-server", "-client"].into_iter().filter(|other| *other != suffix);
        relations
            .extend(siblings.map(|other| (RelationKind::Obsoletes, format!("opkg-{}{other}", config.name))));
    }
    if target.format == PackageFormat::Deb && with_perl {
        relations.insert((RelationKind::Requires, "perl".to_owned()));
    }
    let package = Package {
        name: format!("opkg-{}{suffix}", config.name),
        version: format!("{}{}", native_version(config.version()), target.tag),
        arch: target.arch(specific),
        summary: format!("{}{addition}", config.summary),
        description: config.description.clone(),
        url: config.uri.clone(),
        license: (target.format == PackageFormat::Rpm).then(|| target.license(&config.license).to_owned()),
        relations,
        files,
        scriptlets: scriptlets.keys().cloned().collect(),
        changelog: changes(config, target),
        opkg_conflicts: applying
            .iter()
            .filter(|relation| is_metadata_only(relation, part) && target.format == PackageFormat::Deb)
            .filter(|relation| relation.kind == RelationKind::Conflicts && target.matches(&relation.filter))
            .map(|relation| relation.name.clone())
            .collect(),
    };
    ExpectedPackage { package, interpreters: scriptlets.into_values().collect() }
}

/// Whether a relation written there is of any concern to the part.
fn applies_to_part(scope: &str, part: Part) -> bool {
    match scope {
        "oscar" => true,
        "commonDeps" => part != Part::Api,
        "serverDeps" => part == Part::Server,
        "clientDeps" => part == Part::Client,
        _ => part == Part::Api,
    }
}

/// The api packages can always be installed side by side: relations of the whole OPKG are for the others.
fn is_metadata_only(relation: &Relation, part: Part) -> bool {
    relation.scope == "oscar" && part == Part::Api
}

fn relations(
    config: &Config,
    applying: &[&Relation],
    part: Part,
    target: &Target,
) -> BTreeSet<(RelationKind, String)> {
    let mut found = BTreeSet::new();
    for relation in applying.iter().filter(|relation| target.matches(&relation.filter)) {
        if !is_metadata_only(relation, part) {
            let name = related_name(relation, part, target.format);
            for bound in native_bounds(relation, target.format) {
                let text = with_alternatives(relation, format_relation(&name, &bound), target.format);
                let kinds = native_kinds(relation, target.format);
                found.extend(kinds.iter().map(|kind| (*kind, text.clone())));
            }
        } else if relation.kind == RelationKind::Conflicts && target.format == PackageFormat::Rpm {
            found.insert((
                RelationKind::Conflicts,
                format_relation(&format!("OPKG::{}", relation.name), &relation.bound),
            ));
        }
    }
    found.insert((RelationKind::Requires, "opkg-filesystem".to_owned()));
    if part == Part::Server {
        let version = native_version(config.version());
        found.insert((RelationKind::Requires, format!("opkg-{} = {version}{}", config.name, target.tag)));
    }
    found
}

fn format_relation(name: &str, bound: &VersionConstraint) -> String {
    bound
        .as_ref()
        .map_or_else(|| name.to_owned(), |(relation, version)| format!("{name} {relation} {version}"))
}

/// What a relation of an OPKG is called there.
fn native_kinds(relation: &Relation, format: PackageFormat) -> &'static [RelationKind] {
    use RelationKind::{
        Breaks, Conflicts, Enhances, Obsoletes, Provides, Recommends, Requires, Suggests, Supplements,
    };
    match (relation.kind, format) {
        (Requires, _) => &[Requires],
        (Provides, _) => &[Provides],
        (Suggests, _) => &[Suggests],
        (Recommends, _) => &[Recommends],
        (Enhances, _) | (Supplements, PackageFormat::Deb) => &[Enhances],
        (Supplements, PackageFormat::Rpm) => &[Supplements],
        (Conflicts, _) | (Breaks, PackageFormat::Rpm) => &[Conflicts],
        (Breaks, PackageFormat::Deb) => &[Breaks],
        (Obsoletes, PackageFormat::Rpm) => &[Obsoletes],
        (Obsoletes, PackageFormat::Deb) if relation.bound.is_some() => &[Breaks, Obsoletes],
        (Obsoletes, PackageFormat::Deb) => &[Conflicts, Obsoletes],
    }
}

/// An OPKG's part is of the same kind as the one that has the relation, unless it names another one.
fn related_name(relation: &Relation, part: Part, format: PackageFormat) -> String {
    let own = match part {
        Part::Api => "api",
        Part::Server => "server",
        Part::Client => "client",
    };
    match relation.opkg_part.as_deref() {
        None => native_name(&relation.name, format),
        Some(named) => match if named.is_empty() { own } else { named } {
            "api" => format!("opkg-{}", relation.name),
            other => format!("opkg-{}-{other}", relation.name),
        },
    }
}

fn with_alternatives(relation: &Relation, first: String, format: PackageFormat) -> String {
    let others = relation.alternatives.iter().map(|name| native_name(name, format));
    let all: Vec<String> = std::iter::once(first).chain(others).collect();
    match (all.len(), format) {
        (1, _) => all.concat(),
        (_, PackageFormat::Deb) => all.join(" | "),
        (_, PackageFormat::Rpm) => format!("({})", all.join(" or ")),
    }
}

/// Debian's names are lower case without `_`, and Perl modules have a convention.
fn native_name(name: &str, format: PackageFormat) -> String {
    if format == PackageFormat::Rpm {
        return name.to_owned();
    }
    match name.strip_prefix("perl(").and_then(|module| module.strip_suffix(')')) {
        Some(module) => format!("lib{}-perl", module.to_lowercase().replace("::", "-").replace('_', "-")),
        None => name.to_lowercase().replace('_', "-"),
    }
}

/// A version without a release is about all releases, which Debian has to be told: `A~` is the least that can follow a
/// number.
fn native_bounds(relation: &Relation, format: PackageFormat) -> Vec<VersionConstraint> {
    let Some((sign, version)) = &relation.bound else { return vec![None] };
    let is_about_releases = version.contains('-') || relation.kind == RelationKind::Provides;
    if format == PackageFormat::Rpm || is_about_releases {
        return vec![relation.bound.clone()];
    }
    let bound = |sign: &str, version: String| Some((sign.to_owned(), version));
    let above = format!("{version}A~");
    match sign.as_str() {
        ">" => vec![bound(">=", above)],
        "<=" => vec![bound("<", above)],
        "=" if relation.kind != RelationKind::Conflicts => {
            vec![bound(">=", version.clone()), bound("<", above)]
        }
        _ => vec![relation.bound.clone()],
    }
}

/// What precedes a release gets `~`, any other `-` in the version itself becomes `.`.
fn native_version((epoch, upstream, release): (u32, &str, &str)) -> String {
    let mut pieces = upstream.split('-');
    let first = pieces.next().unwrap().to_owned();
    let upstream = pieces.fold(first, |version, piece| {
        let word = piece.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let early = matches!(word, "a" | "alpha" | "b" | "beta" | "dev" | "pre" | "rc");
        format!("{version}{}{piece}", if early { '~' } else { '.' })
    });
    let epoch = if epoch == 0 { String::new() } else { format!("{epoch}:") };
    format!("{epoch}{upstream}-{release}")
}

/// RPM shows one entry after the other, by the day on the writer's calendar; Debian one per version.
fn changes(config: &Config, target: &Target) -> Vec<ChangelogEntry> {
    let releases = group_by_release(config);
    match target.format {
        PackageFormat::Rpm => {
            let mut entries: Vec<config::ConfigChangelogEntry> = releases.into_iter().flatten().collect();
            entries.sort_by_key(|entry| -entry.moment.unwrap().day());
            entries.iter().map(|entry| rpm_change(config, entry)).collect()
        }
        PackageFormat::Deb => {
            let mut changes: Vec<ChangelogEntry> =
                releases.into_iter().map(|entries| deb_change(config, &entries)).collect();
            // Nobody knows what the earlier ones were made for.
            if let Some(newest) = changes.first_mut() {
                newest.version.push_str(target.tag);
            }
            changes
        }
    }
}

/// The one being built first, whatever its date, then newest first, and so are the entries of each.
fn group_by_release(config: &Config) -> Vec<Vec<config::ConfigChangelogEntry>> {
    let mut releases: BTreeMap<usize, Vec<config::ConfigChangelogEntry>> = BTreeMap::new();
    for entry in fill_missing_dates(config) {
        releases.entry(entry.release).or_default().push(entry);
    }
    for entries in releases.values_mut() {
        entries.sort_by_key(|entry| -entry.moment.unwrap().seconds);
    }
    let mut releases: Vec<_> = releases.into_iter().collect();
    releases.sort_by_key(|(number, entries)| (*number > 0, -newest_timestamp(entries)));
    releases.into_iter().map(|(_, entries)| entries).collect()
}

fn newest_timestamp(entries: &[config::ConfigChangelogEntry]) -> i64 {
    entries.iter().map(|entry| entry.moment.unwrap().seconds).max().unwrap()
}

/// A date that cannot be read becomes that of the next older entry, or of the next newer one where none is
/// older.
fn fill_missing_dates(config: &Config) -> Vec<config::ConfigChangelogEntry> {
    let moments: Vec<_> = config.changes.iter().map(|entry| entry.moment).collect();
    let dated = config.changes.iter().enumerate().map(|(index, entry)| {
        let older = moments[index..].iter().flatten().next();
        let newer = moments[..index].iter().rev().flatten().next();
        config::ConfigChangelogEntry { moment: older.or(newer).copied(), ..entry.clone() }
    });
    dated.collect()
}

fn rpm_change(config: &Config, entry: &config::ConfigChangelogEntry) -> ChangelogEntry {
    ChangelogEntry {
        version: native_version(config::split_version(&entry.version)),
        day: entry.moment.unwrap().day(),
        author: author_with_email(config, &entry.author),
        text: entry.items.join(" "),
    }
}

fn deb_change(config: &Config, entries: &[config::ConfigChangelogEntry]) -> ChangelogEntry {
    // Everybody's entries stand together, under the name.
    let mut authors: Vec<&str> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.items.is_empty()) {
        if !authors.contains(&entry.author.as_str()) {
            authors.push(&entry.author);
        }
    }
    let of = |author: &str| entries.iter().filter(|entry| entry.author == author).collect::<Vec<_>>();
    let items = authors.iter().flat_map(|author| of(author)).flat_map(|entry| entry.items.clone());
    let first = entries.first().unwrap();
    // An entry must end with an address: without one it is the maintainer's, and names the author inside.
    let known = config.authors.iter().find(|author| author.1 == first.author);
    let signed = known.or(config.authors.iter().find(|author| author.0 == "maintainer")).unwrap();
    ChangelogEntry {
        version: native_version(config::split_version(&first.version)),
        day: first.moment.unwrap().day(),
        author: format!("{} <{}>", signed.1, signed.2),
        text: items.collect::<Vec<_>>().join(" "),
    }
}

fn author_with_email(config: &Config, name: &str) -> String {
    config.email(name).map_or_else(|| name.to_owned(), |email| format!("{name} <{email}>"))
}
