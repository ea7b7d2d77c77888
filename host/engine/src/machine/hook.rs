//! The hooks of packages, by name.

/// Cluster-wide hooks that an engine runs. What runs around an installation belongs to the native package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Before the configurator.
    PreConfigure,
    /// After the configurator.
    PostConfigure,
    /// After an image was built; once for each.
    PostImage,
    /// After the clients were defined.
    PostClientdef,
    /// When the nodes are up.
    PostDeploy,
}

impl Hook {
    /// All hooks, in the order of their stages.
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
