//! The package of the directories that all others share, beside them.

use std::path::Path;

use opkg::filesystem;
use opkg_interface::Target;
use opkg_package::{OpkgSource, WrittenFile};
use opkg_runtime::DistributionPlugin;

use crate::errors::{CliError, Context};
use crate::job::{BuildPlan, target_directory};

/// Writes it for a target: without tools of the distribution, whoever builds the others, and the same each time.
///
/// # Errors
/// When the plugin cannot make it, or it cannot be written.
pub fn write(
    target: &Target,
    plugin: &DistributionPlugin,
    plan: &BuildPlan,
) -> Result<Vec<WrittenFile>, CliError> {
    let opkg = filesystem::opkg();
    let generated = plugin
        .generate(&opkg, target, &plan.settings)
        .context(format_args!("cannot make {}", filesystem::PACKAGE))?;
    // It has no files that would have to be read.
    let source = OpkgSource { opkg: &opkg, directory: Path::new("") };
    let directory = target_directory(&plan.output, target);
    let signer = plan.signer.as_ref();
    opkg_package::write_binary_package(&generated.output, filesystem::PACKAGE, source, &directory, signer)
        .context(format_args!("cannot write to {}", directory.display()))
}
