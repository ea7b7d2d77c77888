//! Who gives a command, and what the journal has of it.

use std::ffi::{OsStr, OsString};

use fs_err as fs;
use nix::unistd::{Uid, User};
use opkg_database::Location;
use opkg_engine::clock::{Clock, SystemClock};
use opkg_engine::engine::RunIdentity;
use opkg_oda::{CommandRecord, ProcessIdentity};
use opkg_web::AUTHOR_VARIABLE;

/// Characters of a command that the journal has.
const MAX_COMMAND: usize = 500;

/// Who gave this command, for the journal.
pub fn command_record() -> CommandRecord {
    let RunIdentity { host, command, .. } = run_identity();
    CommandRecord { at: SystemClock.now(), who: author(), host, command, role: None }
}

/// Who gives this command. Whoever is named by `opm web`, or became root with `sudo`, is meant, not root.
pub fn author() -> String {
    let named = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
    named(AUTHOR_VARIABLE).or_else(|| named("SUDO_USER")).unwrap_or_else(user_name)
}

/// The name of the user of this process, or the number where they have none.
fn user_name() -> String {
    let user = Uid::current();
    let known = User::from_uid(user).ok().flatten();
    known.map_or_else(|| user.to_string(), |user| user.name)
}

/// Who this is, for the journal.
pub fn run_identity() -> RunIdentity {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let command = shown_command(std::env::args_os()).chars().take(MAX_COMMAND).collect();
    RunIdentity { host, pid: std::process::id(), process: ProcessIdentity::current(), command }
}

/// A command line for everybody to read, without what may be a password.
fn shown_command(words: impl Iterator<Item = OsString>) -> String {
    let mut is_configure = false;
    let mut shown = Vec::new();
    for word in words {
        let text = word.to_string_lossy();
        shown.push(match text.rsplit('/').next() {
            Some(program) if shown.is_empty() => program.to_owned(),
            _ => is_configure.then(|| shown_answer(&text)).flatten().unwrap_or_else(|| shown_argument(&text)),
        });
        is_configure |= text == "configure";
    }
    shown.join(" ")
}

/// An answer without its value; absent where a word is none. Which fields are passwords only the form of the package says,
/// and it may not be there.
fn shown_answer(text: &str) -> Option<String> {
    let (option, answer) = match text.strip_prefix("--set=") {
        Some(answer) => ("--set=", answer),
        None if text.starts_with("--") => return None,
        None => ("", text),
    };
    answer.split_once('=').map(|(name, _)| format!("{option}{name}=…"))
}

/// Another word: the address of a database may hold a password.
fn shown_argument(text: &str) -> String {
    let (option, value) = match text.split_once('=') {
        Some((option, value)) if option.starts_with("--") => (Some(option), value),
        _ => (None, text),
    };
    match Location::parse(OsStr::new(value)) {
        Ok(location @ Location::Server { .. }) => {
            option.map_or_else(|| location.to_string(), |option| format!("{option}={location}"))
        }
        Err(_) => option.unwrap_or("postgres://").to_owned(),
        Ok(Location::File(_)) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_gets_into_the_journal() {
        for (word, shown) in [
            (
                "--database=postgres://ada:secret@head/opm?sslmode=require",
                "--database=postgres://ada@head/opm",
            ),
            ("postgres://ada:secret@head:5433/opm", "postgres://ada@head:5433/opm"),
            ("postgres://ada:secret@head/opm?what=ever", "postgres://"),
            ("--database=postgres://ada:secret@head", "--database"),
            ("request", "request"),
            ("--on=node[1-3]", "--on=node[1-3]"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(shown_argument(word), shown, "{word}");
        }
    }

    #[test]
    fn no_answer_gets_into_the_journal() {
        for (line, shown) in [
            ("/usr/bin/opm configure P --set secret=hunter2", "opm configure P --set secret=…"),
            ("opm configure P --set=secret=hun=ter2", "opm configure P --set=secret=…"),
            (
                "opm --conf=a=b configure P --set a=1 b=2 --unset c",
                "opm --conf=a=b configure P --set a=… b=… --unset c",
            ),
            ("opm configure --set db=postgres://u:p@h/d P", "opm configure --set db=… P"),
            ("opm configure P --database=postgres://u:p@h/d", "opm configure P --database=postgres://u@h/d"),
            ("opm configure P --answers=a=b", "opm configure P --answers=a=b"),
            ("opm simulate a=b", "opm simulate a=b"),
        ] {
            assert_eq!(shown_command(line.split(' ').map(OsString::from)), shown, "{line}");
        }
        let of_several_words = ["opm", "configure", "P", "--set", "secret=hunter 2\n3"];
        assert_eq!(
            shown_command(of_several_words.map(OsString::from).into_iter()),
            "opm configure P --set secret=…"
        );
    }
}
