//! Programs that a hook runs. A runner may run the files of the package's home; a hook that is a component, only what
//! the administrator of the cluster grants it by name.

use crate::bindings::runner::exports::opkg::plugin::hook::HookFailure;
use crate::bindings::runner::opkg::plugin::process as host;
pub use host::{Ended, Output, Program, Refusal, Request, Text};

/// A program to be run in the home, without a shell, with what it prints in the hook's log. `program` is a path
/// relative to the home, or an absolute one.
#[must_use]
pub fn logged_request(program: &str, arguments: &[String]) -> Request {
    Request {
        program: Program::File(program.to_owned()),
        arguments: arguments.to_vec(),
        environment: Vec::new(),
        directory: None,
        user: None,
        output: Output::Logged,
        in_image: false,
    }
}

/// Runs a program to its end.
///
/// # Errors
/// It is not granted, or cannot be started.
pub fn run(request: &Request) -> Result<Ended, Refusal> {
    host::run(request)
}

/// What the end of a program is for a hook that consists of it.
///
/// # Errors
/// It did not end with the exit status 0.
pub fn exit_result(ended: Result<Ended, Refusal>) -> Result<(), HookFailure> {
    let plain = |message| HookFailure { message, exit_code: None, signal: None, timed_out: false };
    match ended {
        Ok(Ended { exit_code: Some(0), timed_out: false, .. }) => Ok(()),
        Ok(ended) => {
            let said = ended.last_lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
            let message = match said {
                Some(said) => format!("{}: {said}", ended.how),
                None => ended.how.clone(),
            };
            let Ended { exit_code, signal, timed_out, .. } = ended;
            Err(HookFailure { exit_code, signal, timed_out, ..plain(message) })
        }
        Err(Refusal::NotGranted(what)) => Err(plain(format!("may not be run: {what}"))),
        Err(Refusal::NotStarted(why)) => Err(plain(format!("did not start: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit_code: Option<i32>, how: &str, lines: &[&str]) -> Ended {
        Ended {
            how: how.to_owned(),
            exit_code,
            signal: None,
            timed_out: false,
            last_lines: lines.iter().map(ToString::to_string).collect(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: false,
        }
    }

    #[test]
    fn how_programs_end() {
        let result = |ended| exit_result(ended).map_err(|failure| (failure.message, failure.exit_code));
        assert_eq!(result(Ok(ended(Some(0), "ended with exit status 0", &["x"]))), Ok(()));
        let three = ended(Some(3), "ended with exit status 3", &["no such switch", ""]);
        assert_eq!(result(Ok(three)), Err(("ended with exit status 3: no such switch".into(), Some(3))));
        let late = Ended { timed_out: true, ..ended(Some(0), "was stopped after 1 s", &[]) };
        assert_eq!(result(Ok(late)), Err(("was stopped after 1 s".into(), Some(0))));
        let refused = Refusal::NotStarted("it is not there".into());
        assert_eq!(result(Err(refused)), Err(("did not start: it is not there".into(), None)));
    }
}
