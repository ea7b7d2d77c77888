//! One OPKG for one target, and how that ended.

use std::path::{Path, PathBuf};

use opkg::Source;
use opkg::diagnostic::Diagnostic;
use opkg_interface::Target;
use opkg_package::{BuildMode, OpkgSource, OutputDir, StagedPackages};
use opkg_runtime::{DistributionPlugin, GenerateError};

use crate::build_plan::BuildPlan;
use crate::errors::CliError;
use crate::input_package::{InputPackage, PackageChanged, PackageReader, ReadPackage};
use crate::{documents, losses, signing};

/// How a job ended.
pub enum JobOutcome {
    /// Everything was made; what the plugin said besides.
    Built(StagedPackages, Vec<Diagnostic>),
    /// The OPKG's own filters exclude the target.
    Unavailable(Diagnostic),
    /// The plugin found that it cannot be expressed.
    Rejected(Vec<Diagnostic>),
    /// The OPKG has errors, which were shown before.
    InvalidPackage,
    /// The plugin knows no such version or architecture; says which there are.
    UnknownTarget(String),
    /// Something went wrong.
    Failed(CliError),
    /// It was not begun, since another one had failed before.
    NotTried,
}

impl JobOutcome {
    /// What the plugin had to say about the OPKG.
    #[must_use]
    pub fn findings(&self) -> &[Diagnostic] {
        match self {
            Self::Built(_, findings) | Self::Rejected(findings) => findings,
            Self::Unavailable(finding) => std::slice::from_ref(finding),
            Self::InvalidPackage | Self::UnknownTarget(_) | Self::Failed(_) | Self::NotTried => &[],
        }
    }

    /// Whether something is wrong that a person must do something about.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Built(..) | Self::Unavailable(_) | Self::NotTried => false,
            Self::Rejected(_) | Self::InvalidPackage | Self::UnknownTarget(_) | Self::Failed(_) => true,
        }
    }
}

/// How a job ended, with all that is needed to tell about it.
pub struct JobEnd {
    pub outcome: JobOutcome,
    /// What the findings of its plugin point into; absent where there are none.
    pub source: Option<Source>,
}

impl From<JobOutcome> for JobEnd {
    /// Of one without findings.
    fn from(outcome: JobOutcome) -> Self {
        Self { outcome, source: None }
    }
}

/// The target's own directory within the output directory.
#[must_use]
pub fn target_directory(output: &Path, target: &Target) -> PathBuf {
    output.join(target.to_string())
}

/// One OPKG for one target.
pub struct Job<'a> {
    /// What is compiled.
    pub package: &'a InputPackage,
    /// What for.
    pub target: &'a Target,
    /// Answers to the target.
    pub plugin: &'a DistributionPlugin,
}

impl Job<'_> {
    /// How messages call it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} for {}", self.package.title(), self.target)
    }

    /// Compiles the OPKG, to be published in `output` later.
    pub fn run(&self, reader: &PackageReader<'_>, output: &OutputDir, plan: &BuildPlan) -> JobEnd {
        let end = match self.package.open(reader) {
            Ok(Some(read)) => {
                let outcome = self.compile(&read, output, plan);
                let source = read.source.as_ref().filter(|_| !outcome.findings().is_empty()).cloned();
                JobEnd { outcome, source }
            }
            Ok(None) => JobOutcome::InvalidPackage.into(),
            Err(PackageChanged) => {
                let changed = opkg_package::Error::FileChanged(self.package.directory.clone());
                JobOutcome::Failed(changed.into()).into()
            }
        };
        self.package.close();
        end
    }

    fn compile(&self, read: &ReadPackage, output: &OutputDir, plan: &BuildPlan) -> JobOutcome {
        let opkg = &read.opkg;
        let generated = match self.plugin.generate(opkg, self.target, &plan.settings) {
            Ok(generated) => generated,
            Err(GenerateError::TargetExcluded(diagnostic)) => return JobOutcome::Unavailable(diagnostic),
            Err(GenerateError::UnknownTarget(message)) => return JobOutcome::UnknownTarget(message),
            Err(GenerateError::Diagnostics(diagnostics)) => return JobOutcome::Rejected(diagnostics),
            Err(error) => return JobOutcome::Failed(error.into()),
        };
        if matches!(plan.builder, BuildMode::Native { .. })
            && let Err(error) = self.plugin.check_native_build(&generated.output.native_build)
        {
            return JobOutcome::Failed(error.into());
        }
        let source =
            OpkgSource { opkg, directory: &self.package.directory, payloads: read.unpacked.as_deref() };
        let documents = documents::of_build(plan, self.target, self.plugin);
        let members = self.plugin.members(opkg, self.target, &plan.settings);
        let options = plan.options(&members, &documents);
        match output.stage(&self.target.to_string(), &generated.output, source, options) {
            Ok(staged) => {
                let mut diagnostics = generated.diagnostics;
                diagnostics.extend(losses::left_out(&generated.output, plan.builder));
                diagnostics.extend(plan.signer.as_ref().and_then(|signer| {
                    signing::unaccepted_key(signer, &generated.output, self.target, plan.has_index)
                }));
                JobOutcome::Built(staged, diagnostics)
            }
            // Nothing was to be written yet.
            Err(error @ opkg_package::Error::UnreadableFormat { .. }) => JobOutcome::Failed(error.into()),
            Err(error) => JobOutcome::Failed(
                CliError::from(error).context(format!("cannot write to {}", output.path().display())),
            ),
        }
    }
}
