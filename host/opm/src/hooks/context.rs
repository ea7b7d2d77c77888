//! For what a hook runs: the cluster, the package, the target.

use opkg_oda::{Cluster, Package, Stage, TargetAddress};

use crate::process::ProcessTag;
use crate::roots::TargetRoot;

/// For what a hook runs.
#[derive(Debug)]
pub(crate) struct HookContext<'a> {
    /// The cluster as it is when the hook begins.
    pub(crate) cluster: &'a Cluster,
    /// The package that it belongs to; none, where the cluster is tested before a phase.
    pub(crate) package: Option<&'a Package>,
    /// The stage that it is a part of.
    pub(crate) stage: Stage,
    /// The target in whose root it runs.
    pub(crate) target: &'a TargetAddress,
    /// For `api-post-image`: the image's name and root.
    pub(crate) image: Option<(&'a str, &'a TargetRoot)>,
    /// For the environment of its programs.
    pub(crate) tag: ProcessTag,
}
