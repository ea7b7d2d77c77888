//! One hook that is to run, and for what.

use std::ffi::OsString;
use std::path::PathBuf;

use opkg_oda::PackageName;

use super::context::HookContext;
use super::environment::HookEnvironment;
use crate::process::Timeout;
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
    /// The environment of its programs.
    pub(crate) environment: HookEnvironment,
    /// Directories that it must see and may change, wherever it runs.
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
