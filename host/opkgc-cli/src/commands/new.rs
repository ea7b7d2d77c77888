//! `opkgc new`: an OPKG from the template.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use opkg::model::Timestamp;
use opkg_convert::{Error, Extras, Maintainer, create_opkg};
use opkg_shell::{Shell, UsageError};
use serde::Serialize;

use crate::args::NewArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::interrupt;
use crate::source_date::source_date;

/// Where the environment may name somebody, in pairs of name and address, the first complete one counts.
const MAINTAINER_VARIABLES: [(&str, &str); 3] = [
    ("DEBFULLNAME", "DEBEMAIL"),
    ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"),
    ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
];

/// What `--format json` prints.
#[derive(Serialize)]
struct NewJson<'a> {
    name: &'a str,
    directory: String,
    /// Whether nobody was named as the maintainer, so that whoever runs this stands there.
    maintainer_missing: bool,
}

/// Runs the command.
///
/// # Errors
/// When the name or the maintainer cannot be, or the directory cannot be written.
pub fn run(shell: Shell, arguments: &NewArgs) -> Result<ExitStatus, CliError> {
    let name = arguments.name.as_str();
    let target = arguments.output.clone().unwrap_or_else(|| PathBuf::from(name));
    let known = match &arguments.maintainer {
        Some(maintainer) => Some(maintainer.clone()),
        None => maintainer_from_env(|variable| std::env::var(variable).ok())?,
    };
    let date = match source_date()? {
        Some(seconds) => Timestamp { seconds, offset: 0 },
        None => current_timestamp(),
    };
    let maintainer =
        known.clone().unwrap_or_else(|| current_user(|variable| std::env::var(variable).ok(), &host_name()));
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let extras = Extras { service: arguments.with_service, configuration: arguments.with_config };
    match create_opkg(name, &target, &maintainer, date, extras) {
        Err(error @ Error::InvalidName(_)) => {
            return Err(UsageError::new(error.to_string(), error.help().unwrap_or_default()).into());
        }
        done => done?,
    }
    if shell.is_json() {
        let directory = target.to_string_lossy().into_owned();
        shell.print_json(&NewJson { name, directory, maintainer_missing: known.is_none() })?;
    } else {
        shell.print(&format!("{}\n", target.display()))?;
    }
    if known.is_none() {
        shell.status(&format!(
            "warning: nobody is named as the maintainer, so it is {maintainer}\n  help: write your name and e-mail address \
             into `{}`, or name yourself with --maintainer next time",
            target.join("config.xml").display()
        ));
    }
    Ok(ExitStatus::Success)
}

/// Whom the environment names, if anybody.
fn maintainer_from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Maintainer>, CliError> {
    let filled = |name| variable(name).filter(|value| !value.trim().is_empty());
    for (name, email) in MAINTAINER_VARIABLES {
        let Some(address) = filled(email) else { continue };
        // Some have the whole in one.
        let found = match (address.parse(), filled(name)) {
            (Ok(both), _) => Ok(both),
            (Err(_), Some(full_name)) => Maintainer::new(&full_name, &address),
            (Err(_), None) => continue,
        };
        return found.map(Some).map_err(|error| {
            let message = format!("the environment names no maintainer: {error}");
            let help = format!("correct ${name} and ${email}, or use --maintainer");
            UsageError::new(message, help).into()
        });
    }
    Ok(None)
}

/// Whoever runs this, as mail is sent within the machine: good enough for packages to be built.
fn current_user(variable: impl Fn(&str) -> Option<String>, host: &str) -> Maintainer {
    let user =
        ["LOGNAME", "USER"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let user = user.unwrap_or_else(|| "root".into());
    let is_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let places = is_host.then_some(host).into_iter().chain(["localhost"]);
    let mut known = places.filter_map(|host| Maintainer::new(&user, &format!("{user}@{host}")).ok());
    known.next().unwrap_or_else(Maintainer::root)
}

/// Of this machine; Linux has it in a file.
fn host_name() -> String {
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// By the machine's clock, within what a package can carry.
fn current_timestamp() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp { seconds: i64::from(u32::try_from(seconds).unwrap_or(u32::MAX)), offset: 0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn somebody_always_is_the_maintainer() {
        let shown = |user: Option<&str>, host: &str| {
            current_user(|name| (name == "USER").then(|| user.map(str::to_owned)).flatten(), host).to_string()
        };
        assert_eq!(shown(Some("ada"), "head.example.org"), "ada <ada@head.example.org>");
        assert_eq!(shown(None, "head"), "root <root@head>");
        for host in ["", "a b", "x.invalid", "\u{7}"] {
            assert_eq!(shown(Some("ada"), host), "ada <ada@localhost>", "{host:?}");
        }
        assert_eq!(shown(Some("a<b>\n"), "head"), "root <root@localhost>");
    }

    #[test]
    fn the_first_complete_pair_counts() {
        let found = |set: &[(&str, &str)]| {
            maintainer_from_env(|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, it)| (*it).to_owned())
            })
        };
        let ada = Maintainer::new("Ada", "a@example.org").unwrap();
        assert_eq!(found(&[]).unwrap(), None);
        assert_eq!(
            found(&[("DEBFULLNAME", "Ada"), ("DEBEMAIL", "a@example.org")]).unwrap(),
            Some(ada.clone())
        );
        assert_eq!(found(&[("DEBEMAIL", "Ada <a@example.org>")]).unwrap(), Some(ada.clone()));
        let git = ("GIT_AUTHOR_EMAIL", "a@example.org");
        assert_eq!(
            found(&[("DEBEMAIL", "b@example.org"), ("GIT_AUTHOR_NAME", "Ada"), git]).unwrap(),
            Some(ada)
        );
        assert!(found(&[("GIT_AUTHOR_NAME", "A\u{1}a"), git]).is_err());
    }
}
