//! What everything else names: places in the source, parts and classes of packages.

/// Index into [`Opkg::locations`](super::Opkg::locations).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// The three native packages that an OPKG becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// `opkg-<name>`, on the head node.
    Api,
    /// `opkg-<name>-server`, on the head node.
    Server,
    /// `opkg-<name>-client`, on compute nodes and in their images.
    Client,
}

/// How close to the core of the cluster software the package is; decides the order of installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Class {
    Core,
    Base,
    Included,
    ThirdParty,
}
