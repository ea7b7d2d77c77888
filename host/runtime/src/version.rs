//! The versions of the plugin interface that this program serves.

/// The newest one: that of `wit/` which this host speaks.
pub const INTERFACE_VERSION: &str = "1.0.0";

/// Those that are served, for messages.
pub(crate) const SERVED_VERSIONS: &str = "0.1.0 and 1.x";

/// A line of versions, of which a later one serves what was made for an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InterfaceLine {
    /// `0.1.0`.
    V0_1,
    /// `1.x`.
    V1,
}

impl InterfaceLine {
    /// The line of a version that is served. Of one that is newer than this program's within its line, it depends on what
    /// the component uses of it.
    pub(crate) fn of(version: &str) -> Option<Self> {
        match parse_version(version)? {
            [0, 1, 0] => Some(Self::V0_1),
            [1, _, _] => Some(Self::V1),
            _ => None,
        }
    }
}

/// Whether this program may know less than a component that was made for this version expects.
pub(crate) fn is_newer(version: &str) -> bool {
    parse_version(version) > parse_version(INTERFACE_VERSION)
}

fn parse_version(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}
