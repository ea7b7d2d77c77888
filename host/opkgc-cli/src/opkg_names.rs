//! The names of several OPKGs held against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::diagnostic::Diagnostic;
use opkg::model::{Opkg, Relation, Scope};
use opkg::native_name;

/// OPKGs by their names: the directory of each.
pub type Directories = BTreeMap<String, PathBuf>;

/// What is wrong with the name of an OPKG beside others: two of one name would overwrite each other's packages, and so
/// would two of which one is called like a part of the other.
#[must_use]
pub fn name_clash(name: &str, others: &Directories) -> Option<Diagnostic> {
    if let Some(directory) = others.get(name) {
        let message = format!("the OPKG in {} has the name `{name}` as well", directory.display());
        let help = "compile them one at a time, into different output directories";
        return Some(Diagnostic::error("same-name", message).help(help));
    }
    package_clash(name, others)
}

/// The same, where two of one name are nothing wrong.
#[must_use]
pub fn package_clash(name: &str, others: &Directories) -> Option<Diagnostic> {
    native_name::rivals(name).find_map(|other| {
        let (directory, native) = (others.get(&other)?, native_name::clash(name, &other)?);
        let message =
            format!("`{name}` and `{other}` in {} both make the package `{native}`", directory.display());
        let help = "name one of them otherwise: they cannot be in one cluster";
        Some(Diagnostic::error("same-package", message).help(help))
    })
}

/// A warning for each bare name of another OPKG, all being known, among what one requires as a whole: such a name means a
/// package of the distribution.
#[must_use]
pub fn bare_names(opkg: &Opkg, known: &Directories) -> Vec<Diagnostic> {
    let is_wanted = |relation: &&Relation| relation.kind.is_requirement() && relation.scope == Scope::Whole;
    let required = opkg.relations.iter().filter(is_wanted).filter_map(|it| Some((it.at, it.native_name()?)));
    required
        .filter(|(_, name)| *name != opkg.name && known.contains_key(*name))
        .map(|(at, name)| {
            let message = format!("`{name}` is an OPKG, and no package is called so");
            let help = format!("write `<opkg>{name}</opkg>`");
            let diagnostic = Diagnostic::warning("bare-opkg-name", message).help(help);
            Diagnostic { location: opkg.location(at).cloned(), ..diagnostic }
        })
        .collect()
}

