//! `opkgc plugin publish` and `opkgc plugin sign`: for those who hand plugins on.

use std::path::Path;

use fs_err as fs;
use opkg::model::Timestamp;
use opkg_oci::{ArtifactFacts, Digest, Reference, Selector, publish, sign_bundle, tag_of_version};
use opkg_runtime::{ComponentMetadata, Inspection, PluginDescription, inspect};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::{PluginPublishArgs, PluginSignArgs};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::plugin_registries::{Registries, parse_reference};
use crate::plugin_trust::{default_bundle, read_private_key};
use crate::plugins;
use crate::source_date::{now, source_date};

/// What `--format json` prints.
#[derive(Serialize)]
struct PublishedJson {
    id: String,
    version: String,
    reference: String,
    digest: String,
    /// Whether it was there already.
    was_there: bool,
    signed: bool,
}

/// Runs `plugin publish`.
///
/// # Errors
/// When it is no working plugin, or the registry does not take it.
pub fn run(shell: Shell, arguments: &PluginPublishArgs) -> Result<ExitStatus, CliError> {
    let PluginPublishArgs { file, reference, key, registry } = arguments;
    let reference = parse_reference(reference)?;
    let key = key.as_deref().map(read_private_key).transpose()?;
    let registries = Registries::new(registry)?;
    let (component, inspection, description) = read_plugin(shell, file)?;
    let reference = with_version(reference, &description)?;
    let facts = facts(&component, inspection, &description)?;
    let client = registries.client(&reference);
    let published = publish(&client, &reference, &component, &facts, key.as_ref())?;
    let pinned = reference.with(Selector::Digest(published.digest.clone()));
    let signed = key.is_some();
    if shell.is_json() {
        shell.print_json(&PublishedJson {
            id: description.id().to_owned(),
            version: description.version().to_owned(),
            reference: reference.to_string(),
            digest: published.digest.to_string(),
            was_there: published.was_there,
            signed,
        })?;
        return Ok(ExitStatus::Success);
    }
    let name = description.name_and_version();
    let what = match (published.was_there, signed) {
        (false, true) => format!("published {name} as {reference}, signed"),
        (false, false) => format!("published {name} as {reference}, unsigned"),
        (true, true) => format!("{reference} is there already: signed it"),
        (true, false) => format!("{reference} is there already: nothing to do"),
    };
    shell.status(&what);
    shell.print(&format!("{pinned}\n"))?;
    Ok(ExitStatus::Success)
}

/// Runs `plugin sign`.
///
/// # Errors
/// When it is no working plugin, or the signature cannot be written.
pub fn sign(shell: Shell, arguments: &PluginSignArgs) -> Result<ExitStatus, CliError> {
    let PluginSignArgs { file, key, output } = arguments;
    let key = read_private_key(key)?;
    let (component, _, description) = read_plugin(shell, file)?;
    let bundle = sign_bundle(&Digest::of(&component), &key)?;
    let path = output.clone().unwrap_or_else(|| default_bundle(file));
    fs::write(&path, bundle)?;
    shell.status(&format!("signed {}", description.name_and_version()));
    shell.print(&format!("{}\n", path.display()))?;
    Ok(ExitStatus::Success)
}

/// A plugin that works: others are handed on by nobody.
fn read_plugin(shell: Shell, file: &Path) -> Result<(Vec<u8>, Inspection, PluginDescription), CliError> {
    let inspection = inspect(file, &plugins::runtime_options(shell, &[]))?;
    let unusable = |message: String| {
        let help = format!("`opkgc plugin inspect {}` shows what it is", file.display());
        CliError::from(UsageError::new(message, help))
    };
    if let Some(problem) = &inspection.problem {
        return Err(unusable(format!("the plugin {} {problem}", file.display())));
    }
    let description = inspection.description.clone();
    let description =
        description.ok_or_else(|| unusable(format!("{} says nothing of itself", file.display())))?;
    let component = fs::read(file)?;
    if Digest::of(&component).hex() != inspection.sha256 {
        return Err(unusable(format!("{} changed since it was looked at", file.display())));
    }
    Ok((component, inspection, description))
}

/// A version is that of the plugin itself: a tag that says another one could make an old plugin look like a new one.
fn with_version(reference: Reference, description: &PluginDescription) -> Result<Reference, CliError> {
    let version = description.version();
    let tag = tag_of_version(version).ok_or_else(|| {
        let message = format!("the version {version} of the plugin has no order");
        UsageError::new(
            message,
            "give it a semantic version, such as 1.2.0, so that `opkgc plugin update` finds newer ones",
        )
    })?;
    match &reference.selector {
        Selector::Newest => Ok(reference.with(Selector::Tag(tag))),
        Selector::Tag(named) if *named == tag => Ok(reference),
        Selector::Tag(named) => {
            let message = format!("the plugin is version {version}, and would be published as {named}");
            Err(UsageError::new(message, "leave out the version, or build the plugin as that one").into())
        }
        Selector::Digest(_) => {
            let message = "nobody can choose the digest by which a plugin is published";
            Err(UsageError::new(message, "leave it out: it is printed in the end").into())
        }
    }
}

fn facts(
    component: &[u8],
    inspection: Inspection,
    description: &PluginDescription,
) -> Result<ArtifactFacts, CliError> {
    let ComponentMetadata { authors, description: text, licenses, source, homepage, revision } =
        ComponentMetadata::read(component);
    let usual = match description {
        PluginDescription::Distribution(it) => format!("OPKGs for {}", it.name),
        PluginDescription::HookRunner(it) => format!("Runs hooks of OPKGs: {}", it.id),
    };
    let seconds = source_date()?.or_else(now).unwrap_or_default();
    Ok(ArtifactFacts {
        created: Timestamp { seconds, offset: 0 }.to_string(),
        title: description.id().to_owned(),
        version: description.version().to_owned(),
        description: Some(text.unwrap_or(usual)),
        authors,
        licenses,
        source,
        homepage,
        revision,
        exports: inspection.exports,
        imports: inspection.imports.into_iter().chain(inspection.wasi).collect(),
    })
}
