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

impl Part {
    /// What files and settings call them.
    pub const NAMES: [(&str, Self); 3] = [
        (Self::Api.name(), Self::Api),
        (Self::Server.name(), Self::Server),
        (Self::Client.name(), Self::Client),
    ];

    /// What files and settings call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Server => "server",
            Self::Client => "client",
        }
    }
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
