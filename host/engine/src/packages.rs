//! What the database knows of packages, from what they say of themselves.

use std::collections::BTreeMap;

use opkg_oda::{Change, Cluster, Package, PackageClass, PackageId, PackageName};

/// What an OPKG says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageMetadata {
    /// Its name.
    pub name: PackageName,
    /// How essential it is.
    pub class: PackageClass,
    /// Its version.
    pub version: Option<String>,
    /// The native packages that it requires, by their names.
    pub requires: Vec<String>,
}

/// The OPKG that a native package belongs to: `opkg-munge`, `opkg-munge-server` and `opkg-munge-client` are of `munge`.
#[must_use]
pub fn opkg_name(native: &str) -> Option<PackageName> {
    let name = native.strip_prefix("opkg-")?;
    let name = name.strip_suffix("-server").or_else(|| name.strip_suffix("-client")).unwrap_or(name);
    name.parse().ok()
}

/// Packages become known, or better known. What one requires is a dependency between OPKGs where it is a part of an
/// OPKG (which becomes known as well), or carries the name of one that is known.
#[must_use]
pub fn metadata_changes(cluster: &Cluster, descriptions: &[PackageMetadata]) -> Vec<Change> {
    let mut last = cluster.last_package_id;
    let mut ids: BTreeMap<PackageName, PackageId> =
        cluster.packages.values().map(|package| (package.name.clone(), package.id)).collect();
    let mut id_of = |ids: &mut BTreeMap<PackageName, PackageId>, name: &PackageName| {
        *ids.entry(name.clone()).or_insert_with(|| {
            last += 1;
            PackageId(last)
        })
    };
    for description in descriptions {
        id_of(&mut ids, &description.name);
    }
    let mut all: BTreeMap<PackageId, Package> = cluster.packages.clone();
    for description in descriptions {
        let mut needs = Vec::new();
        for native in &description.requires {
            let plain = || native.parse().ok().filter(|name| ids.contains_key(name));
            let Some(name) = opkg_name(native).or_else(plain) else { continue };
            if name == description.name {
                continue;
            }
            let needed = id_of(&mut ids, &name);
            all.entry(needed).or_insert_with(|| new_package(needed, &name));
            if !needs.contains(&needed) {
                needs.push(needed);
            }
        }
        let id = id_of(&mut ids, &description.name);
        let package = all.entry(id).or_insert_with(|| new_package(id, &description.name));
        package.class = description.class;
        package.version.clone_from(&description.version);
        package.dependencies = needs;
    }
    all.into_iter()
        .filter(|(id, package)| cluster.packages.get(id) != Some(package))
        .map(|(_, package)| Change::PutPackage(package))
        .collect()
}

fn new_package(id: PackageId, name: &PackageName) -> Package {
    Package {
        id,
        name: name.clone(),
        class: PackageClass::default(),
        version: None,
        dependencies: Vec::new(),
        waiting_for: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn metadata(name: &str, requires: &[&str]) -> PackageMetadata {
        PackageMetadata {
            name: name.parse().unwrap(),
            class: PackageClass::Base,
            version: Some("1.0-1".into()),
            requires: requires.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    #[test]
    fn native_packages_belong_to_opkgs() {
        for (native, name) in [("opkg-a", "a"), ("opkg-a-server", "a"), ("opkg-a-b-client", "a-b")] {
            assert_eq!(opkg_name(native), Some(name.parse().unwrap()), "{native}");
        }
        for native in ["a", "opkg-", "opkg--server", "perl-Qt"] {
            assert_eq!(opkg_name(native), None, "{native}");
        }
    }

    #[test]
    fn packages_and_what_they_need() {
        let mut cluster = Cluster::default();
        let requires = ["opkg-munge-server", "opkg-munge-client", "perl", "maui", "opkg-slurm"];
        let changes = metadata_changes(&cluster, &[metadata("slurm", &requires), metadata("maui", &[])]);
        changes.iter().for_each(|it| cluster.apply(it));
        let names = |of: &str| -> Vec<&str> {
            let needs = &cluster.find_package(&of.parse().unwrap()).unwrap().dependencies;
            needs.iter().map(|it| cluster.packages[it].name.as_str()).collect()
        };
        assert_eq!(names("slurm"), ["munge", "maui"]);
        assert_eq!(cluster.packages.len(), 3, "munge is known now, perl is not");
        assert_eq!(cluster.find_package(&"munge".parse().unwrap()).unwrap().class, PackageClass::ThirdParty);
        let again = [metadata("slurm", &requires), metadata("maui", &[])];
        assert_eq!(metadata_changes(&cluster, &again), []);
        let changes = metadata_changes(&cluster, &[metadata("munge", &[])]);
        assert_eq!(changes.len(), 1);
        changes.iter().for_each(|it| cluster.apply(it));
        let munge = cluster.find_package(&"munge".parse().unwrap()).unwrap();
        assert_eq!((munge.class, munge.version.as_deref()), (PackageClass::Base, Some("1.0-1")));
    }
}
