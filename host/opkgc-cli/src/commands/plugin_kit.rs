//! `opkgc plugin sdk`, `wit` and `bindings`: what authors depend on.

use opkg_shell::Shell;

use crate::args::{BindingsLanguage, PluginBindingsArgs, PluginSdkArgs, PluginWitArgs};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::new_tree::{NewFile, write_new_tree};
use crate::plugin_kit::{WIT, sdk, wit_document};

pub fn write_sdk(shell: Shell, arguments: &PluginSdkArgs) -> Result<ExitStatus, CliError> {
    let files: Vec<NewFile> = sdk().map(|(path, text)| NewFile::new(path, text)).collect();
    write_new_tree(&arguments.directory, &files)?;
    shell.print(&format!("{}\n", arguments.directory.display()))?;
    shell.status("in Cargo.toml: `opkg-sdk = { path = \"…/opkg-sdk\" }`");
    Ok(ExitStatus::Success)
}

pub fn write_wit(shell: Shell, arguments: &PluginWitArgs) -> Result<ExitStatus, CliError> {
    let Some(directory) = &arguments.directory else {
        shell.print_document(&wit_document())?;
        return Ok(ExitStatus::Success);
    };
    let files: Vec<NewFile> = WIT.iter().map(|(path, text)| NewFile::new(*path, *text)).collect();
    write_new_tree(directory, &files)?;
    shell.print(&format!("{}\n", directory.display()))?;
    Ok(ExitStatus::Success)
}

pub fn write_bindings(shell: Shell, arguments: &PluginBindingsArgs) -> Result<ExitStatus, CliError> {
    let files = match arguments.language {
        BindingsLanguage::C => c_bindings("")?,
    };
    write_new_tree(&arguments.directory, &files)?;
    shell.print(&format!("{}\n", arguments.directory.display()))?;
    Ok(ExitStatus::Success)
}

/// The bindings of the interface for C, below a directory (`bindings/`).
pub fn c_bindings(directory: &str) -> Result<Vec<NewFile>, CliError> {
    let bindings = opkg_build::c_bindings(&wit_document())?;
    Ok(bindings.into_iter().map(|(file, text)| NewFile::new(format!("{directory}{file}"), text)).collect())
}
