//! Users and groups that files of sysusers.d(5) describe, made by the tools that every distribution has.

use std::fmt::Write as _;

use crate::model::{Account, GroupAccount, UserAccount};
use crate::parts::PartPlan;
use crate::text::shell_quote;

/// Whether a part brings users or groups.
#[must_use]
pub fn has_accounts(part: &PartPlan<'_>) -> bool {
    described(part).next().is_some()
}

/// Commands for `/bin/sh` that make the users and groups of a part where they are missing: groups, then users, then who is in
/// which group. They need `getent`, `groupadd`, `useradd` and `usermod`. What cannot be made is told by these, and no failure. `nologin` is
/// the shell of those that have none.
#[must_use]
pub fn commands(part: &PartPlan<'_>, nologin: &str) -> String {
    let accounts: Vec<&Account> = described(part).collect();
    let mut lines: Vec<String> = Vec::new();
    for account in &accounts {
        match account {
            Account::Group(group) => lines.push(make_group(group)),
            Account::User(user) if user.group.is_none() => {
                lines.push(make_group(&GroupAccount { name: user.name.clone(), gid: user.uid }));
            }
            Account::User(_) => {}
            Account::Member(member) => {
                let group = GroupAccount { name: member.group.clone(), gid: None };
                lines.push(make_group(&group));
            }
        }
    }
    for account in &accounts {
        match account {
            Account::User(user) => lines.push(make_user(user, nologin)),
            Account::Member(member) if !is_described(&accounts, &member.user) => {
                let own = GroupAccount { name: member.user.clone(), gid: None };
                lines.push(make_group(&own));
                lines.push(make_user(&nameless(&member.user), nologin));
            }
            Account::Group(_) | Account::Member(_) => {}
        }
    }
    for account in &accounts {
        if let Account::Member(member) = account {
            let (group, user) = (shell_quote(&member.group), shell_quote(&member.user));
            lines.push(format!("usermod -a -G {group} {user} || :\n"));
        }
    }
    let mut unique: Vec<String> = Vec::new();
    for line in lines {
        if !unique.contains(&line) {
            unique.push(line);
        }
    }
    unique.concat()
}

fn described<'a>(part: &'a PartPlan<'_>) -> impl Iterator<Item = &'a Account> {
    let brought = part.files.iter().filter(|file| !file.attributes.is_ghost);
    brought.flat_map(|file| &file.source.accounts)
}

fn is_described(accounts: &[&Account], name: &str) -> bool {
    accounts.iter().any(|account| matches!(account, Account::User(user) if user.name == name))
}

/// A user of whom nothing but the name is known.
fn nameless(name: &str) -> UserAccount {
    UserAccount { name: name.to_owned(), uid: None, group: None, description: None, home: None, shell: None }
}

fn make_group(group: &GroupAccount) -> String {
    let name = shell_quote(&group.name);
    // With `-f`, a number that is taken is another one.
    let number = group.gid.map(|gid| format!(" -f -g {gid}")).unwrap_or_default();
    format!("getent group {name} > /dev/null || groupadd -r{number} {name} || :\n")
}

fn make_user(user: &UserAccount, nologin: &str) -> String {
    let name = shell_quote(&user.name);
    let or = |text: &Option<String>, other: &str| shell_quote(text.as_deref().unwrap_or(other));
    let group = or(&user.group, &user.name);
    let (home, shell) = (or(&user.home, "/"), or(&user.shell, nologin));
    let mut rest = format!("-g {group} -d {home} -s {shell}");
    if let Some(description) = &user.description {
        // Writing to a string cannot fail.
        let _ = write!(rest, " -c {}", shell_quote(description));
    }
    let numbered = user.uid.map(|uid| format!("useradd -r -u {uid} {rest} {name} || ")).unwrap_or_default();
    format!("getent passwd {name} > /dev/null || {numbered}useradd -r {rest} {name} || :\n")
}
