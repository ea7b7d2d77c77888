//! The distributions that packages can be made for, as they are listed.

use opkg_runtime::Registry;
use opkg_shell::Shell;
use serde::Serialize;

use crate::errors::CliError;
use crate::exit::ExitStatus;

/// One distribution that can be named.
#[derive(Serialize)]
struct DistributionJson<'a> {
    id: &'a str,
    name: &'a str,
    aliases: Vec<&'a str>,
    versions: Vec<&'a str>,
    default_version: Option<&'a str>,
    architectures: Vec<&'a str>,
}

/// `--supported-dist`.
///
/// # Errors
/// When standard output cannot be written to.
pub fn print_distributions(shell: Shell, registry: &Registry) -> Result<ExitStatus, CliError> {
    let descriptions = registry.descriptions();
    let supported: Vec<DistributionJson<'_>> = descriptions
        .iter()
        .map(|dist| DistributionJson {
            id: &dist.id,
            name: &dist.name,
            aliases: dist.aliases.iter().map(|alias| alias.id.as_str()).collect(),
            versions: dist.releases.iter().map(|release| release.version.as_str()).collect(),
            default_version: dist
                .releases
                .iter()
                .find(|release| release.is_default)
                .map(|release| release.version.as_str()),
            architectures: dist.archs.iter().map(|arch| arch.canonical.as_str()).collect(),
        })
        .collect();
    if shell.is_json() {
        shell.print_json(&supported)?;
        return Ok(ExitStatus::Success);
    }
    for dist in supported {
        shell.print(&format!("{}  {}\n", dist.id, dist.name))?;
        let lines =
            [("also", dist.aliases), ("versions", dist.versions), ("architectures", dist.architectures)];
        for (what, list) in lines.iter().filter(|(_, list)| !list.is_empty()) {
            shell.print(&format!("    {what}: {}\n", list.join(" ")))?;
        }
    }
    Ok(ExitStatus::Success)
}
