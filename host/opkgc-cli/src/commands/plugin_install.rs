//! `opkgc plugin install`: from a file, a directory or a registry.

use std::path::Path;

use fs_err as fs;
use opkg_oci::{Digest, Reference};
use opkg_runtime::{InstallRequest, InstalledPlugin, RuntimeOptions, SignatureState, install};
use opkg_shell::{Shell, UsageError};

use crate::args::PluginInstallArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::interrupt;
use crate::plugin_registries::{
    InstallMode, Registries, components_in, install_from_registry, parse_reference,
};
use crate::plugin_trust::{TrustedKeys, bundle_of};
use crate::plugins;

/// Runs the command.
///
/// # Errors
/// When something cannot be installed; what came before it is.
pub fn run(shell: Shell, arguments: &PluginInstallArgs) -> Result<ExitStatus, CliError> {
    interrupt::clean_up_on_signals(shell)?;
    let options = plugins::runtime_options(shell, &[]);
    let keys = TrustedKeys::read(&options)?;
    let PluginInstallArgs { source, signature, allow_downgrade, registry } = arguments;
    let address = source.to_str().filter(|text| Reference::is_meant(text));
    if signature.is_some() && (address.is_some() || source.is_dir()) {
        let message = "--signature is for a file";
        let help = "those in a registry are found there, and those of files in a directory beside them (FILE.sigstore.json)";
        return Err(UsageError::new(message, help).into());
    }
    if let Some(text) = address {
        let reference = parse_reference(text)?;
        let registries = Registries::new(registry)?;
        let mode = InstallMode { allow_downgrade: *allow_downgrade, ..InstallMode::default() };
        let installed = install_from_registry(shell, &registries, &keys, &reference, &options, mode)?;
        if shell.is_json() {
            shell.print_json(&installed)?;
        } else {
            report(shell, &installed)?;
        }
    } else if source.is_dir() {
        let mut all = Vec::new();
        for file in components_in(source)? {
            let installed = install_file(&file, None, *allow_downgrade, &keys, &options)?;
            if !shell.is_json() {
                report(shell, &installed)?;
            }
            all.push(installed);
        }
        if shell.is_json() {
            shell.print_json(&all)?;
        }
    } else {
        let installed = install_file(source, signature.as_deref(), *allow_downgrade, &keys, &options)?;
        if shell.is_json() {
            shell.print_json(&installed)?;
        } else {
            report(shell, &installed)?;
        }
    }
    Ok(ExitStatus::Success)
}

fn install_file(
    file: &Path,
    bundle: Option<&Path>,
    allow_downgrade: bool,
    keys: &TrustedKeys,
    options: &RuntimeOptions,
) -> Result<InstalledPlugin, CliError> {
    let request = InstallRequest { allow_downgrade, ..InstallRequest::of_file(file) };
    let is_small_file =
        |found: std::fs::Metadata| found.is_file() && found.len() <= options.limits.component_bytes;
    // What is no such file is told by whoever installs it.
    let request = match fs::metadata(file).is_ok_and(is_small_file) {
        true => {
            let digest = Digest::of(&fs::read(file)?);
            let signature = match keys.is_wanted(&request.source) {
                true => keys.check(&bundle_of(file, bundle)?, &digest),
                false => SignatureState::Ignored,
            };
            InstallRequest { sha256: Some(digest.hex().to_owned()), signature, ..request }
        }
        false => request,
    };
    Ok(install(&request, options)?)
}

/// Says what was installed, who vouches for it, and what there is to know about it.
pub fn report(shell: Shell, installed: &InstalledPlugin) -> Result<(), CliError> {
    let description = &installed.description;
    let before = installed.replaced_version.as_deref().filter(|it| *it != description.version());
    let before = before.map(|it| format!(" in place of {it}")).unwrap_or_default();
    let InstalledPlugin { signature, .. } = installed;
    shell.status(&format!("installed {}{before}: {signature}", description.name_and_version()));
    if let Some(digest) = &installed.digest {
        shell.status(&format!("  from {}, {digest}", installed.source));
    }
    if *signature == SignatureState::UnknownKey {
        shell.status(
            "note: nobody who is trusted here vouches for it\n  help: get the key from its author, by a way that you trust, and \
             name it below `[keys]` in ~/.config/opkg/plugins.toml",
        );
    }
    if !installed.replaces.is_empty() {
        let ids = installed.replaces.join("`, `");
        shell.status(&format!("warning: used for `{ids}` in place of the plugin that is built in"));
    }
    if !installed.programs_to_grant.is_empty() {
        let programs = installed.programs_to_grant.join("`, `");
        let id = description.id();
        shell.status(&format!(
            "note: it may not run `{programs}`\n  help: `opkgc plugin grant {id}` allows it"
        ));
    }
    shell.print(&format!("{}\n", installed.path.display()))?;
    Ok(())
}
