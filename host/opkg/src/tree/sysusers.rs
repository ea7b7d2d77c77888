//! Users and groups that own files: those that every system has, and those of sysusers.d(5) among the files themselves.

use std::collections::BTreeSet;

use super::{contents, layout};
use crate::diagnostic::Diagnostic;
use crate::model::{Directory, FileRule, NodeId, Part, SourceFile};
use crate::source_dir::SourceDir;

/// Those that all distributions have in their first package.
const USERS: [&str; 7] = ["root", "bin", "daemon", "games", "mail", "man", "nobody"];
const GROUPS: [&str; 15] = [
    "root", "audio", "bin", "cdrom", "daemon", "disk", "floppy", "kmem", "lp", "mail", "man", "tty", "users",
    "utmp", "video",
];

/// Of a file that describes users; real ones have a few lines.
const MAX_BYTES: u64 = 64 << 10;

/// Reports owners that nothing of the package makes.
pub(super) fn check_owners(
    source: &SourceDir,
    rules: &[FileRule],
    files: &[SourceFile],
    directories: &[Directory],
    report: &mut impl FnMut(Diagnostic, NodeId),
) {
    let owners = rules.iter().flat_map(|rule| [&rule.owner, &rule.group]).flatten();
    if owners.clone().all(|name| name == "root") {
        return;
    }
    let described: Vec<(Part, Accounts)> = files
        .iter()
        .filter(|file| layout::is_for_root(&file.path) && is_description(&file.path) && file.link.is_none())
        .filter_map(|file| Some((file.part, Accounts::read(source, &file.path)?)))
        .collect();
    for (index, rule) in (0_u32..).zip(rules) {
        let parts: BTreeSet<Part> = files
            .iter()
            .filter(|file| file.rules.contains(&index))
            .map(|file| file.part)
            .chain(directories.iter().filter(|it| it.rules.contains(&index)).map(|it| it.part))
            .collect();
        for part in parts {
            // The server part comes after the api part.
            let is_there = |of: Part| of == part || (part == Part::Server && of == Part::Api);
            let made = || described.iter().filter(|(of, _)| is_there(*of)).map(|(_, accounts)| accounts);
            let user = rule.owner.as_deref().filter(|name| {
                !USERS.contains(name) && !made().any(|accounts| accounts.users.contains(*name))
            });
            let group = rule.group.as_deref().filter(|name| {
                !GROUPS.contains(name) && !made().any(|accounts| accounts.groups.contains(*name))
            });
            for (what, letter, name) in
                user.map(|name| ("user", 'u', name)).into_iter().chain(group.map(|name| ("group", 'g', name)))
            {
                let directory = match part {
                    Part::Api => "files/api",
                    Part::Server => "files/server",
                    Part::Client => "files/client",
                };
                let help = format!(
                    "write the line `{letter} {name} -` into `{directory}/usr/lib/sysusers.d/{name}.conf`, or require the package \
                     that makes the {what}"
                );
                let message = format!(
                    "the {what} `{name}` is not on every system, and no file of the package describes it"
                );
                report(Diagnostic::warning("file-owner", message).help(help), rule.at);
            }
        }
    }
}

fn is_description(path: &str) -> bool {
    path.ends_with(".conf")
        && path.rsplit_once('/').is_some_and(|(directory, _)| directory.ends_with("/usr/lib/sysusers.d"))
}

/// What files of sysusers.d(5) make.
#[derive(Debug, Default)]
struct Accounts {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Accounts {
    /// Nothing where the file cannot be read, which is found elsewhere.
    fn read(source: &SourceDir, path: &str) -> Option<Self> {
        let (bytes, _) = contents::read_limited(source.open_file(path).ok()?, MAX_BYTES).ok()?;
        Some(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let mut accounts = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace().map(|word| word.trim_matches('"'));
            let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
            match kind.trim_end_matches('!') {
                "u" => {
                    accounts.users.insert(name.to_owned());
                    accounts.groups.insert(name.to_owned());
                }
                "g" => drop(accounts.groups.insert(name.to_owned())),
                // Both are made where they are missing.
                "m" => {
                    accounts.users.insert(name.to_owned());
                    accounts.groups.extend([name, words.next().unwrap_or(name)].map(str::to_owned));
                }
                _ => {}
            }
        }
        accounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sysusers_makes() {
        let text = "# comment\nu munge - \"Runs MUNGE\" /var/lib/munge\ng \"site\" 300\n\nm alice wheel\nr - 500-900\nu! locked -\n";
        let accounts = Accounts::parse(text);
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&accounts.users), "alice locked munge");
        assert_eq!(names(&accounts.groups), "alice locked munge site wheel");
    }
}
