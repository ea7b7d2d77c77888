//! `opkgc diff`: in what two builds differ.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use opkg_inspect::{Difference, Pair, pairs};
use serde::Serialize;

use crate::args::Diff;
use crate::exit::Exit;
use crate::failure;
use crate::shell::Shell;

/// Characters of a value that are shown to people.
const LONGEST: usize = 300;

/// Two files that differ, as `--format json` prints them.
#[derive(Serialize)]
struct Differing {
    name: String,
    /// Nothing where only the second directory has it.
    first: Option<String>,
    second: Option<String>,
    differences: Vec<Difference>,
}

/// Runs the command. Exit statuses are those of diff(1): what cannot be read is no difference.
pub fn run(shell: Shell, arguments: &Diff) -> Exit {
    compare(shell, arguments).unwrap_or_else(|error| match failure::report(shell, &error) {
        Exit::Done => Exit::Done,
        _ => Exit::Usage,
    })
}

fn compare(shell: Shell, arguments: &Diff) -> Result<Exit> {
    let (mut differing, mut troubles) = (Vec::new(), 0);
    let mut differ = false;
    for pair in pairs(&arguments.first, &arguments.second)? {
        let differences = match pair.differences() {
            Ok(Some(found)) if found.is_empty() => continue,
            Ok(found) => found,
            Err(error) => {
                // The others are compared all the same.
                shell.message(&failure::explain(&error.into()));
                troubles += 1;
                continue;
            }
        };
        differ = true;
        if shell.json() {
            let text = |path: Option<PathBuf>| path.map(|it| it.to_string_lossy().into_owned());
            let Pair { name, first, second } = pair;
            let (first, second) = (text(first), text(second));
            differing.push(Differing { name, first, second, differences: differences.unwrap_or_default() });
        } else if !shell.quiet() {
            shell.data(&report(&pair, differences.as_deref()))?;
        }
    }
    if shell.json() {
        shell.json_data(&differing)?;
    }
    Ok(match (troubles, differ) {
        (0, false) => Exit::Done,
        (0, true) => Exit::Failed,
        _ => Exit::Usage,
    })
}

/// What people read of two files, or of one that nothing belongs to.
fn report(pair: &Pair, differences: Option<&[Difference]>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (sign, path) in [("---", &pair.first), ("+++", &pair.second)] {
        let path = path.as_ref().map_or_else(|| "(nothing)".into(), |it| it.to_string_lossy());
        let _ = writeln!(text, "{sign} {}", shown(&path));
    }
    for difference in differences.unwrap_or_default() {
        let Difference { about, name, attribute, first, second, lines } = difference;
        let attribute = attribute.map(|it| format!(" {it}")).unwrap_or_default();
        let title = format!("{about}{attribute} {}", shown(name));
        let _ = writeln!(text, "{}", title.trim_end());
        if !lines.is_empty() {
            for line in lines {
                let _ = writeln!(text, "    {}", shown(line));
            }
            continue;
        }
        for (sign, value) in [('-', first), ('+', second)] {
            for line in value.iter().flat_map(|it| it.split('\n')) {
                let _ = writeln!(text, "    {sign}{}", shown(line));
            }
        }
    }
    text
}

/// On one line, and without what could do something to a terminal.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        if character != '\t' && opkg::is_control(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
