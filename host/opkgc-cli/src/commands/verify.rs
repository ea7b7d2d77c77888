//! `opkgc verify`: whether packages are what was written about them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use opkg::{Settings, regular_file};
use opkg_attest::DocumentKind;
use opkg_attest::verify::{self, Check, DocumentFile, Evidence, Expectations, Materials};
use opkg_package::Verifier;
use opkg_payload::PayloadStore;
use opkg_runtime::Registry;
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::errors::{self, CliError, Context};
use crate::exit::ExitStatus;
use crate::plugins;

/// Bytes of a document: that of the largest package has some hundred megabytes.
const MAX_DOCUMENT_BYTES: u64 = 512 << 20;

/// Bytes of a signature or of a file of keys.
const MAX_KEY_BYTES: u64 = 1 << 20;

/// What was found of one package, as `--format json` prints it.
#[derive(Serialize)]
struct PackageJson {
    package: String,
    /// `sound` or `broken`.
    status: &'static str,
    /// `spdx`, `cyclonedx`, `provenance`: those that are beside it.
    documents: Vec<DocumentKind>,
    checks: Vec<Check>,
}

/// Runs the command. What cannot be read is another exit status than what does not hold.
pub fn run(shell: Shell, arguments: &VerifyArgs) -> ExitStatus {
    verify_all(shell, arguments).unwrap_or_else(|error| match errors::report_error(shell, &error) {
        ExitStatus::Success => ExitStatus::Success,
        _ => ExitStatus::UsageError,
    })
}

fn verify_all(shell: Shell, arguments: &VerifyArgs) -> Result<ExitStatus, CliError> {
    let keys = arguments.key.as_deref().map(read_keys).transpose()?;
    let materials = {
        let payloads = PayloadStore::from_env(arguments.payload_dir.payload_directories.clone());
        arguments.opkg.as_deref().map(|opkg| read_materials(opkg, &payloads)).transpose()?
    };
    let compares_plugin = arguments.opkg.is_some() || !arguments.plugins.files.is_empty();
    let plugins = match compares_plugin {
        true => Some(plugin_digests(&plugins::discover_plugins(shell, &arguments.plugins.files, None)?)),
        false => None,
    };
    let expected =
        Expectations { keys: keys.as_ref(), materials: materials.as_ref(), plugins: plugins.as_ref() };
    let (mut found, mut broken) = (Vec::new(), false);
    for path in &arguments.packages {
        let package = verify_package(path, &expected)?;
        broken |= package.status == "broken";
        if shell.is_json() {
            found.push(package);
        } else {
            show(shell, &package)?;
        }
    }
    if shell.is_json() {
        shell.print_json(&found)?;
    }
    Ok(if broken { ExitStatus::Failed } else { ExitStatus::Success })
}

fn verify_package(path: &Path, expected: &Expectations<'_>) -> Result<PackageJson, CliError> {
    let unreadable = |path: &Path, error: io::Error| {
        UsageError::new(format!("{}: {error}", path.display()), "name a file that you may read")
    };
    let package = regular_file::open(path).map_err(|error| unreadable(path, error))?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        UsageError::new(format!("{} has no name that a package has", path.display()), "name a package")
    })?;
    let beside = |name: String, limit: u64| {
        let path = path.with_file_name(name);
        read_if_there(&path, limit).map_err(|error| unreadable(&path, error))
    };
    let signature = beside(format!("{name}.sig"), MAX_KEY_BYTES)?;
    let mut documents = BTreeMap::new();
    for kind in DocumentKind::ALL {
        let document = kind.file_name(name);
        if let Some(bytes) = beside(document.clone(), MAX_DOCUMENT_BYTES)? {
            let signature = beside(format!("{document}.asc"), MAX_KEY_BYTES)?;
            documents.insert(kind, DocumentFile { bytes, signature });
        }
    }
    let evidence =
        Evidence { file_name: name, package: &package, signature: signature.as_deref(), documents };
    let report = verify::verify(&evidence, expected);
    Ok(PackageJson {
        package: path.to_string_lossy().into_owned(),
        status: if report.is_sound() { "sound" } else { "broken" },
        documents: evidence.documents.into_keys().collect(),
        checks: report.checks,
    })
}

/// What people read: a line for a sound package, all that is wrong with another.
fn show(shell: Shell, package: &PackageJson) -> Result<(), CliError> {
    let name = opkg::escape_hidden(&package.package).to_string();
    let problems = package.checks.iter().filter_map(|check| Some((check, check.problem.as_ref()?)));
    let mut text = String::new();
    for (check, problem) in problems {
        let line = format!("{}: {}: {problem}", check.file, check.what);
        text.push_str(&format!("  {}\n", opkg::escape_hidden(&line)));
    }
    if !text.is_empty() {
        shell.print(&format!("{name}: broken\n{text}"))?;
    } else if !shell.is_quiet() {
        shell.print(&format!("{name}: sound\n"))?;
        if shell.is_verbose() {
            for Check { file, what, .. } in &package.checks {
                shell.print(&format!("  {}\n", opkg::escape_hidden(&format!("{file}: {what}"))))?;
            }
        }
        if package.documents.is_empty() {
            shell.status(&format!(
                "note: no document is beside {name}, so it was held against nothing but its own checksums"
            ));
        }
    }
    Ok(())
}

fn read_keys(path: &Path) -> Result<Verifier, CliError> {
    let bytes = read(path, MAX_KEY_BYTES)
        .map_err(|error| UsageError::new(format!("{}: {error}", path.display()), "name a file of keys"))?;
    Verifier::new(&bytes).context(format_args!("cannot check signatures with {}", path.display()))
}

/// The OPKG as it is read now.
fn read_materials(directory: &Path, payloads: &PayloadStore) -> Result<Materials, CliError> {
    let loaded = opkg_payload::load(directory, &Settings::default(), payloads).loaded;
    let opkg = loaded.opkg.ok_or_else(|| {
        let message = format!("{} is no sound OPKG", directory.display());
        UsageError::new(message, format!("`opkgc check {}` says what is wrong with it", directory.display()))
    })?;
    Ok(Materials::new(&opkg))
}

/// SHA-256 of the plugins that would be used, by their ids.
fn plugin_digests(registry: &Registry) -> BTreeMap<String, String> {
    let plugins = registry.descriptions().into_iter().map(|description| &description.id);
    plugins.filter_map(|id| Some((id.clone(), registry.find(id)?.sha256()?.clone()))).collect()
}

fn read_if_there(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match read(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// All of a regular file.
fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular_file::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}
