//! `opkgc index`: indices over packages that are there already.

use std::path::Path;

use opkg_interface::built::IndexSource;
use opkg_package::{IndexRequest, WrittenIndex, write_index};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::IndexArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::index_makers::IndexMakers;
use crate::losses::{self, IndexPlan};
use crate::settings::{self, Layer};
use crate::{interrupt, signing};

/// The index of one directory, as `--format json` prints it.
#[derive(Serialize)]
struct IndexJson {
    directory: String,
    files: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// At the first directory whose index cannot be written; that one keeps the index that it has.
pub fn run(shell: Shell, arguments: &IndexArgs) -> Result<ExitStatus, CliError> {
    let effective =
        settings::load(&arguments.settings.settings_files, Layer::from_signing(&arguments.signing))?;
    let signer = signing::load_signer(&effective, arguments.signing.no_sign)?;
    signing::check_repository_url(arguments.repo_url.as_ref(), signer.as_ref())?;
    let plan = IndexPlan::of(signer.is_some(), arguments.signing.no_sign);
    for directory in &arguments.directories {
        losses::check_index(shell, directory, plan)?;
    }
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let threads = arguments.jobs.map_or_else(opkg_runtime::parallelism, usize::from);
    let mut makers = IndexMakers::new(shell, arguments.dist.as_deref(), &arguments.plugins.files)?;
    let mut indices = Vec::new();
    for directory in &arguments.directories {
        let url = match &arguments.repo_url {
            Some(url) => Some(url.join(&directory_name(directory)?)),
            None => None,
        };
        let name = match &arguments.name {
            Some(name) => name.as_str().to_owned(),
            None => directory_name(directory)?,
        };
        let maker = makers.find(directory)?;
        let request = IndexRequest {
            name: &name,
            archs: makers.archs(),
            signer: signer.as_ref(),
            drops_signature: arguments.signing.no_sign,
            url: url.as_ref(),
            maker: maker.as_ref().map(|plugin| plugin as &dyn IndexSource),
            threads,
        };
        let WrittenIndex { files, unsigned } = write_index(directory, request)?;
        if let Some((signer, why)) = signer.as_ref().zip(unsigned) {
            shell.status(&signing::unsigned_index_note(signer, why, directory));
        }
        for file in files.iter().filter(|_| !shell.is_json()) {
            shell.print(&format!("{}\n", file.path.display()))?;
        }
        let files = files.iter().map(|file| file.path.to_string_lossy().into_owned()).collect();
        indices.push(IndexJson { directory: directory.to_string_lossy().into_owned(), files });
    }
    if shell.is_json() {
        shell.print_json(&indices)?;
    }
    Ok(ExitStatus::Success)
}

/// How a directory is called, also where it was named as `.`.
fn directory_name(directory: &Path) -> Result<String, CliError> {
    let real = directory.canonicalize().map_err(|error| {
        UsageError::new(format!("{}: {error}", directory.display()), "name a directory that packages are in")
    })?;
    let name = real.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| {
        UsageError::new(
            format!("{} has no name that an index could have", directory.display()),
            "name the index, with --name",
        )
        .into()
    })
}
