//! Binary packages by the distribution's own tools, which the plugin names and the host starts: without a
//! shell, in a scratch directory, with an environment that does not depend on who runs it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;
use std::process::{Command, Stdio};

use fs_err as fs;
use opkg_interface::artefacts::{BuildCommand, Output};
use opkg_scratch::ScratchDir;

use crate::error::Error;
use crate::meta::write_sources;
use crate::output_tree::OutputTree;
use crate::source::OpkgSource;

/// How many lines of a failed program's output are kept.
const MAX_LAST_LINES: usize = 30;

/// Runs the native build in a scratch directory and copies its results into `tree`. Returns their names.
pub(crate) fn run_native_build(
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    verbose: bool,
) -> Result<Vec<String>, Error> {
    // Not inside the output directory, whose path may hold blanks or `%`: not every tool can cope with them.
    let scratch = ScratchDir::new("opkgc-", None)?;
    let top = scratch.path().join("top");
    let home = scratch.path().join("home");
    fs::create_dir(&top)?;
    fs::create_dir(&home)?;
    write_sources(output, source, &OutputTree::new(&top, source.timestamp()), None)?;

    for command in &output.native_build.commands {
        run_command(command, &top, &home, source.timestamp(), verbose)?;
    }

    let mut names = Vec::new();
    for result in &output.native_build.results {
        let path = top.join(result);
        let name = result.rsplit('/').next().unwrap_or(result).to_owned();
        if !fs::symlink_metadata(&path).is_ok_and(|it| it.is_file()) {
            return Err(Error::MissingBuildResult(name));
        }
        // Through the tree, since the scratch directory may be on another file system.
        let mut copy = tree.create(&name)?;
        io::copy(&mut fs::File::open(&path)?, &mut copy)?;
        tree.set_metadata(&copy, 0o644)?;
        names.push(name);
    }
    Ok(names)
}

fn run_command(
    command: &BuildCommand,
    top: &Path,
    home: &Path,
    time: u64,
    verbose: bool,
) -> Result<(), Error> {
    let Some((program, arguments)) = command.argv.split_first() else {
        return Err(Error::InvalidOutput("a native build command without a program".into()));
    };
    let directory = top.join(&command.directory);
    let mut log = tempfile::tempfile()?;
    let mut child = Command::new(program);
    child.args(arguments).current_dir(&directory).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        child.env("PATH", path);
    }
    child
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("PWD", &directory)
        .env("SOURCE_DATE_EPOCH", time.to_string())
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    if verbose {
        // Our own standard output is data.
        child.stdout(io::stderr()).stderr(io::stderr());
    } else {
        child.stdout(log.try_clone()?).stderr(log.try_clone()?);
    }
    let status = child.status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::MissingProgram { program: program.clone() },
        _ => Error::Io(io::Error::new(error.kind(), format!("cannot start `{program}`: {error}"))),
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::ProgramFailed { program: program.clone(), status, last_lines: read_last_lines(&mut log)? })
}

fn read_last_lines(log: &mut File) -> io::Result<Vec<String>> {
    log.rewind()?;
    let mut lines = std::collections::VecDeque::with_capacity(MAX_LAST_LINES);
    for line in BufReader::new(log).split(b'\n') {
        if lines.len() == MAX_LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(&line?).into_owned());
    }
    Ok(lines.into())
}
