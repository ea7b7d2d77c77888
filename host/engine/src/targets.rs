//! Targets that come and go, as changes of the database.

use std::collections::BTreeSet;
use std::path::{Component, PathBuf};

use opkg_oda::{Change, Cluster, StateKey, Target, TargetAddress, TargetId, TargetKind};

use crate::requests::inherit_from_image;

/// Why a target is not taken, or kept. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetChangeError {
    /// A cluster has one head node.
    #[error("the head node is {0} already")]
    SecondHeadNode(TargetAddress),
    /// What is cloned has no image of its own.
    #[error("{0} is not a client, and only clients are cloned from images")]
    NotAClient(TargetAddress),
    /// There is no image of that name.
    #[error("no image is called {0}")]
    UnknownImage(TargetAddress),
    /// The directory is not one that an image or client may have.
    #[error("{root} cannot be the root directory of {address}: {reason}", root = .root.display())]
    InvalidRoot {
        /// The target.
        address: TargetAddress,
        /// The path of the directory.
        root: PathBuf,
        /// One clause.
        reason: &'static str,
    },
    /// An image without a directory cannot be worked on.
    #[error("{0} needs a root directory")]
    MissingRoot(TargetAddress),
    /// The head node cannot go.
    #[error("{0} is the head node: without it there is no cluster")]
    CannotRemoveHeadNode(TargetAddress),
    /// Something is still on it.
    #[error("{address} still has {count} packages")]
    HasPackages {
        /// The target.
        address: TargetAddress,
        /// How many packages are there.
        count: usize,
    },
}

/// A target as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSpec {
    /// Which target, by its kind and name.
    pub address: TargetAddress,
    /// Its root directory; what is known already stays where this is absent.
    pub root: Option<PathBuf>,
    /// The image of a client; what is known already stays where this is absent.
    pub image: Option<TargetAddress>,
}

