//! `debian/control`, and what the control file of the source package (`.dsc`) has of it.

use askama::Template;
use opkg_sdk::artefacts::Field as ControlField;
use opkg_sdk::model::Opkg;

use crate::package::{Architecture, Package};
use crate::person;
use crate::relation::{self, RelationField};
use crate::section;

/// The version of the policy that everything here was written for.
const STANDARDS_VERSION: &str = "4.6.2";

#[derive(Template)]
#[template(path = "control", escape = "none")]
struct Control<'a> {
    source: &'a str,
    section: &'a str,
    maintainer: String,
    uploaders: Vec<String>,
    standards_version: &'a str,
    homepage: Option<String>,
    origin: Option<String>,
    packages: Vec<PackageStanza>,
}

/// A binary package. Nothing here holds a line feed, and a `$` of the OPKG's is no variable's.
struct PackageStanza {
    name: String,
    architecture: String,
    /// Those that are not empty.
    relations: Vec<(&'static str, String)>,
    extra_fields: Vec<(&'static str, String)>,
    summary: String,
    /// With `.` for an empty line.
    description: Vec<String>,
}

/// The file.
///
/// # Errors
/// Those of the template, which has none of its own.
pub fn render(
    opkg: &Opkg,
    origin: Option<&str>,
    source: &str,
    packages: &[Package],
) -> Result<String, askama::Error> {
    let control = Control {
        source,
        section: section(opkg),
        maintainer: escape_substvars(&maintainer(opkg)),
        uploaders: person::uploaders(opkg).iter().map(|person| escape_substvars(person)).collect(),
        standards_version: STANDARDS_VERSION,
        homepage: homepage(opkg).map(|uri| escape_substvars(&uri)),
        origin: origin.map(escape_substvars),
        packages: packages.iter().map(stanza).collect(),
    };
    control.render()
}

/// Fields of the `.dsc`, in their order, without those that the host knows itself.
#[must_use]
pub fn source_fields(opkg: &Opkg, origin: Option<&str>, packages: &[Package]) -> Vec<ControlField> {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let section = section(opkg);
    let mut list = String::new();
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for package in sorted {
        let archs = package.architecture.joined(",");
        list.push_str(&format!("\n {} deb {section} optional arch={archs}", package.name));
    }
    let mut fields = vec![
        ("Binary", names.join(", ")),
        ("Architecture", architectures(packages)),
        ("Maintainer", maintainer(opkg)),
    ];
    let uploaders = person::uploaders(opkg);
    if !uploaders.is_empty() {
        fields.push(("Uploaders", uploaders.join(", ")));
    }
    if let Some(homepage) = homepage(opkg) {
        fields.push(("Homepage", homepage));
    }
    fields.extend(origin.map(|origin| ("Origin", origin.to_owned())));
    fields.push(("Standards-Version", STANDARDS_VERSION.to_owned()));
    fields.push(("Package-List", list));
    for package in packages {
        let transferred = package.extra_fields().into_iter().filter(|(name, _)| *name == "Opkg-Conflicts");
        fields.extend(transferred);
    }
    fields.into_iter().map(|(name, value)| ControlField { name: name.into(), value }).collect()
}

fn stanza(package: &Package) -> PackageStanza {
    const FIELDS: [(&str, RelationField); 9] = [
        ("Pre-Depends", RelationField::PreDepends),
        ("Depends", RelationField::Depends),
        ("Recommends", RelationField::Recommends),
        ("Suggests", RelationField::Suggests),
        ("Enhances", RelationField::Enhances),
        ("Conflicts", RelationField::Conflicts),
        ("Breaks", RelationField::Breaks),
        ("Replaces", RelationField::Replaces),
        ("Provides", RelationField::Provides),
    ];
    let list = |field| {
        relation::format_list(package.relations.iter().filter(|dependency| dependency.field == field))
    };
    PackageStanza {
        name: package.name.clone(),
        architecture: package.architecture.joined(" "),
        relations: FIELDS
            .into_iter()
            .map(|(name, field)| (name, list(field)))
            .filter(|(_, list)| !list.is_empty())
            .collect(),
        extra_fields: package
            .extra_fields()
            .into_iter()
            .map(|(name, value)| (source_field_name(name), value))
            .collect(),
        summary: escape_substvars(&person::collapse_whitespace(&package.summary)),
        description: package
            .description
            .iter()
            .map(|line| if line.is_empty() { ".".to_owned() } else { escape_substvars(line) })
            .collect(),
    }
}

/// A field of our own with the prefix that says where dpkg copies it to: into the binary package, and the
/// one that OPKGs have always had also into the source package and the description of an upload.
fn source_field_name(name: &'static str) -> &'static str {
    match name {
        "Opkg-Conflicts" => "XBCS-Opkg-conflicts",
        "Opkg-Scriptlets" => "XB-Opkg-Scriptlets",
        known_to_dpkg => known_to_dpkg,
    }
}

/// deb-substvars(5): `${}` becomes a `$` after everything else was substituted, so nothing that follows it
/// is taken for a variable.
fn escape_substvars(text: &str) -> String {
    text.replace("${", "${}{")
}

fn section(opkg: &Opkg) -> &'static str {
    section::from_group(opkg.groups.first().map_or("", String::as_str))
}

fn maintainer(opkg: &Opkg) -> String {
    person::maintainer(opkg).map(person::author_mailbox).unwrap_or_default()
}

fn homepage(opkg: &Opkg) -> Option<String> {
    opkg.uri.as_deref().map(person::collapse_whitespace).filter(|uri| !uri.is_empty())
}

/// What the source package builds: each architecture once, `all` last.
fn architectures(packages: &[Package]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut add = |name| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for package in packages {
        match &package.architecture {
            Architecture::All => {}
            Architecture::Any => add("any"),
            Architecture::Listed(archs) => archs.iter().for_each(|arch| add(arch)),
        }
    }
    if packages.iter().any(|package| package.architecture == Architecture::All) {
        add("all");
    }
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_variable() {
        for (text, expected) in [
            ("$5 and $HOME", "$5 and $HOME"),
            ("${Newline}", "${}{Newline}"),
            ("$${x}", "$${}{x}"),
            ("${}", "${}{}"),
            ("${${a}}", "${}{${}{a}}"),
        ] {
            assert_eq!(escape_substvars(text), expected);
        }
    }
}
