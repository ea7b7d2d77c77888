//! `schema`, `man`, `completions`: what other programs want to know about ours.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap_complete::Shell as Kind;
use fs_err as fs;

use crate::exit::Exit;
use crate::shell::Shell;

/// Prints the XML schema.
///
/// # Errors
/// When standard output cannot be written to.
pub fn schema(shell: Shell) -> Result<Exit> {
    shell.data(opkg::schema())?;
    Ok(Exit::Done)
}

/// Writes a man page for a program and each of its commands.
///
/// # Errors
/// When a page cannot be written.
pub fn man(shell: Shell, program: clap::Command, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let mut command = program.disable_help_subcommand(true);
    command.build();
    pages(shell, &command, directory).context("cannot write the man pages")
}

fn pages(shell: Shell, command: &clap::Command, directory: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let path = directory.join(format!("{name}.1"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).date("").render(&mut page)?;
    fs::write(&path, page)?;
    shell.data(&format!("{}\n", path.display()))?;
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        pages(shell, subcommand, directory)?;
    }
    Ok(())
}

/// Prints completions for a program.
///
/// # Errors
/// When standard output cannot be written to.
pub fn completions(program: &mut clap::Command, kind: Kind) -> Result<()> {
    // Into memory first: the generator panics when a pipe breaks.
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(kind, program, name, &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}
