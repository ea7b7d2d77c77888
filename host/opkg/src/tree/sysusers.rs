//! Users and groups that own files: those that every system has, and those of sysusers.d(5) among the files themselves.

use std::collections::BTreeSet;

use crate::account::Account;
use crate::diagnostic::Diagnostic;
use crate::model::{Directory, FileRule, NodeId, Part, SourceFile};

/// Those that all distributions have in their first package.
const USERS: [&str; 7] = ["root", "bin", "daemon", "games", "mail", "man", "nobody"];
const GROUPS: [&str; 15] = [
    "root", "audio", "bin", "cdrom", "daemon", "disk", "floppy", "kmem", "lp", "mail", "man", "tty", "users",
    "utmp", "video",
];

/// Reports owners that nothing of the package makes.
pub(super) fn check_owners(
    rules: &[FileRule],
    files: &[SourceFile],
    directories: &[Directory],
    report: &mut impl FnMut(Diagnostic, NodeId),
) {
    let owners = rules.iter().flat_map(|rule| [&rule.owner, &rule.group]).flatten();
    if owners.clone().all(|name| name == "root") {
        return;
    }
    let described: Vec<(Part, Accounts<'_>)> = files
        .iter()
        .filter(|file| !file.accounts.is_empty())
        .map(|file| (file.part, Accounts::of(file)))
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

/// Names of users, of groups, and of either that the other brings along.
#[derive(Debug, Default)]
struct Accounts<'a> {
    users: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
}

impl<'a> Accounts<'a> {
    fn of(file: &'a SourceFile) -> Self {
        let mut accounts = Self::default();
        for account in &file.accounts {
            match account {
                Account::User(user) => {
                    accounts.users.insert(&user.name);
                    accounts.groups.insert(&user.name);
                }
                Account::Group(group) => drop(accounts.groups.insert(&group.name)),
                // Both are made where they are missing.
                Account::Member { user, group } => {
                    accounts.users.insert(user);
                    accounts.groups.extend([user.as_str(), group.as_str()]);
                }
            }
        }
        accounts
    }
}
