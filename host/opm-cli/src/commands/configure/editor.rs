//! Text of several lines, written in the editor that a person likes.

use std::io::{Read, Write};
use std::process::Command;

use opkg_configurator::limits;
use opkg_shell::UsageError;

use crate::errors::{CliError, Context};

/// Editors that are there where nobody names one.
const FALLBACK_EDITORS: [&str; 3] = ["editor", "vi", "nano"];

/// Lets a text be changed in an editor, in a file that nobody else can read.
///
/// # Errors
/// When there is no editor, it fails, or what it wrote is no text of a usual size.
pub fn edit(text: &str) -> Result<String, CliError> {
    let mut file = tempfile::Builder::new().prefix("opm-").suffix(".txt").tempfile()?;
    // Editors end the last line as well.
    writeln!(file, "{text}")?;
    let mut words = editor_command().into_iter();
    let program = words.next().unwrap_or_default();
    let status = Command::new(&program).args(words).arg(file.path()).status();
    let status = status.map_err(|error| {
        let message = format!("the editor {program} cannot be started: {}", error.kind());
        UsageError::new(message, "name another one in $EDITOR")
    })?;
    if !status.success() {
        return Err(
            UsageError::new(format!("the editor {program} failed"), "name another one in $EDITOR").into()
        );
    }
    let mut written = String::new();
    // Anew, since editors may put another file in its place.
    let file = fs_err::File::open(file.path())?;
    file.take(limits::FILE_BYTES as u64).read_to_string(&mut written).context("the text cannot be read")?;
    Ok(written.strip_suffix('\n').unwrap_or(&written).to_owned())
}

/// The program and its first arguments.
fn editor_command() -> Vec<String> {
    let named = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty()));
    let there = |name: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
    };
    let usual = || FALLBACK_EDITORS.into_iter().find(there).unwrap_or(FALLBACK_EDITORS[0]).to_owned();
    named.unwrap_or_else(usual).split_whitespace().map(str::to_owned).collect()
}
