//! Pieces of work, and how they end.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Key, PackageId, Stage, TargetId};

/// Cluster-wide hooks that an engine runs. What runs around an installation belongs to the native package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Before the configurator.
    PreConfigure,
    /// After it.
    PostConfigure,
    /// After an image was built; once for each.
    PostImage,
    /// After the clients were defined.
    PostClientdef,
    /// When the nodes are up.
    PostDeploy,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::PreConfigure, Self::PostConfigure, Self::PostImage, Self::PostClientdef, Self::PostDeploy];

    /// The names of the files that may serve it, most canonical first; exactly one of them runs.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::PreConfigure => &["api-pre-configure", "pre_configure"],
            Self::PostConfigure => &["api-post-configure", "post_configure"],
            Self::PostImage => &["api-post-image", "post_rpm_nochroot"],
            Self::PostClientdef => &["api-post-clientdef", "api-post-clients", "post_clients"],
            Self::PostDeploy => &["api-post-deploy", "post_install"],
        }
    }

    /// Its canonical name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.names()[0]
    }
}

/// What an engine does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Packages come to a stage in which nothing is to be done where they are.
    Mark {
        /// The stage that completes; where packages leave: the one they come down to.
        stage: Stage,
        /// Which rows.
        rows: Vec<Key>,
    },
    /// The packages that a client may have inherited from its image are looked for.
    Confirm {
        /// The client.
        target: TargetId,
        /// Which packages.
        packages: Vec<PackageId>,
    },
    /// The native packages of a stage are installed, in one transaction.
    Install {
        /// Where.
        target: TargetId,
        /// `ShouldBeInstalled` or `InstallBinPkgs`.
        stage: Stage,
        /// In their order.
        packages: Vec<PackageId>,
    },
    /// A hook runs, if the package has it.
    Hook {
        /// For which row.
        key: Key,
        /// The stage it belongs to.
        stage: Stage,
        /// Which hook.
        hook: Hook,
        /// For `PostImage`: which image.
        image: Option<TargetId>,
    },
    /// The configurator runs.
    Configure {
        /// For which row.
        key: Key,
    },
    /// Native packages are removed.
    Remove {
        /// For which row.
        key: Key,
        /// The stage that it comes down to: `ShouldBeInstalled` without server or client part,
        /// `ShouldNotBeInstalled` without any.
        to: Stage,
    },
}

impl Work {
    /// The rows that it is about.
    #[must_use]
    pub fn rows(&self) -> Vec<Key> {
        match self {
            Self::Mark { rows, .. } => rows.clone(),
            Self::Confirm { target, packages } | Self::Install { target, packages, .. } => {
                packages.iter().map(|package| Key { target: *target, package: *package }).collect()
            }
            Self::Hook { key, .. } | Self::Configure { key } | Self::Remove { key, .. } => vec![*key],
        }
    }
}

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is done.
    Done,
    /// It failed; the reason in one line.
    Failed(String),
    /// The transaction failed as a whole. Its packages are tried one by one to find the culprit.
    Together(String),
    /// It cannot be done before the administrator has done something; what, in one line.
    Waits(String),
    /// It was stopped before it was done.
    Stopped,
    /// Of the packages that were looked for, these are there.
    Present(BTreeSet<PackageId>),
    /// Of the packages that were installed together, these failed, for these reasons.
    Partly(BTreeMap<PackageId, String>),
}
