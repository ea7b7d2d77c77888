//! `opkgc diff`: in what two builds differ.

use std::fmt::Write as _;
use std::path::PathBuf;

use opkg_inspect::{Difference, FilePair, match_files};
use opkg_shell::Shell;
use serde::Serialize;

use crate::args::DiffArgs;
use crate::errors;
use crate::errors::CliError;
use crate::exit::ExitStatus;

/// Characters of a value that are shown to people.
const MAX_VALUE_CHARS: usize = 300;

/// Two files that differ, as `--format json` prints them.
#[derive(Serialize)]
struct FilePairJson {
    name: String,
    /// Nothing where only the second directory has it.
    first: Option<String>,
    second: Option<String>,
    differences: Vec<Difference>,
}

/// Runs the command. Exit statuses are those of diff(1): what cannot be read is no difference.
pub fn run(shell: Shell, arguments: &DiffArgs) -> ExitStatus {
    compare(shell, arguments).unwrap_or_else(|error| match errors::report_error(shell, &error) {
        ExitStatus::Success => ExitStatus::Success,
        _ => ExitStatus::UsageError,
    })
}

fn compare(shell: Shell, arguments: &DiffArgs) -> Result<ExitStatus, CliError> {
    let (mut differing, mut troubles) = (Vec::new(), 0);
    let mut differ = false;
    for pair in match_files(&arguments.first, &arguments.second)? {
        let differences = match pair.compare() {
            Ok(Some(found)) if found.is_empty() => continue,
            Ok(found) => found,
            Err(error) => {
                // The others are compared all the same.
                shell.eprint(&CliError::from(error).report().to_string());
                troubles += 1;
                continue;
            }
        };
        differ = true;
        if shell.is_json() {
            let text = |path: Option<PathBuf>| path.map(|it| it.to_string_lossy().into_owned());
            let FilePair { name, first, second } = pair;
            let (first, second) = (text(first), text(second));
            differing.push(FilePairJson {
                name,
                first,
                second,
                differences: differences.unwrap_or_default(),
            });
        } else if !shell.is_quiet() {
            shell.print(&render_pair(&pair, differences.as_deref()))?;
        }
    }
    if shell.is_json() {
        shell.print_json(&differing)?;
    }
    Ok(match (troubles, differ) {
        (0, false) => ExitStatus::Success,
        (0, true) => ExitStatus::Failed,
        _ => ExitStatus::UsageError,
    })
}

/// What people read of two files, or of one that nothing belongs to.
fn render_pair(pair: &FilePair, differences: Option<&[Difference]>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (sign, path) in [("---", &pair.first), ("+++", &pair.second)] {
        let path = path.as_ref().map_or_else(|| "(nothing)".into(), |it| it.to_string_lossy());
        let _ = writeln!(text, "{sign} {}", sanitize(&path));
    }
    for difference in differences.unwrap_or_default() {
        let Difference { about, name, attribute, first, second, lines } = difference;
        let attribute = attribute.map(|it| format!(" {it}")).unwrap_or_default();
        let title = format!("{about}{attribute} {}", sanitize(name));
        let _ = writeln!(text, "{}", title.trim_end());
        if !lines.is_empty() {
            for line in lines {
                let _ = writeln!(text, "    {}", sanitize(line));
            }
            continue;
        }
        for (sign, value) in [('-', first), ('+', second)] {
            for line in value.iter().flat_map(|it| it.split('\n')) {
                let _ = writeln!(text, "    {sign}{}", sanitize(line));
            }
        }
    }
    text
}

/// On one line, and without what could do something to a terminal.
fn sanitize(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == MAX_VALUE_CHARS {
            shown.push('…');
            break;
        }
        if character != '\t' && opkg::is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
