//! What the database knows of packages, from what they say of themselves: class, version, and the other OPKGs that one
//! depends on. What counts as a dependency is decided here alone:
//!
//! An OPKG depends on another one where `config.xml`, as a whole or in any part, requires it: by its own name in `opkg`, or
//! by that of one of its packages in `pkg`, which is `opkg-NAME`, `opkg-NAME-server` or `opkg-NAME-client`. Any other name is
//! one of the distribution. Of several that are alternatives it depends on the first that is known, otherwise on the first;
//! where a package of the distribution is among them, on none.

use std::collections::{BTreeMap, BTreeSet};

use opkg::model::{Class, Opkg, RelatedName, RelatedPackage, Relation, Scope};
use opkg::native_name;
use opkg_oda::{Change, Cluster, Package, PackageClass, PackageId, PackageName, ParseError};

/// What an OPKG says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageMetadata {
    /// Its name.
    pub name: PackageName,
    /// How essential it is.
    pub class: PackageClass,
    /// Its version.
    pub version: Option<String>,
    /// The packages of other OPKGs that it requires, by their names; alternatives with `|` between them.
    pub requires: Vec<String>,
    /// What it requires as a whole besides, from the distribution. The name of an OPKG among these is a mistake.
    pub foreign: Vec<String>,
}