/// Targets are made, or changed if they are there. A new client takes over what its image holds.
///
/// # Errors
/// When one of them cannot be.
pub fn add(cluster: &Cluster, wishes: &[TargetSpec], now: i64) -> Result<Vec<Change>, TargetChangeError> {
    let mut last = cluster.last_target_id;
    let mut made: BTreeSet<&TargetAddress> = BTreeSet::new();
    let mut changes = Vec::new();
    for wish in wishes {
        let address = &wish.address;
        let known = cluster.find_target(address);
        validate(cluster, wish, known)?;
        if !made.insert(address) {
            continue;
        }
        let image = match &wish.image {
            Some(image) => {
                let image = cluster
                    .find_target(image)
                    .ok_or_else(|| TargetChangeError::UnknownImage(image.clone()))?;
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
            changes.push(Change::PutTarget(target));
        }
        if let (Some(image), None) = (image, old) {
            changes.extend(inherit_from_image(cluster, id, image, now));
        }
    }
    Ok(changes)
}

fn validate(cluster: &Cluster, wish: &TargetSpec, known: Option<&Target>) -> Result<(), TargetChangeError> {
    let address = &wish.address;
    let other = cluster.targets_of_kind(TargetKind::Server).find(|it| it.address != *address);
    if let (TargetKind::Server, Some(other)) = (address.kind, other) {
        return Err(TargetChangeError::SecondHeadNode(other.address.clone()));
    }
    if let Some(image) = &wish.image {
        if address.kind != TargetKind::Client {
            return Err(TargetChangeError::NotAClient(address.clone()));
        }
        if image.kind != TargetKind::Image {
            return Err(TargetChangeError::UnknownImage(image.clone()));
        }
    }
    let refuse = |root: &PathBuf, reason| {
        Err(TargetChangeError::InvalidRoot { address: address.clone(), root: root.clone(), reason })
    };
    match &wish.root {
        Some(root) if !root.is_absolute() => refuse(root, "it must begin with `/`"),
        Some(root) if root.components().any(|it| it == Component::ParentDir) => {
            refuse(root, "there is a `..` in it")
        }
        Some(root) if address.kind != TargetKind::Server && root.components().count() < 2 => {
            refuse(root, "that is this machine's own")
        }
        None if address.kind == TargetKind::Image && known.is_none_or(|it| it.root.is_none()) => {
            Err(TargetChangeError::MissingRoot(address.clone()))
        }
        _ => Ok(()),
    }
}

/// Targets are forgotten with everything that the database knows of them; nothing is done to their files. With
/// `force` also those that have packages.
///
/// # Errors
/// When one is the head node, or still has packages.
pub fn remove(
    cluster: &Cluster,
    targets: &BTreeSet<TargetId>,
    force: bool,
) -> Result<Vec<Change>, TargetChangeError> {
    let mut changes = Vec::new();
    for target in targets.iter().filter_map(|it| cluster.targets.get(it)) {
        let address = target.address.clone();
        if target.kind() == TargetKind::Server {
            return Err(TargetChangeError::CannotRemoveHeadNode(address));
        }
        let count = package_count(cluster, target.id);
        if count > 0 && !force {
            return Err(TargetChangeError::HasPackages { address, count });
        }
        changes.push(Change::RemoveTarget(target.id));
    }
    Ok(changes)
}

/// How many packages are on a target, wholly or in part.
#[must_use]
pub fn package_count(cluster: &Cluster, target: TargetId) -> usize {
    let packages = cluster.packages.keys();
    packages
        .filter(|it| {
            cluster.state(StateKey { target, package: **it }).is_some_and(opkg_oda::PackageState::is_present)
        })
        .count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{Package, PackageClass, PackageId, PackageState, Stage};

    use super::*;

    fn spec(address: &str, root: Option<&str>, image: Option<&str>) -> TargetSpec {
        TargetSpec {
            address: address.parse().unwrap(),
            root: root.map(PathBuf::from),
            image: image.map(|it| it.parse().unwrap()),
        }
    }

    fn cluster_with(wishes: &[TargetSpec]) -> Cluster {
        let mut cluster = Cluster::default();
        for change in add(&cluster, wishes, 7).unwrap() {
            cluster.apply(&change);
        }
        cluster
    }

    fn add_error(cluster: &Cluster, wish: TargetSpec) -> TargetChangeError {
        add(cluster, &[wish], 7).unwrap_err()
    }

    #[test]
    fn targets_come_and_change() {
        let mut cluster = cluster_with(&[
            spec("server:head", None, None),
            spec("image:compute", Some("/images/compute"), None),
            spec("client:n1", None, None),
            spec("client:n1", None, None),
        ]);
        assert_eq!(cluster.targets.len(), 3);
        assert_eq!(add(&cluster, &[spec("client:n1", None, None)], 8).unwrap(), []);
        let changed = add(&cluster, &[spec("client:n1", Some("/n1"), Some("image:compute"))], 8).unwrap();
        cluster.apply(&changed[0]);
        let client = cluster.find_target(&"client:n1".parse().unwrap()).unwrap();
        assert_eq!(client.root, Some("/n1".into()));
        assert_eq!(client.image, cluster.find_target(&"image:compute".parse().unwrap()).map(|it| it.id));
        assert_eq!(add(&cluster, &[spec("client:n1", None, None)], 8).unwrap(), [], "nothing is lost");
    }

    #[test]
    fn a_new_client_inherits_what_its_image_holds() {
        let mut cluster = cluster_with(&[spec("image:compute", Some("/images/compute"), None)]);
        let package = PackageId(1);
        cluster.apply(&Change::PutPackage(Package {
            id: package,
            name: "demo".parse().unwrap(),
            class: PackageClass::Base,
            version: None,
            dependencies: Vec::new(),
            waiting_for: None,
        }));
        let key = StateKey { target: TargetId(1), package };
        cluster.apply(&Change::Request { key, stage: Stage::Finished, requested_at: 7 });
        let row = PackageState { current: Stage::PostImage, ..PackageState::new(Stage::Finished, 7) };
        cluster.apply(&Change::UpdateState(key, row));
        for change in add(&cluster, &[spec("client:n1", None, Some("image:compute"))], 8).unwrap() {
            cluster.apply(&change);
        }
        let row = cluster.state(StateKey { target: TargetId(2), package }).unwrap();
        assert_eq!(row.inherited_stage, Some(Stage::InstallBinPkgs));
        assert_eq!(package_count(&cluster, TargetId(1)), 1);
        let image = BTreeSet::from([TargetId(1)]);
        assert!(matches!(
            remove(&cluster, &image, false),
            Err(TargetChangeError::HasPackages { count: 1, .. })
        ));
        assert_eq!(remove(&cluster, &image, true).unwrap(), [Change::RemoveTarget(TargetId(1))]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let cluster = cluster_with(&[spec("server:head", None, None)]);
        assert!(matches!(
            add_error(&cluster, spec("server:other", None, None)),
            TargetChangeError::SecondHeadNode(_)
        ));
        assert!(matches!(
            add_error(&cluster, spec("image:i", None, None)),
            TargetChangeError::MissingRoot(_)
        ));
        for root in ["/", "//", "/.", "images", "", "/a/../.."] {
            let refusal = add_error(&cluster, spec("image:i", Some(root), None));
            assert!(matches!(refusal, TargetChangeError::InvalidRoot { .. }), "{root}");
        }
        assert!(matches!(
            add_error(&cluster, spec("client:c", None, Some("image:i"))),
            TargetChangeError::UnknownImage(_)
        ));
        assert!(matches!(
            add_error(&cluster, spec("client:c", None, Some("client:c"))),
            TargetChangeError::UnknownImage(_)
        ));
        assert!(matches!(
            add_error(&cluster, spec("image:i", Some("/i"), Some("image:j"))),
            TargetChangeError::NotAClient(_)
        ));
        let server = BTreeSet::from([TargetId(1)]);
        assert!(matches!(remove(&cluster, &server, true), Err(TargetChangeError::CannotRemoveHeadNode(_))));
    }
}
