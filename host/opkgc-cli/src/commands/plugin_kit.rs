//! `opkgc plugin sdk` and `opkgc plugin wit`: what authors depend on.

use opkg_shell::Shell;

use crate::args::{PluginSdkArgs, PluginWitArgs};
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
