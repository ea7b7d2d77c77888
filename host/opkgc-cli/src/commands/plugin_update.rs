//! `opkgc plugin update`: newer versions of what was installed from registries.

use opkg_oci::{Reference, Selector, current_digest, newest_version, parse_tag};
use opkg_runtime::{InstalledPlugin, LockedPlugin, PluginLock, RuntimeOptions};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use super::plugin_install::report;
use crate::args::PluginUpdateArgs;
use crate::errors::{CliError, Context, report_error};
use crate::exit::ExitStatus;
use crate::interrupt;
use crate::plugin_registries::{InstallMode, Registries, install_from_registry, parse_reference, read_lock};
use crate::plugin_trust::TrustedKeys;
use crate::plugins;

/// What became of a plugin, as `--format json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
enum UpdateJson {
    /// It is another one now.
    Updated { id: String, version: String, installed: Box<InstalledPlugin> },
    /// There is no newer one.
    Kept { id: String, version: String },
    /// It was installed by its digest, and stays what it is.
    Pinned { id: String, version: String },
    /// It was installed from a file.
    File { id: String, version: String },
    /// It could not be updated.
    Failed { id: String, version: String },
}

/// Runs the command.
///
/// # Errors
/// When nothing can be updated; one plugin that cannot is no obstacle to the others.
pub fn run(shell: Shell, arguments: &PluginUpdateArgs) -> Result<ExitStatus, CliError> {
    interrupt::clean_up_on_signals(shell)?;
    let options = plugins::runtime_options(shell, &[]);
    let keys = TrustedKeys::read(&options)?;
    let registries = Registries::new(&arguments.registry)?;
    let lock = read_lock(&options)?;
    let mut outcomes = Vec::new();
    let mut exit = ExitStatus::Success;
    for (id, locked) in chosen(&lock, &arguments.ids)? {
        let updating =
            Updating { shell, registries: &registries, keys: &keys, options: &options, id, locked };
        let outcome = updating.run(arguments.allow_downgrade);
        let outcome = outcome.context(format_args!("{id} {} is not updated", locked.version));
        let outcome = outcome.unwrap_or_else(|error| {
            report_error(shell, &error);
            exit = ExitStatus::Failed;
            UpdateJson::Failed { id: id.to_owned(), version: locked.version.clone() }
        });
        if !shell.is_json() {
            tell(shell, &outcome)?;
        }
        outcomes.push(outcome);
    }
    if shell.is_json() {
        shell.print_json(&outcomes)?;
    } else if outcomes.is_empty() {
        shell.status("there are no installed plugins");
    }
    Ok(exit)
}

/// The plugins that were named, or all.
fn chosen<'l>(lock: &'l PluginLock, ids: &[String]) -> Result<Vec<(&'l str, &'l LockedPlugin)>, CliError> {
    if let Some(unknown) = ids.iter().find(|id| lock.get(id).is_none()) {
        let message = format!("there is no installed plugin `{unknown}`");
        return Err(UsageError::new(message, "`opkgc plugin list` shows what there is").into());
    }
    let is_named = |id: &str| ids.is_empty() || ids.iter().any(|it| it == id);
    Ok(lock.plugins().filter(|(id, _)| is_named(id)).collect())
}

fn tell(shell: Shell, outcome: &UpdateJson) -> Result<(), CliError> {
    match outcome {
        UpdateJson::Updated { installed, .. } => report(shell, installed)?,
        UpdateJson::Kept { id, version } => shell.status(&format!("{id} {version} is the newest")),
        UpdateJson::Pinned { id, version } => {
            shell.status(&format!("{id} {version} is installed by its digest, and stays what it is"));
        }
        UpdateJson::File { id, version } => {
            shell.status(&format!("{id} {version} is installed from a file, and stays what it is"));
        }
        UpdateJson::Failed { .. } => {}
    }
    Ok(())
}

/// What it takes to update one plugin.
struct Updating<'a> {
    shell: Shell,
    registries: &'a Registries,
    keys: &'a TrustedKeys,
    options: &'a RuntimeOptions,
    id: &'a str,
    locked: &'a LockedPlugin,
}

impl Updating<'_> {
    fn run(&self, allow_downgrade: bool) -> Result<UpdateJson, CliError> {
        let (id, version) = (self.id.to_owned(), self.locked.version.clone());
        if !Reference::is_meant(&self.locked.source) {
            return Ok(UpdateJson::File { id, version });
        }
        let reference = parse_reference(&self.locked.source)?;
        let Some(tag) = reference.tag() else { return Ok(UpdateJson::Pinned { id, version }) };
        let client = self.registries.client(&reference);
        let target = match parse_tag(tag) {
            // A tag that moves with the versions.
            None => reference.clone(),
            Some(current) => {
                let tags = client.tags()?;
                let newest = newest_version(&tags, !current.pre.is_empty());
                let newest = newest.ok_or_else(|| CliError::no_versions(&reference))?;
                if !allow_downgrade && parse_tag(newest).is_some_and(|it| it < current) {
                    return Err(CliError::withdrawn(&reference, newest));
                }
                reference.with(Selector::Tag(newest.to_owned()))
            }
        };
        if target == reference {
            let digest = current_digest(&client, &target)?;
            if self.locked.digest.as_ref().is_some_and(|it| *it == digest.to_string()) {
                return Ok(UpdateJson::Kept { id, version });
            }
        }
        let mode = InstallMode { allow_downgrade, allow_moved_tag: true, id: Some(self.id) };
        let installed =
            install_from_registry(self.shell, self.registries, self.keys, &target, self.options, mode)?;
        Ok(UpdateJson::Updated { id, version, installed: Box::new(installed) })
    }
}
