//! `opkgc settings`: what is in force, and where it comes from.

use std::path::Path;

use opkg::model::Part;
use opkg::{Profile, toml_string};
use opkg_interface::Label;
use opkg_shell::Shell;
use serde::Serialize;

use crate::args::SettingsArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::settings::{self, Layer, Origin};

/// One setting, as `--format json` prints it.
#[derive(Serialize)]
struct SettingJson {
    /// As a file names it, with the table: `sign.key`.
    name: &'static str,
    value: ValueJson,
    /// `built in`, or `file`.
    origin: &'static str,
    file: Option<String>,
    line: Option<usize>,
    #[serde(skip)]
    place: String,
}

/// Nothing, a text or a list.
#[derive(Serialize)]
#[serde(untagged)]
enum ValueJson {
    Text(Option<String>),
    List(Vec<String>),
}

/// Runs the command.
///
/// # Errors
/// When a file of settings is wrong.
pub fn run(shell: Shell, arguments: &SettingsArgs) -> Result<ExitStatus, CliError> {
    let effective = settings::load(&arguments.settings_files, Layer::default())?;
    let text = |value: &str| ValueJson::Text(Some(value.to_owned()));
    let label =
        |value: &Option<Label>| ValueJson::Text(value.as_ref().map(|label| label.as_str().to_owned()));
    let path = |value: &Option<_>| {
        ValueJson::Text(value.as_ref().map(|path: &std::path::PathBuf| path.to_string_lossy().into_owned()))
    };
    let profile: Profile = effective.profile.value;
    let mut all = vec![
        entry("profile", text(profile.name()), &effective.profile.origin),
        entry("release_tag", text(&effective.release_tag.value.to_string()), &effective.release_tag.origin),
        entry("targets", ValueJson::List(effective.targets.value.clone()), &effective.targets.origin),
        entry("vendor", label(&effective.vendor.value), &effective.vendor.origin),
        entry("distribution", label(&effective.distribution.value), &effective.distribution.origin),
        entry("compression", text(effective.compression.value.name()), &effective.compression.origin),
    ];
    for (part, names) in &effective.auto_requires {
        let name = match part {
            Part::Api => "auto_requires.api",
            Part::Server => "auto_requires.server",
            Part::Client => "auto_requires.client",
        };
        all.push(entry(name, ValueJson::List(names.value.clone()), &names.origin));
    }
    all.push(entry("sign.key", path(&effective.sign_key.value), &effective.sign_key.origin));
    all.push(entry(
        "sign.passphrase_file",
        path(&effective.passphrase_file.value),
        &effective.passphrase_file.origin,
    ));
    if shell.is_json() {
        shell.print_json(&all)?;
    } else {
        shell.print(&all.iter().map(render).collect::<String>())?;
    }
    Ok(ExitStatus::Success)
}

fn entry(name: &'static str, value: ValueJson, origin: &Origin) -> SettingJson {
    let (kind, file, line) = match origin {
        Origin::Default => ("built in", None, None),
        Origin::File { path, line } => ("file", Some(display(path)), Some(*line)),
        Origin::CommandLine => ("command line", None, None),
    };
    SettingJson { name, value, origin: kind, file, line, place: origin.to_string() }
}

fn display(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A line as a file could hold it.
fn render(setting: &SettingJson) -> String {
    let assignment = match &setting.value {
        ValueJson::Text(None) => format!("# {} is not set", setting.name),
        ValueJson::Text(Some(text)) => format!("{} = {}", setting.name, toml_string(text)),
        ValueJson::List(items) => {
            format!(
                "{} = [{}]",
                setting.name,
                items.iter().map(|item| toml_string(item)).collect::<Vec<_>>().join(", ")
            )
        }
    };
    match &setting.value {
        ValueJson::Text(None) => format!("{assignment}\n"),
        _ => format!("{assignment:<46}  # {}\n", setting.place),
    }
}
