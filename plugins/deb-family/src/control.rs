//! `debian/control`, and what the control file of the source package (`.dsc`) has of it.

use askama::Template;
use opkg_plugin::artefacts::Field as Extra;
use opkg_plugin::opkg::Opkg;

use crate::package::{Architecture, Package};
use crate::person;
use crate::relation::{self, Field};
use crate::section;

/// The version of the policy that everything here was written for.
const STANDARDS: &str = "4.6.2";

#[derive(Template)]
#[template(path = "control", escape = "none")]
struct Control<'a> {
    source: &'a str,
    section: &'a str,
    maintainer: String,
    uploaders: Vec<String>,
    standards: &'a str,
    homepage: Option<String>,
    packages: Vec<Stanza>,
}

/// A binary package. Nothing here holds a line feed, and a `$` of the OPKG's is no variable's.
struct Stanza {
    name: String,
    architecture: String,
    /// Those that are not empty.
    relations: Vec<(&'static str, String)>,
    extra: Vec<(&'static str, String)>,
    summary: String,
    /// With `.` for an empty line.
    description: Vec<String>,
}

/// The file.
///
/// # Errors
/// Those of the template, which has none of its own.
pub fn write(opkg: &Opkg, source: &str, packages: &[Package]) -> Result<String, askama::Error> {
    let control = Control {
        source,
        section: section(opkg),
        maintainer: literal(&maintainer(opkg)),
        uploaders: person::uploaders(opkg).iter().map(|person| literal(person)).collect(),
        standards: STANDARDS,
        homepage: homepage(opkg).map(|uri| literal(&uri)),
        packages: packages.iter().map(stanza).collect(),
    };
    control.render()
}

/// Fields of the `.dsc`, in their order, without those that the host knows itself.
#[must_use]
pub fn source_fields(opkg: &Opkg, packages: &[Package]) -> Vec<Extra> {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let section = section(opkg);
    let mut list = String::new();
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for package in sorted {
        let archs = package.architecture.join(",");
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
    fields.push(("Standards-Version", STANDARDS.to_owned()));
    fields.push(("Package-List", list));
    for package in packages {
        let transferred = package.extra().into_iter().filter(|(name, _)| *name == "Opkg-Conflicts");
        fields.extend(transferred);
    }
    fields.into_iter().map(|(name, value)| Extra { name: name.into(), value }).collect()
}

fn stanza(package: &Package) -> Stanza {
    const FIELDS: [(&str, Field); 5] = [
        ("Pre-Depends", Field::PreDepends),
        ("Depends", Field::Depends),
        ("Suggests", Field::Suggests),
        ("Conflicts", Field::Conflicts),
        ("Provides", Field::Provides),
    ];
    let list = |field| relation::list(package.relations.iter().filter(|it| it.field == field));
    Stanza {
        name: package.name.clone(),
        architecture: package.architecture.join(" "),
        relations: FIELDS
            .into_iter()
            .map(|(name, field)| (name, list(field)))
            .filter(|(_, list)| !list.is_empty())
            .collect(),
        extra: package.extra().into_iter().map(|(name, value)| (transferred(name), value)).collect(),
        summary: literal(&person::one_line(&package.summary)),
        description: package
            .description
            .iter()
            .map(|line| if line.is_empty() { ".".to_owned() } else { literal(line) })
            .collect(),
    }
}

/// A field of our own with the prefix that says where dpkg copies it to: into the binary package, and the
/// one that OPKGs have always had also into the source package and the description of an upload.
fn transferred(name: &str) -> &'static str {
    if name == "Opkg-Conflicts" { "XBCS-Opkg-conflicts" } else { "XB-Opkg-Scriptlets" }
}

/// deb-substvars(5): `${}` becomes a `$` after everything else was substituted, so nothing that follows it
/// is taken for a variable.
fn literal(text: &str) -> String {
    text.replace("${", "${}{")
}

fn section(opkg: &Opkg) -> &'static str {
    section::of_group(opkg.groups.first().map_or("", String::as_str))
}

fn maintainer(opkg: &Opkg) -> String {
    person::maintainer(opkg).map(person::of).unwrap_or_default()
}

fn homepage(opkg: &Opkg) -> Option<String> {
    opkg.uri.as_deref().map(person::one_line).filter(|uri| !uri.is_empty())
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
            Architecture::These(archs) => archs.iter().for_each(|arch| add(arch)),
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
            assert_eq!(literal(text), expected);
        }
    }
}
