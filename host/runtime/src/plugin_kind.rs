//! The worlds of `wit/`, and which interfaces belong to each.

use serde::Serialize;

/// A world of `wit/`: what a component is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// It makes packages for a distribution.
    Distribution,
    /// It runs hooks, or is one.
    HookRunner,
}

impl PluginKind {
    pub(crate) const ALL: [Self; 2] = [Self::Distribution, Self::HookRunner];

    /// The name of the world.
    #[must_use]
    pub const fn world(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::HookRunner => "hook-runner",
        }
    }

    /// The interfaces that it exports in every version.
    pub(crate) const fn exports(self) -> &'static [&'static str] {
        match self {
            Self::Distribution => &["opkg:plugin/packaging", "opkg:plugin/package-manager"],
            Self::HookRunner => &["opkg:plugin/hook"],
        }
    }

    /// Every interface that it may import in some version, besides those of WASI 0.2.
    pub(crate) const fn imports(self) -> &'static [&'static str] {
        match self {
            Self::Distribution => &[
                "opkg:plugin/log",
                "opkg:plugin/host",
                "opkg:plugin/rules",
                "opkg:plugin/model",
                "opkg:plugin/opkg",
                "opkg:plugin/artefacts",
            ],
            Self::HookRunner => &[
                "opkg:plugin/log",
                "opkg:plugin/host",
                "opkg:plugin/config-values",
                "opkg:plugin/cluster",
                "opkg:plugin/files",
                "opkg:plugin/process",
                "opkg:plugin/parts",
            ],
        }
    }
}
