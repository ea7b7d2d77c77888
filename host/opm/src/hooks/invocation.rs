//! One hook that is to run, and for what.

use std::ffi::OsString;
use std::path::PathBuf;

use opkg_oda::{Cluster, Package, PackageName, Stage, TargetAddress};

use crate::process::{ProcessTag, Timeout};
use crate::roots::TargetRoot;

/// One hook or script of one package on one target.
#[derive(Debug)]
pub(crate) struct HookInvocation<'a> {
    /// Its canonical name.
    pub(crate) name: &'a str,
    /// How messages name it.
    pub(crate) display_name: String,
    /// For what it runs.
    pub(crate) context: &'a HookContext<'a>,
    /// The root that holds the package's home.
    pub(crate) root: &'a TargetRoot,
    /// The package's home there, where it starts.
    pub(crate) home: PathBuf,
    /// The files that serve it, most canonical first, as they are seen in the root; exactly one of them runs.
    pub(crate) candidates: Vec<PathBuf>,
    /// Of the command line, after the program.
    pub(crate) arguments: Vec<OsString>,
    /// The whole environment of its programs.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Directories that it must see, wherever it runs.
    pub(crate) shared_dirs: Vec<PathBuf>,
    /// How long it and its programs may take together.
    pub(crate) timeout: Timeout,
}

impl HookInvocation<'_> {
    /// The package that it belongs to, if any.
    pub(crate) fn package(&self) -> Option<&PackageName> {
        self.context.package.map(|it| &it.name)
    }
}

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
