//! Man pages, made from the definition of a command line.

use std::io;
use std::path::Path;

use fs_err as fs;

use crate::shell::Shell;

/// Writes a man page for a program and each of its commands.
///
/// # Errors
/// When a page cannot be written.
pub fn write_man_pages(shell: Shell, program: clap::Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut command = program.disable_help_subcommand(true);
    command.build();
    write_pages(shell, &command, directory)
}

fn write_pages(shell: Shell, command: &clap::Command, directory: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).date("").render(&mut page)?;
    write_page(shell, directory, &format!("{name}.1"), &page)?;
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write_pages(shell, subcommand, directory)?;
    }
    Ok(())
}

/// Writes one page into the directory, and says so.
///
/// # Errors
/// When it cannot be written.
pub fn write_page(shell: Shell, directory: &Path, name: &str, page: &[u8]) -> io::Result<()> {
    let path = directory.join(name);
    fs::write(&path, page)?;
    shell.print(&format!("{}\n", path.display()))
}
