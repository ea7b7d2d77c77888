//! Completions that know what there is: the shell asks the program itself, which looks, each time a key is pressed.
//!
//! What can stand for a value depends on what the help calls it: wherever a `TARGET` is wanted, targets are offered.

use std::ffi::OsStr;
use std::io::{self, Write};

use clap::Command;
use clap::builder::StyledStr;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{EnvCompleter, Shells};
use clap_complete::{CompleteEnv, Shell as CompletionShell};

use crate::stdout_error::StdoutError;

/// By which a shell tells a program that it is asked for completions, and by which shell.
const VARIABLE: &str = "OPKG_COMPLETE";

/// A value that can be offered, and what it is in a few words where that helps.
pub type ValueOffer = (String, Option<String>);

/// The values of a name that help uses, `TARGET` say, and how to find those that there are.
pub type ValueSource = (&'static str, fn() -> Vec<ValueOffer>);

/// Answers a shell that asks for completions, and ends the program; where none asks, nothing happens.
pub fn answer_shell(command: fn() -> Command, sources: &'static [ValueSource]) {
    CompleteEnv::with_factory(|| offer_values(command(), sources)).var(VARIABLE).complete();
}

fn offer_values(command: Command, sources: &'static [ValueSource]) -> Command {
    let command = command.mut_args(|argument| {
        let names = argument.get_value_names().unwrap_or_default();
        match sources.iter().find(|(name, _)| names.iter().any(|value_name| value_name.as_str() == *name)) {
            Some((_, find)) => {
                let complete = move |current: &OsStr| matching(current, find());
                argument.add(ArgValueCompleter::new(complete))
            }
            None => argument,
        }
    });
    command.mut_subcommands(|subcommand| offer_values(subcommand, sources))
}

/// The values that begin with what is typed, or with what stands behind the last operator of it: a comma, or `!` and the
/// like in choices of targets.
fn matching(current: &OsStr, values: Vec<ValueOffer>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let (before, begun) =
        current.split_at(current.rfind([',', '!', '&', '^']).map_or(0, |operator| operator + 1));
    values
        .into_iter()
        .filter(|(value, _)| value.starts_with(begun))
        .map(|(value, about)| {
            CompletionCandidate::new(format!("{before}{value}")).help(about.map(StyledStr::from))
        })
        .collect()
}

/// Prints what a shell has to run at its start to have the completions of a program.
///
/// # Errors
/// When standard output cannot be written to.
pub fn print_registration(program: &str, kind: CompletionShell) -> io::Result<()> {
    let mut script = Vec::new();
    if kind == CompletionShell::Bash {
        // `image:compute` is one word.
        script.extend_from_slice(b"COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n");
    }
    if let Some(shell) = Shells::builtins().completer(&kind.to_string()) {
        EnvCompleter::write_registration(shell, VARIABLE, program, program, program, &mut script)?;
    }
    io::stdout().lock().write_all(&script).map_err(StdoutError::wrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<ValueOffer> {
        ["image:compute", "image:login", "server"].map(|value| (value.to_owned(), None)).into()
    }

    fn values(current: &str) -> Vec<String> {
        let found = matching(OsStr::new(current), offers());
        found.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_is_typed_so_far_decides() {
        assert_eq!(values("").len(), 3);
        assert_eq!(values("image:l"), ["image:login"]);
        assert_eq!(values("client"), [""; 0]);
    }

    #[test]
    fn several_stand_with_commas_between_them() {
        assert_eq!(values("server,image:c"), ["server,image:compute"]);
        assert_eq!(values("!ser"), ["!server"]);
        assert_eq!(values("all!image:c"), ["all!image:compute"]);
    }

    #[test]
    fn every_argument_of_that_name_is_offered_the_values() {
        let command = Command::new("program").subcommand(
            Command::new("request")
                .arg(clap::Arg::new("on").long("on").value_name("TARGET"))
                .arg(clap::Arg::new("file").value_name("FILE")),
        );
        let mut command = offer_values(command, &[("TARGET", offers)]);
        let complete = |command: &mut Command, words: &[&str]| {
            let words = words.iter().map(Into::into).collect::<Vec<_>>();
            let last = words.len() - 1;
            clap_complete::engine::complete(command, words, last, None).unwrap_or_default().len()
        };
        assert_eq!(complete(&mut command, &["program", "request", "--on", "image:"]), 2);
        assert_eq!(complete(&mut command, &["program", "request", "image:"]), 0);
    }
}
