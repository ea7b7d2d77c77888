//! The parts of an OPKG.

/// The three native packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Api,
    Server,
    Client,
}
