//! What the database knows of packages, from what they say of themselves: class, version, and the other OPKGs that one
//! depends on. What counts as a dependency is decided here alone.

use std::collections::{BTreeMap, BTreeSet};

use opkg::model::{Class, Opkg, Relation, RelationKind, Scope};
use opkg_oda::{Change, Cluster, Package, PackageClass, PackageId, PackageName, ParseError};

/// How the names of all native packages of OPKGs begin.
const NATIVE_PREFIX: &str = "opkg-";

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

impl PackageMetadata {
    /// What a description says. What is required only on other distributions than those of `distribution` is left out;
    /// without any, everything counts.
    ///
    /// # Errors
    /// When its name cannot be that of a package.
    pub fn of_opkg(opkg: &Opkg, distribution: Option<&BTreeSet<&str>>) -> Result<Self, ParseError> {
        let class = match opkg.class {
            Class::Core => PackageClass::Core,
            Class::Base => PackageClass::Base,
            Class::Included => PackageClass::Included,
            Class::ThirdParty => PackageClass::ThirdParty,
        };
        let applies = |relation: &Relation| {
            let dists = &relation.filter.dists;
            distribution
                .is_none_or(|ids| dists.is_empty() || dists.iter().any(|dist| ids.contains(dist.id.as_str())))
        };
        // What the package as a whole requires may carry the bare name of an OPKG; a part requires native packages.
        let is_of_opkg =
            |relation: &Relation| relation.scope == Scope::Whole || relation.name.starts_with(NATIVE_PREFIX);
        let requires = opkg
            .relations
            .iter()
            .filter(|relation| {
                relation.kind == RelationKind::Requires && is_of_opkg(relation) && applies(relation)
            })
            .map(|relation| relation.name.clone())
            .collect();
        Ok(Self {
            name: opkg.name.parse()?,
            class,
            version: opkg.version().map(ToString::to_string),
            requires,
        })
    }

    /// The package in the database with what is said here. Only OPKGs that the database knows become dependencies.
    #[must_use]
    pub fn apply_to(&self, package: &Package, cluster: &Cluster) -> Package {
        let find = |name: &PackageName| cluster.find_package(name).map(|found| found.id);
        let known = |name: &PackageName| find(name).is_some();
        let named = self.requires.iter().filter_map(|required| required_opkg(required, known));
        let mut dependencies: Vec<PackageId> =
            named.filter_map(|name| find(&name)).filter(|id| *id != package.id).collect();
        dependencies.sort_unstable();
        dependencies.dedup();
        Package { class: self.class, version: self.version.clone(), dependencies, ..package.clone() }
    }
}

/// The OPKG that is meant by the name of something required: one of that name, else one of whose native packages that
/// is the name. `opkg-munge`, `opkg-munge-server` and `opkg-munge-client` are of `munge`, unless an OPKG
/// `munge-server` is known. Nothing, where it is no OPKG's.
fn required_opkg(required: &str, known: impl Fn(&PackageName) -> bool) -> Option<PackageName> {
    let whole = required.strip_prefix(NATIVE_PREFIX);
    let part = whole.and_then(|name| name.strip_suffix("-server").or_else(|| name.strip_suffix("-client")));
    let candidates = [Some(required), whole, part].into_iter().flatten();
    let mut names = candidates.filter_map(|name| name.parse::<PackageName>().ok());
    names.find(known).or_else(|| part.or(whole)?.parse().ok())
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
            let Some(name) = required_opkg(native, |name| ids.contains_key(name)) else { continue };
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
        let known = ["a", "c", "c-server"].map(|name| name.parse().unwrap());
        for (required, name) in [
            ("a", "a"),
            ("opkg-a", "a"),
            ("opkg-a-server", "a"),
            ("opkg-a-client", "a"),
            ("opkg-b", "b"),
            ("opkg-b-c-client", "b-c"),
            ("opkg-c-server", "c-server"),
            ("opkg-c-client", "c"),
        ] {
            let found = required_opkg(required, |name| known.contains(name));
            assert_eq!(found, Some(name.parse().unwrap()), "{required}");
        }
        for required in ["b", "opkg-", "opkg--server", "perl-Qt"] {
            assert_eq!(required_opkg(required, |name| known.contains(name)), None, "{required}");
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