/// Two OPKGs of whose packages a repository would hold some once these files are `added`, although they cannot be in one
/// cluster. By the names of the files: only the one has a package `opkg-NAME`, and only the other parts of `NAME-server`.
#[must_use]
pub fn clash_in_repository<'a>(
    directory: &Path,
    added: impl Iterator<Item = &'a str>,
) -> Option<(String, String)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    files.extend(added.map(str::to_owned));
    let natives: BTreeSet<&str> = files.iter().filter_map(|file| native_name::of_file(file)).collect();
    let names: BTreeSet<&str> = natives.iter().filter_map(|native| native_name::whole(native)).collect();
    // Whoever has a part that is called like a part of a part.
    names.iter().find_map(|part| {
        let longer = native_name::stem(part)?;
        let shorter = native_name::stem(longer).filter(|shorter| names.contains(shorter))?;
        Some((shorter.to_owned(), longer.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_exclude_each_other() {
        let code = |name: &str, other: &str| {
            let others = Directories::from([(other.to_owned(), PathBuf::from("x"))]);
            name_clash(name, &others).map(|found| found.code)
        };
        assert_eq!(code("nfs", "nfs").as_deref(), Some("same-name"));
        for (one, other) in [("nfs", "nfs-server"), ("nfs-client", "nfs"), ("a-server-client", "a-server")] {
            assert_eq!(code(one, other).as_deref(), Some("same-package"), "{one} {other}");
        }
        for (one, other) in [("nfs", "nfsd"), ("nfs-server", "nfs-client"), ("a", "b-server")] {
            assert_eq!(code(one, other), None, "{one} {other}");
        }
    }

    #[test]
    fn repositories_with_packages_of_two_that_exclude_each_other() {
        let clash = |files: &[&str]| {
            let directory = tempfile::tempdir().unwrap();
            let (there, added) = files.split_at(1);
            there.iter().for_each(|file| fs::write(directory.path().join(file), "").unwrap());
            clash_in_repository(directory.path(), added.iter().copied())
        };
        let both = [
            "opkg-nfs-1-1.noarch.rpm",
            "opkg-nfs-server-1-1.noarch.rpm",
            "opkg-nfs-server-client-1-1.noarch.rpm",
        ];
        assert_eq!(clash(&both), Some(("nfs".to_owned(), "nfs-server".to_owned())));
        assert_eq!(clash(&["opkg-a_1_all.deb", "opkg-a-client-server_1_all.deb"]).unwrap().1, "a-client");
        assert_eq!(
            clash(&["opkg-nfs_1_all.deb", "opkg-nfs-server_1_all.deb", "opkg-nfs-client_1_all.deb"]),
            None
        );
        assert_eq!(clash(&["opkg-nfs-server_1_all.deb", "opkg-nfs-server-server_1_all.deb"]), None);
        assert_eq!(clash(&["nfs_1_all.deb", "nfs-server-server_1_all.deb"]), None);
    }

    /// The codes of what is said about an OPKG of this name that requires these as a whole.
    fn loaded(name: &str, required: &[&str]) -> (opkg::LoadResult, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let required: String = required.iter().map(|name| format!("<pkg>{name}</pkg>")).collect();
        let config = format!(
            "<oscar><name>{name}</name><class>base</class><summary>Demo</summary><license>GPL</license>\
             <group>Applications/System</group><authors><author cat=\"maintainer\"><name>Ada</name>\
             <email>ada@example.org</email></author></authors><requires>{required}</requires>\
             <serverDeps><requires><pkg>munge</pkg></requires></serverDeps><changelog>\
             <versionEntry version=\"1.0-1\"><changelogEntry authorName=\"Ada\" date=\"2025-01-02T03:04:05Z\">\
             <item>First.</item></changelogEntry></versionEntry></changelog></oscar>"
        );
        fs::write(directory.path().join("config.xml"), config).unwrap();
        let loaded = opkg::load(directory.path(), &opkg::Settings::default());
        let codes = loaded.diagnostics.iter().map(|found| found.code.to_string()).collect();
        (loaded, codes)
    }

    #[test]
    fn the_bare_name_of_an_opkg_is_said_to_be_one() {
        let (found, _) = loaded("app", &["munge", "opkg-torque", "perl", "torque"]);
        let opkg = found.opkg.unwrap();
        let names: Directories =
            ["app", "munge", "torque", "maui"].map(|name| (name.to_owned(), PathBuf::from(name))).into();
        let messages: Vec<String> =
            bare_names(&opkg, &names).into_iter().map(|found| found.message).collect();
        assert_eq!(
            messages,
            [
                "`munge` is an OPKG, and no package is called so",
                "`torque` is an OPKG, and no package is called so"
            ],
            "a part may require a package of the distribution that is called like an OPKG"
        );
        assert!(bare_names(&opkg, &Directories::new()).is_empty());
    }

    #[test]
    fn a_name_that_may_be_that_of_a_part_is_warned_about() {
        for (name, is_ambiguous) in [
            ("nfs-server", true),
            ("web-client", true),
            ("nfs", false),
            ("nfs-servers", false),
            ("server", false),
        ] {
            let (found, codes) = loaded(name, &["perl"]);
            assert!(found.opkg.is_some(), "{name}: {codes:?}");
            assert_eq!(codes.iter().any(|code| code == "ambiguous-name"), is_ambiguous, "{name}: {codes:?}");
        }
    }
}
