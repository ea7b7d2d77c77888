//! `opkgc schema`, `opkgc man`, `opkgc completions`: what other programs want to know about this one.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell as Kind;
use fs_err as fs;

use crate::args::Cli;
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

/// Writes a man page for the program and each of its commands.
///
/// # Errors
/// When a page cannot be written.
pub fn man(shell: Shell, directory: &Path) -> Result<Exit> {
    fs::create_dir_all(directory)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    pages(shell, &command, directory).context("cannot write the man pages")?;
    Ok(Exit::Done)
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

/// Prints completions.
///
/// # Errors
/// When standard output cannot be written to.
pub fn completions(kind: Kind) -> Result<Exit> {
    // Into memory first: the generator panics when a pipe breaks.
    let mut script = Vec::new();
    clap_complete::generate(kind, &mut Cli::command(), "opkgc", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}
