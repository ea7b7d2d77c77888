//! Targets that come and go, as changes of the database.

use std::collections::BTreeSet;
use std::path::{Component, PathBuf};

use opkg_oda::{Address, Change, Cluster, Key, Kind, Target, TargetId};

use crate::requests::inherit;

/// Why a target is not taken, or kept. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A cluster has one head node.
    #[error("the head node is {0} already")]
    SecondServer(Address),
    /// What is cloned has no image of its own.
    #[error("{0} is no client, so it is cloned from no image")]
    NoClient(Address),
    /// There is no image of that name.
    #[error("no image is called {0}")]
    NoImage(Address),
    /// The directory is not one that an image or client may have.
    #[error("{root} cannot be the root directory of {address}: {reason}", root = .root.display())]
    Root {
        /// Whose.
        address: Address,
        /// Which.
        root: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// An image without a directory cannot be worked on.
    #[error("{0} needs a root directory")]
    NoRoot(Address),
    /// The head node cannot go.
    #[error("{0} is the head node: without it there is no cluster")]
    Server(Address),
    /// Something is still on it.
    #[error("{address} still has {count} packages")]
    Occupied {
        /// Which target.
        address: Address,
        /// How many packages are there.
        count: usize,
    },
}

/// A target as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Which one.
    pub address: Address,
    /// Its root directory; what is known already stays where this is absent.
    pub root: Option<PathBuf>,
    /// The image of a client; likewise.
    pub image: Option<Address>,
}

/// Targets are made, or changed if they are there. A new client takes over what its image holds.
///
/// # Errors
/// When one of them cannot be.
pub fn add(cluster: &Cluster, wishes: &[Wish], now: i64) -> Result<Vec<Change>, Refusal> {
    let mut last = cluster.last_target;
    let mut made: BTreeSet<&Address> = BTreeSet::new();
    let mut changes = Vec::new();
    for wish in wishes {
        let address = &wish.address;
        let known = cluster.target(address);
        check(cluster, wish, known)?;
        if !made.insert(address) {
            continue;
        }
        let image = match &wish.image {
            Some(image) => {
                let image = cluster.target(image).ok_or_else(|| Refusal::NoImage(image.clone()))?;
                Some(image.id)
            }
            None => None,
        };
        let old = known.cloned();
        let id = known.map_or_else(
            || {
                last += 1;
                TargetId(last)
            },
            |it| it.id,
        );
        let target = Target {
            id,
            address: address.clone(),
            root: wish.root.clone().or_else(|| old.as_ref()?.root.clone()),
            image: image.or_else(|| old.as_ref()?.image),
        };
        if old.as_ref() != Some(&target) {
            changes.push(Change::Target(target));
        }
        if let (Some(image), None) = (image, old) {
            changes.extend(inherit(cluster, id, image, now));
        }
    }
    Ok(changes)
}

fn check(cluster: &Cluster, wish: &Wish, known: Option<&Target>) -> Result<(), Refusal> {
    let address = &wish.address;
    let other = cluster.of_kind(Kind::Server).find(|it| it.address != *address);
    if let (Kind::Server, Some(other)) = (address.kind, other) {
        return Err(Refusal::SecondServer(other.address.clone()));
    }
    if let Some(image) = &wish.image {
        if address.kind != Kind::Client {
            return Err(Refusal::NoClient(address.clone()));
        }
        if image.kind != Kind::Image {
            return Err(Refusal::NoImage(image.clone()));
        }
    }
    let refuse =
        |root: &PathBuf, reason| Err(Refusal::Root { address: address.clone(), root: root.clone(), reason });
    match &wish.root {
        Some(root) if !root.is_absolute() => refuse(root, "it must begin with `/`"),
        Some(root) if root.components().any(|it| it == Component::ParentDir) => {
            refuse(root, "there is a `..` in it")
        }
        Some(root) if address.kind != Kind::Server && root.components().count() < 2 => {
            refuse(root, "that is this machine's own")
        }
        None if address.kind == Kind::Image && known.is_none_or(|it| it.root.is_none()) => {
            Err(Refusal::NoRoot(address.clone()))
        }
        _ => Ok(()),
    }
}

/// Targets are forgotten with everything that the database knows of them; nothing is done to their files. With
/// `force` also those that have packages.
///
/// # Errors
/// When one is the head node, or still has packages.
pub fn remove(cluster: &Cluster, targets: &BTreeSet<TargetId>, force: bool) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    for target in targets.iter().filter_map(|it| cluster.targets.get(it)) {
        let address = target.address.clone();
        if target.kind() == Kind::Server {
            return Err(Refusal::Server(address));
        }
        let count = on(cluster, target.id);
        if count > 0 && !force {
            return Err(Refusal::Occupied { address, count });
        }
        changes.push(Change::TargetGone(target.id));
    }
    Ok(changes)
}

