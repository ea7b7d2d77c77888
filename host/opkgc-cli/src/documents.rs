//! What is written about packages: which documents, and what they say of the build.

use std::collections::BTreeMap;

use opkg_attest::{BuildFacts, Documents, PluginFacts};
use opkg_interface::{ReleaseTag, Target};
use opkg_package::{BuildMode, CompressionEffort};
use opkg_runtime::DistributionPlugin;

use crate::build_plan::BuildPlan;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The documents about what is built for a target.
#[must_use]
pub fn of_build<'a>(
    plan: &'a BuildPlan,
    target: &'a Target,
    plugin: &'a DistributionPlugin,
) -> Documents<'a> {
    let description = plugin.description();
    let plugin = PluginFacts { id: &description.id, version: &description.version, sha256: plugin.sha256() };
    let build = BuildFacts { opkgc_version: VERSION, plugin, settings: settings(plan) };
    Documents { kinds: &plan.documents, target, build }
}

/// What decides, besides OPKG and target, what packages become: each as the command line calls it.
fn settings(plan: &BuildPlan) -> BTreeMap<&'static str, String> {
    let builder = match plan.builder {
        BuildMode::None => "none",
        BuildMode::Direct => "direct",
        BuildMode::Native { .. } => "native",
    };
    let compression = match plan.effort {
        CompressionEffort::Auto => "auto",
        CompressionEffort::Full => "full",
        CompressionEffort::Least => "least",
    };
    let release_tag = match &plan.settings.release_tag {
        ReleaseTag::None => "none",
        ReleaseTag::Native => "native",
        ReleaseTag::Custom(tag) => tag,
    };
    let rpm_format = plan.rpm_format.map(|version| ("rpm-format", version.number().to_string()));
    let labels = [("vendor", &plan.settings.vendor), ("distribution", &plan.settings.distribution)];
    let labels =
        labels.into_iter().filter_map(|(name, label)| Some((name, label.as_ref()?.as_str().to_owned())));
    [("builder", builder), ("compression", compression), ("release-tag", release_tag)]
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .chain(labels)
        .chain(rpm_format)
        .collect()
}