/// Two OPKGs that would make packages of the same name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the OPKGs {one} and {other} cannot be in one cluster: both would make the package {native}")]
pub struct NameClash {
    /// The new one.
    pub one: PackageName,
    /// One that is known.
    pub other: PackageName,
    /// The package that both would make.
    pub native: String,
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
        let applies = |relation: &&Relation| {
            let dists = &relation.filter.dists;
            relation.kind.is_requirement()
                && distribution.is_none_or(|ids| {
                    dists.is_empty() || dists.iter().any(|dist| ids.contains(dist.id.as_str()))
                })
        };
        let required = || opkg.relations.iter().filter(applies);
        let requires: BTreeSet<String> = required().filter_map(required_packages).collect();
        let foreign: BTreeSet<&str> = required()
            .filter(|relation| relation.scope == Scope::Whole)
            .filter_map(Relation::native_name)
            .filter(|name| native_name::whole(name).is_none())
            .collect();
        Ok(Self {
            name: opkg.name.parse()?,
            class,
            version: opkg.version().map(ToString::to_string),
            requires: requires.into_iter().collect(),
            foreign: foreign.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// Between alternatives; in no name of a package.
const OR: &str = " | ";

/// The packages of OPKGs that are required, of which one is enough. Nothing where one of the distribution is.
fn required_packages(relation: &Relation) -> Option<String> {
    let native = |package: &RelatedPackage| match &package.name {
        RelatedName::Native(name) => native_name::whole(name).is_some().then(|| name.clone()),
        // Which of its parts, is the package manager's affair: by this name it is told from all others.
        RelatedName::Opkg { name, .. } => Some(format!("{}{name}", native_name::PREFIX)),
    };
    let names: Option<Vec<String>> = relation.any_of.iter().map(native).collect();
    Some(names?.join(OR))
}

/// The OPKG that is needed where these packages are required, as [`required_packages`] writes them.
fn needed_opkg(required: &str, known: impl Fn(&PackageName) -> bool + Copy) -> Option<PackageName> {
    let all = || required.split(OR).filter_map(|native| required_opkg(native, known));
    all().find(|name| known(name)).or_else(|| all().next())
}

/// The OPKG that a package belongs to: the one that has this name behind `opkg-`, else the one whose part for head node or
/// clients this is. Of an OPKG that nobody knows it is only where it can be of no other one.
fn required_opkg(required: &str, known: impl Fn(&PackageName) -> bool) -> Option<PackageName> {
    let whole: PackageName = native_name::whole(required)?.parse().ok()?;
    if known(&whole) {
        return Some(whole);
    }
    match native_name::stem(whole.as_str()) {
        Some(stem) => stem.parse().ok().filter(&known),
        None => {
            let parts = native_name::PART_SUFFIXES
                .iter()
                .filter_map(|suffix| format!("{whole}{suffix}").parse().ok());
            // Beside one that is called so, this one could not be.
            (!parts.into_iter().any(|part: PackageName| known(&part))).then_some(whole)
        }
    }
}

/// Whether an OPKG of this name can be in a cluster with those of the other names.
///
/// # Errors
/// When it would make a package of the same name as one of them.
pub fn check_name<'a>(
    name: &PackageName,
    others: impl IntoIterator<Item = &'a PackageName>,
) -> Result<(), NameClash> {
    for other in others {
        if let Some(native) = native_name::clash(name.as_str(), other.as_str()) {
            return Err(NameClash { one: name.clone(), other: other.clone(), native });
        }
    }
    Ok(())
}

/// Packages become known, or better known. Which packages depend on which is found anew for all of them, since a name
/// that meant nothing so far may mean one of those that became known.
#[must_use]
pub fn metadata_changes(cluster: &Cluster, descriptions: &[PackageMetadata]) -> Vec<Change> {
    let mut last = cluster.last_package_id;
    let mut ids: BTreeMap<PackageName, PackageId> =
        cluster.packages.values().map(|package| (package.name.clone(), package.id)).collect();
    let mut all: BTreeMap<PackageId, Package> = cluster.packages.clone();
    let mut requirements = cluster.requirements.clone();
    let mut id_of = |all: &mut BTreeMap<PackageId, Package>, name: &PackageName| {
        *ids.entry(name.clone()).or_insert_with(|| {
            last += 1;
            all.insert(PackageId(last), new_package(PackageId(last), name));
            PackageId(last)
        })
    };
    for description in descriptions {
        let id = id_of(&mut all, &description.name);
        requirements.insert(id, description.requires.clone());
        if let Some(package) = all.get_mut(&id) {
            package.class = description.class;
            package.version.clone_from(&description.version);
        }
    }
    for (package, required) in &requirements {
        let mut needs: Vec<PackageId> = Vec::new();
        for native in required {
            let is_known = |name: &PackageName| all.values().any(|package| package.name == *name);
            let Some(name) = needed_opkg(native, is_known) else { continue };
            let needed = id_of(&mut all, &name);
            if needed != *package && !needs.contains(&needed) {
                needs.push(needed);
            }
        }
        if let Some(package) = all.get_mut(package) {
            package.dependencies = needs;
        }
    }
    let packages = all
        .into_iter()
        .filter(|(id, package)| cluster.packages.get(id) != Some(package))
        .map(|(_, package)| Change::PutPackage(package));
    let known = &cluster.requirements;
    let required = requirements
        .into_iter()
        .filter(|(id, names)| known.get(id).map_or(&[][..], Vec::as_slice) != names.as_slice())
        .map(|(package, names)| Change::SetRequirements { package, names });
    packages.chain(required).collect()
}

/// What OPKGs require of which the OPKG is not known: the one that requires, and the name.
#[must_use]
pub fn unresolved_requirements(cluster: &Cluster) -> Vec<(&PackageName, &str)> {
    let is_known = |name: &PackageName| cluster.find_package(name).is_some();
    let all = cluster.requirements.iter().filter_map(|(id, names)| Some((cluster.packages.get(id)?, names)));
    all.flat_map(|(package, names)| names.iter().map(|name| (&package.name, name.as_str())))
        .filter(|(_, name)| needed_opkg(name, is_known).is_none())
        .collect()
}

/// What OPKGs require by the bare name of another OPKG, which means nothing: the OPKG, and the name.
#[must_use]
pub fn bare_names<'a>(
    cluster: &Cluster,
    descriptions: &'a [PackageMetadata],
) -> Vec<(&'a PackageName, &'a str)> {
    let is_opkg = |name: &str| {
        cluster.packages.values().map(|package| &package.name).any(|known| known.as_str() == name)
            || descriptions.iter().any(|description| description.name.as_str() == name)
    };
    let all = descriptions
        .iter()
        .flat_map(|description| description.foreign.iter().map(|name| (&description.name, name.as_str())));
    all.filter(|(_, name)| is_opkg(name)).collect()
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
            foreign: Vec::new(),
        }
    }

    fn grown(cluster: &Cluster, descriptions: &[PackageMetadata]) -> Cluster {
        let mut grown = cluster.clone();
        metadata_changes(cluster, descriptions).iter().for_each(|change| grown.apply(change));
        grown
    }

    fn needs<'a>(cluster: &'a Cluster, of: &str) -> Vec<&'a str> {
        let needs = &cluster.find_package(&of.parse().unwrap()).unwrap().dependencies;
        needs.iter().map(|it| cluster.packages[it].name.as_str()).collect()
    }

    #[test]
    fn native_packages_belong_to_opkgs() {
        let known = ["a", "c", "d-server"].map(|name| name.parse().unwrap());
        for (required, name) in [
            ("opkg-a", "a"),
            ("opkg-a-server", "a"),
            ("opkg-a-client", "a"),
            ("opkg-b", "b"),
            ("opkg-b-c", "b-c"),
            ("opkg-c-client", "c"),
            ("opkg-d-server", "d-server"),
            ("opkg-d-server-client", "d-server"),
        ] {
            let found = required_opkg(required, |name| known.contains(name));
            assert_eq!(found, Some(name.parse().unwrap()), "{required}");
        }
        for required in [
            "a",
            "b",
            "opkg-",
            "opkg--server",
            "perl-Qt",
            "opkg-filesystem",
            // Of whom they are is not known: `nfs`, or `nfs-server`?
            "opkg-nfs-server",
            "opkg-b-c-client",
            "opkg-d-client",
            "opkg-d",
        ] {
            assert_eq!(required_opkg(required, |name| known.contains(name)), None, "{required}");
        }
    }

    #[test]
    fn of_alternatives_the_first_that_is_known() {
        let either = metadata("jobs", &["opkg-slurm | opkg-torque"]);
        for (known, needed) in [("slurm", "slurm"), ("torque", "torque"), ("other", "slurm")] {
            let cluster = grown(&Cluster::default(), &[either.clone(), metadata(known, &[])]);
            assert_eq!(needs(&cluster, "jobs"), [needed], "{known}");
        }
    }

    #[test]
    fn what_a_description_requires() {
        let opkg = |name: &str| RelatedName::Opkg { name: name.into(), part: None };
        let native = |name: &str| RelatedName::Native(name.into());
        for (any_of, required) in [
            (vec![opkg("nfs")], Some("opkg-nfs")),
            (vec![opkg("nfs-server")], Some("opkg-nfs-server")),
            (vec![native("opkg-nfs-client")], Some("opkg-nfs-client")),
            (vec![opkg("slurm"), native("opkg-torque-client")], Some("opkg-slurm | opkg-torque-client")),
            (vec![opkg("munge"), native("munge")], None),
        ] {
            let at = opkg::model::NodeId(0);
            let any_of = any_of.into_iter().map(|name| RelatedPackage { at, name, bound: None }).collect();
            let kind = opkg::model::RelationKind::Requires;
            let filter = opkg::model::Filter::default();
            let relation = Relation { at, scope: Scope::Common, kind, any_of, filter };
            assert_eq!(required_packages(&relation).as_deref(), required);
        }
    }

    #[test]
    fn packages_and_what_they_need() {
        let requires = ["opkg-munge", "opkg-munge-client", "opkg-maui-server", "opkg-slurm"];
        let descriptions = [metadata("slurm", &requires), metadata("maui", &[])];
        let cluster = grown(&Cluster::default(), &descriptions);
        assert_eq!(needs(&cluster, "slurm"), ["munge", "maui"]);
        assert_eq!(cluster.packages.len(), 3, "munge is known now");
        assert_eq!(cluster.find_package(&"munge".parse().unwrap()).unwrap().class, PackageClass::ThirdParty);
        assert_eq!(metadata_changes(&cluster, &descriptions), []);
        let cluster = grown(&cluster, &[metadata("munge", &[])]);
        let munge = cluster.find_package(&"munge".parse().unwrap()).unwrap();
        assert_eq!((munge.class, munge.version.as_deref()), (PackageClass::Base, Some("1.0-1")));
        assert_eq!(needs(&cluster, "slurm"), ["munge", "maui"]);
    }

    #[test]
    fn what_is_not_known_yet_becomes_a_dependency_when_it_is() {
        let cluster = grown(&Cluster::default(), &[metadata("shares", &["opkg-nfs-server"])]);
        assert_eq!(cluster.packages.len(), 1, "neither nfs nor nfs-server is invented");
        let shares = "shares".parse().unwrap();
        assert_eq!(unresolved_requirements(&cluster), [(&shares, "opkg-nfs-server")]);
        for (late, parts) in [("nfs", ["opkg-nfs-server"]), ("nfs-server", ["opkg-nfs-server"])] {
            let cluster = grown(&cluster, &[metadata(late, &[])]);
            assert_eq!(needs(&cluster, "shares"), [late], "{parts:?}");
        }
        let own = grown(&cluster, &[metadata("nfs-server", &["opkg-nfs-server-client", "opkg-nfs-server"])]);
        assert_eq!(needs(&own, "nfs-server"), Vec::<&str>::new());
        assert_eq!(own.packages.len(), 2);
    }

    #[test]
    fn two_that_would_make_one_package() {
        let name = |text: &str| text.parse::<PackageName>().unwrap();
        let known = [name("nfs"), name("web-client")];
        for bad in ["nfs-server", "nfs-client", "web"] {
            assert!(check_name(&name(bad), &known).is_err(), "{bad}");
        }
        for good in ["nfs", "nfsserver", "nfs-servers", "nfs-server-client", "web-server", "client"] {
            assert!(check_name(&name(good), &known).is_ok(), "{good}");
        }
        let clash = check_name(&name("web"), &known).unwrap_err();
        assert_eq!(clash.native, "opkg-web-client");
    }

    #[test]
    fn the_bare_name_of_an_opkg_is_a_mistake() {
        let mut app = metadata("app", &[]);
        app.foreign = ["munge", "perl", "lib"].map(str::to_owned).to_vec();
        let cluster = grown(&Cluster::default(), &[metadata("lib", &[])]);
        let descriptions = [app, metadata("munge", &[])];
        let found: Vec<&str> =
            bare_names(&cluster, &descriptions).into_iter().map(|(_, name)| name).collect();
        assert_eq!(found, ["munge", "lib"]);
    }
}
