//! The targets that are named on the command line, each with the plugin that answers to it.

use opkg_interface::Target;
use opkg_runtime::{DistributionPlugin, Registry};
use opkg_shell::UsageError;

use crate::errors::CliError;

/// The targets of these names, each once. `place` is where they stand, if that is not the command line.
///
/// # Errors
/// When no plugin knows one, or it cannot be loaded.
pub fn resolve_targets(
    registry: &Registry,
    names: &[String],
    place: Option<&str>,
) -> Result<Vec<(Target, DistributionPlugin)>, CliError> {
    let mut targets: Vec<(Target, DistributionPlugin)> = Vec::new();
    for name in names {
        let target = registry.parse_target(name).map_err(|error| {
            let message = match place {
                Some(place) => format!("{place}: {error}"),
                None => error.to_string(),
            };
            UsageError::new(message, unknown_dist_help(registry, name))
        })?;
        if targets.iter().all(|(known, _)| *known != target) {
            let plugin = registry.load(&target)?;
            targets.push((target, plugin));
        }
    }
    Ok(targets)
}

/// Every distribution that a plugin answers to first, without a version.
///
/// # Errors
/// When a plugin cannot be loaded.
pub fn all_distributions(registry: &Registry) -> Result<Vec<(Target, DistributionPlugin)>, CliError> {
    let ids: Vec<String> = registry.descriptions().iter().map(|description| description.id.clone()).collect();
    resolve_targets(registry, &ids, None)
}

/// What to say about an unknown distribution.
fn unknown_dist_help(registry: &Registry, name: &str) -> String {
    let ids = registry.ids();
    let ids = ids.iter().map(String::as_str);
    let asked = name.split('-').next().unwrap_or(name);
    match opkg::closest_match(asked, ids) {
        Some(near) => format!("did you mean `{near}`? `opkgc --supported-dist` lists all"),
        None => "`opkgc --supported-dist` lists what there is; `opkgc plugin install` adds more".into(),
    }
}
