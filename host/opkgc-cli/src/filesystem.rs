//! The package of the directories that all others share, beside them.

use std::path::Path;
use std::sync::Arc;

use opkg::filesystem;
use opkg_interface::Target;
use opkg_package::{OpkgSource, OutputDir, StagedPackages};
use opkg_runtime::DistributionPlugin;

use crate::build_plan::BuildPlan;
use crate::documents;
use crate::errors::{CliError, Context};

/// Makes it for a target: without tools of the distribution, whoever builds the others, and the same each time.
///
/// # Errors
/// When the plugin cannot make it, or it cannot be written.
pub fn stage(
    target: &Target,
    plugin: &DistributionPlugin,
    output: &OutputDir,
    plan: &BuildPlan,
) -> Result<StagedPackages, CliError> {
    let opkg = Arc::new(filesystem::opkg());
    let generated = plugin
        .generate(&opkg, target, &plan.settings)
        .context(format_args!("cannot make {}", filesystem::PACKAGE))?;
    // It has no files that would have to be read.
    let source = OpkgSource { opkg: &opkg, directory: Path::new(""), payloads: None };
    let documents = documents::of_build(plan, target, plugin);
    let members = plugin.members(&opkg, target, &plan.settings);
    output
        .stage_binary_package(
            &target.to_string(),
            &generated.output,
            filesystem::PACKAGE,
            source,
            plan.options(&members, &documents),
        )
        .context(format_args!("cannot write to {}", output.path().display()))
}