/// How many packages are on a target, wholly or in part.
#[must_use]
pub fn on(cluster: &Cluster, target: TargetId) -> usize {
    let packages = cluster.packages.keys();
    packages
        .filter(|it| cluster.row(Key { target, package: **it }).is_some_and(opkg_oda::Row::present))
        .count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{Class, Package, PackageId, Row, Stage};

    use super::*;

    fn wish(address: &str, root: Option<&str>, image: Option<&str>) -> Wish {
        Wish {
            address: address.parse().unwrap(),
            root: root.map(PathBuf::from),
            image: image.map(|it| it.parse().unwrap()),
        }
    }

    fn grown(wishes: &[Wish]) -> Cluster {
        let mut cluster = Cluster::default();
        for change in add(&cluster, wishes, 7).unwrap() {
            cluster.apply(&change);
        }
        cluster
    }

    fn refused(cluster: &Cluster, wish: Wish) -> Refusal {
        add(cluster, &[wish], 7).unwrap_err()
    }

    #[test]
    fn targets_come_and_change() {
        let mut cluster = grown(&[
            wish("server:head", None, None),
            wish("image:compute", Some("/images/compute"), None),
            wish("client:n1", None, None),
            wish("client:n1", None, None),
        ]);
        assert_eq!(cluster.targets.len(), 3);
        assert_eq!(add(&cluster, &[wish("client:n1", None, None)], 8).unwrap(), []);
        let changed = add(&cluster, &[wish("client:n1", Some("/n1"), Some("image:compute"))], 8).unwrap();
        cluster.apply(&changed[0]);
        let client = cluster.target(&"client:n1".parse().unwrap()).unwrap();
        assert_eq!(client.root, Some("/n1".into()));
        assert_eq!(client.image, cluster.target(&"image:compute".parse().unwrap()).map(|it| it.id));
        assert_eq!(add(&cluster, &[wish("client:n1", None, None)], 8).unwrap(), [], "nothing is lost");
    }

    #[test]
    fn a_new_client_inherits_what_its_image_holds() {
        let mut cluster = grown(&[wish("image:compute", Some("/images/compute"), None)]);
        let package = PackageId(1);
        cluster.apply(&Change::Package(Package {
            id: package,
            name: "demo".parse().unwrap(),
            class: Class::Base,
            version: None,
            needs: Vec::new(),
            awaits: None,
        }));
        let key = Key { target: TargetId(1), package };
        cluster.apply(&Change::Request { key, stage: Stage::Finished, at: 7 });
        let row = Row { current: Stage::PostImage, ..Row::new(Stage::Finished, 7) };
        cluster.apply(&Change::Progress(key, row));
        for change in add(&cluster, &[wish("client:n1", None, Some("image:compute"))], 8).unwrap() {
            cluster.apply(&change);
        }
        let row = cluster.row(Key { target: TargetId(2), package }).unwrap();
        assert_eq!(row.inherits, Some(Stage::InstallBinPkgs));
        assert_eq!(on(&cluster, TargetId(1)), 1);
        let image = BTreeSet::from([TargetId(1)]);
        assert!(matches!(remove(&cluster, &image, false), Err(Refusal::Occupied { count: 1, .. })));
        assert_eq!(remove(&cluster, &image, true).unwrap(), [Change::TargetGone(TargetId(1))]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let cluster = grown(&[wish("server:head", None, None)]);
        assert!(matches!(refused(&cluster, wish("server:other", None, None)), Refusal::SecondServer(_)));
        assert!(matches!(refused(&cluster, wish("image:i", None, None)), Refusal::NoRoot(_)));
        for root in ["/", "//", "/.", "images", "", "/a/../.."] {
            let refusal = refused(&cluster, wish("image:i", Some(root), None));
            assert!(matches!(refusal, Refusal::Root { .. }), "{root}");
        }
        assert!(matches!(refused(&cluster, wish("client:c", None, Some("image:i"))), Refusal::NoImage(_)));
        assert!(matches!(refused(&cluster, wish("client:c", None, Some("client:c"))), Refusal::NoImage(_)));
        assert!(matches!(
            refused(&cluster, wish("image:i", Some("/i"), Some("image:j"))),
            Refusal::NoClient(_)
        ));
        let server = BTreeSet::from([TargetId(1)]);
        assert!(matches!(remove(&cluster, &server, true), Err(Refusal::Server(_))));
    }
}
