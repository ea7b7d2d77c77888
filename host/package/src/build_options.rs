//! How packages are made, whatever is in them.

use opkg_interface::artefacts::RpmFormatVersion;
use opkg_interface::built::MemberSource;

use crate::compress::CompressionEffort;
use crate::document::DocumentWriter;
use crate::sign::Signer;

/// Who makes the binary packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildMode {
    /// Nobody: only meta-files and the source package are written.
    None,
    /// This crate, without any program of a distribution.
    Direct,
    /// The distribution's own tools, as the plugin says.
    Native {
        /// Shows what they print.
        verbose: bool,
    },
}

/// How the packages of one OPKG are made.
#[derive(Clone, Copy)]
pub struct BuildOptions<'a> {
    /// Who makes them.
    pub builder: BuildMode,
    /// Signs those that have a place for signatures of their own, except those of a native build.
    pub signer: Option<&'a Signer>,
    /// How small they become.
    pub effort: CompressionEffort,
    /// The format of those that are RPMs, except of those of a native build; of none, what the target's own tools make.
    pub rpm_format: Option<RpmFormatVersion>,
    /// Says what stands in the slots of packages that are made of archives.
    pub members: Option<&'a dyn MemberSource>,
    /// Writes what goes beside binary packages.
    pub documents: Option<&'a dyn DocumentWriter>,
    /// How many threads make them. Their bytes do not depend on it.
    pub threads: usize,
}

impl BuildOptions<'_> {
    /// Unsigned, without documents, on one thread, compressed as usual.
    #[must_use]
    pub fn new(builder: BuildMode) -> Self {
        let effort = CompressionEffort::default();
        Self { builder, signer: None, effort, rpm_format: None, members: None, documents: None, threads: 1 }
    }
}
