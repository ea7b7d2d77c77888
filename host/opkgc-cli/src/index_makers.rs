//! Which plugin makes the index of a directory of packages that are neither RPMs nor debs.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_interface::built::IndexSource;
use opkg_package::has_own_index;
use opkg_runtime::DistributionPlugin;
use opkg_shell::{Shell, UsageError};

use crate::errors::{CliError, Context};
use crate::{plugins, targets};

/// The plugins that make indices, as far as somebody has asked.
pub struct IndexMakers<'a> {
    shell: Shell,
    files: &'a [PathBuf],
    /// Of the distribution that was named, with the architecture that was.
    named: Option<(DistributionPlugin, Option<String>)>,
    /// Each with how its packages are called.
    installed: Option<Vec<(DistributionPlugin, Vec<String>)>>,
}

impl<'a> IndexMakers<'a> {
    /// Those of one distribution, or of all that are installed.
    ///
    /// # Errors
    /// When no plugin knows the distribution.
    pub fn new(shell: Shell, dist: Option<&str>, files: &'a [PathBuf]) -> Result<Self, CliError> {
        let named = match dist {
            Some(dist) => {
                let registry = plugins::discover_plugins(shell, files, None)?;
                let named = targets::resolve_targets(&registry, &[dist.to_owned()], None)?.pop();
                named.map(|(target, plugin)| (plugin, target.arch))
            }
            None => None,
        };
        Ok(Self { shell, files, named, installed: None })
    }

    /// The architectures that indices are for, where that was said.
    pub fn archs(&self) -> &[String] {
        self.named.as_ref().and_then(|(_, arch)| arch.as_ref()).map_or(&[], std::slice::from_ref)
    }

    /// The plugin for the packages of a directory. Nothing where they need none, or nobody knows them.
    ///
    /// # Errors
    /// When several plugins know packages of such names, or the directory cannot be read.
    pub fn find(&mut self, directory: &Path) -> Result<Option<DistributionPlugin>, CliError> {
        if let Some((plugin, _)) = &self.named {
            return Ok(Some(plugin.clone()));
        }
        let names: Vec<String> = fs::read_dir(directory)
            .and_then(|entries| {
                entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
            })
            .context("cannot look for packages")?;
        // Asking all plugins takes time, which the usual directories do not need.
        if names.is_empty() || names.iter().any(|name| has_own_index(name)) {
            return Ok(None);
        }
        let knows = |(_, suffixes): &&(DistributionPlugin, Vec<String>)| {
            names.iter().any(|name| suffixes.iter().any(|suffix| name.ends_with(suffix.as_str())))
        };
        let found: Vec<&DistributionPlugin> =
            self.installed()?.iter().filter(knows).map(|(plugin, _)| plugin).collect();
        match found.as_slice() {
            [] => Ok(None),
            [plugin] => Ok(Some((*plugin).clone())),
            several => {
                let ids: Vec<&str> = several.iter().map(|it| it.description().id.as_str()).collect();
                let message =
                    format!("several plugins make an index of {}: {}", directory.display(), ids.join(", "));
                Err(UsageError::new(message, "name the distribution, with --dist").into())
            }
        }
    }

    fn installed(&mut self) -> Result<&[(DistributionPlugin, Vec<String>)], CliError> {
        if self.installed.is_none() {
            let registry = plugins::discover_plugins(self.shell, self.files, None)?;
            let mut makers = Vec::new();
            for (_, plugin) in targets::all_distributions(&registry)? {
                let needs = plugin.describe_index().map_err(CliError::new)?;
                makers.extend(needs.map(|needs| (plugin, needs.suffixes)));
            }
            self.installed = Some(makers);
        }
        Ok(self.installed.as_deref().unwrap_or_default())
    }
}
