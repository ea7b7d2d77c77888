//! How everything of a run is built.

use opkg_attest::{DocumentKind, Documents};
use opkg_interface::PackageSettings;
use opkg_interface::artefacts::RpmFormatVersion;
use opkg_interface::built::MemberSource;
use opkg_package::{BuildMode, BuildOptions, CompressionEffort, Signer};

/// How everything of a run is built.
pub struct BuildPlan {
    pub builder: BuildMode,
    pub signer: Option<Signer>,
    /// Whether each target gets an index.
    pub has_index: bool,
    pub effort: CompressionEffort,
    /// Of RPMs, where somebody asks for one.
    pub rpm_format: Option<RpmFormatVersion>,
    /// What is written about each package, beside it.
    pub documents: Vec<DocumentKind>,
    /// What all packages have.
    pub settings: PackageSettings,
    /// Threads for each job.
    pub threads_per_job: usize,
}

impl BuildPlan {
    /// How the packages of one OPKG are made, who knows what stands in the slots of archives, and what is written about them.
    #[must_use]
    pub fn options<'a>(
        &'a self,
        members: &'a dyn MemberSource,
        documents: &'a Documents<'a>,
    ) -> BuildOptions<'a> {
        BuildOptions {
            builder: self.builder,
            signer: self.signer.as_ref(),
            effort: self.effort,
            rpm_format: self.rpm_format,
            members: Some(members),
            documents: (!documents.kinds.is_empty()).then_some(documents),
            threads: self.threads_per_job,
        }
    }
}
