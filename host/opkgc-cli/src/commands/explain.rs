//! `opkgc explain`: the page about a finding.

use opkg::{closest_match, escape_for_display};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::explanations::{self, EXPLANATIONS};

/// A page, as `--format json` prints it.
#[derive(Serialize)]
struct PageJson {
    code: &'static str,
    title: &'static str,
    /// Markdown; absent in the list of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such code, or the page cannot be printed.
pub fn run(shell: Shell, arguments: &ExplainArgs) -> Result<ExitStatus, CliError> {
    let Some(code) = &arguments.code else {
        print_list(shell)?;
        return Ok(ExitStatus::Success);
    };
    let page = explanations::find(code).ok_or_else(|| unknown_code(code))?;
    if shell.is_json() {
        shell.print_json(&PageJson { code: page.code, title: page.title(), text: Some(page.text()) })?;
    } else {
        shell.print(&page.text())?;
    }
    Ok(ExitStatus::Success)
}

fn print_list(shell: Shell) -> std::io::Result<()> {
    if shell.is_json() {
        let pages = EXPLANATIONS.iter();
        let list: Vec<PageJson> =
            pages.map(|page| PageJson { code: page.code, title: page.title(), text: None }).collect();
        return shell.print_json(&list);
    }
    let width = EXPLANATIONS.iter().map(|page| page.code.len()).max().unwrap_or_default();
    let lines = EXPLANATIONS.iter().map(|page| format!("{:width$}  {}\n", page.code, page.title()));
    shell.print(&lines.collect::<String>())
}

fn unknown_code(code: &str) -> UsageError {
    let help = match closest_match(code, EXPLANATIONS.iter().map(|page| page.code)) {
        Some(meant) => format!("did you mean `{meant}`? `opkgc explain --list` lists all"),
        None => {
            "`opkgc explain --list` lists all; findings with the id of a plugin say themselves what to do"
                .into()
        }
    };
    UsageError::new(format!("no finding has the code `{}`", escape_for_display(code)), help)
}
