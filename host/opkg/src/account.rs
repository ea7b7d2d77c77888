//! Users and groups, as lines of sysusers.d(5) describe them.

use crate::text::{escape_for_display, is_unsafe_control};

/// What one line makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// `u`
    User(UserAccount),
    /// `g`
    Group(GroupAccount),
    /// `m`: the user is in the group; both are made where they are missing.
    Member {
        /// Name of the user.
        user: String,
        /// Name of the group.
        group: String,
    },
}

/// A user of the system. Where nothing is said of something, the distribution decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAccount {
    pub name: String,
    /// Its number, where that is free.
    pub uid: Option<u32>,
    /// Name or number of its group, which is there already; otherwise one of its own name is made.
    pub group: Option<String>,
    /// One line, without a colon.
    pub description: Option<String>,
    /// Absolute, without a colon.
    pub home: Option<String>,
    /// Absolute, without a colon.
    pub shell: Option<String>,
}

/// A group of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAccount {
    pub name: String,
    /// Its number, where that is free.
    pub gid: Option<u32>,
}

/// What systemd and useradd accept as the name of a user or group without being told to be lenient, on every distribution.
pub(crate) fn is_account_name(text: &str) -> bool {
    text.len() <= 31
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// A line of a file of sysusers.d(5) that makes nobody, although it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadableLine {
    /// From 1.
    pub number: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// What a file of sysusers.d(5) makes, in its order, and the lines that are none of it, or name nobody by a name that every
/// distribution accepts.
pub(crate) fn parse_accounts(text: &str) -> (Vec<Account>, Vec<UnreadableLine>) {
    let (mut accounts, mut unreadable) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        match parse_line(&split_words(line)) {
            Ok(account) => accounts.extend(account),
            Err(problem) => unreadable.push(UnreadableLine { number, problem }),
        }
    }
    (accounts, unreadable)
}

/// Nothing of an empty line, and of a range of numbers, which makes nobody by itself.
fn parse_line(words: &[String]) -> Result<Option<Account>, String> {
    let Some(kind) = words.first() else { return Ok(None) };
    let word = |index: usize| words.get(index).map(String::as_str).filter(|word| !matches!(*word, "-" | ""));
    let name = |index: usize, of: &str| match word(index) {
        None => Err(format!("the name of the {of} is missing")),
        Some(name) if is_account_name(name) => Ok(name.to_owned()),
        Some(name) => {
            Err(format!("not every distribution has a {of} by the name `{}`", escape_for_display(name)))
        }
    };
    match kind.trim_end_matches('!') {
        "u" => {
            let (uid, group) = match word(2).map(|id| id.split_once(':').unwrap_or((id, ""))) {
                Some((uid, group)) => (uid.parse().ok(), Some(group)),
                None => (None, None),
            };
            let is_group = |group: &&str| is_account_name(group) || group.parse::<u32>().is_ok();
            Ok(Some(Account::User(UserAccount {
                name: name(1, "user")?,
                uid,
                group: group.filter(is_group).map(str::to_owned),
                description: word(3).and_then(field),
                home: word(4).and_then(field).filter(|path| path.starts_with('/')),
                shell: word(5).and_then(field).filter(|path| path.starts_with('/')),
            })))
        }
        "g" => Ok(Some(Account::Group(GroupAccount {
            name: name(1, "group")?,
            gid: word(2).and_then(|id| id.parse().ok()),
        }))),
        "m" => Ok(Some(Account::Member { user: name(1, "user")?, group: name(2, "group")? })),
        "r" => Ok(None),
        _ => Err(format!("it begins with `{}`, and not with `u`, `g`, `m` or `r`", escape_for_display(kind))),
    }
}

/// What can stand in a field of passwd(5). Specifiers (`%m`) only systemd can resolve.
fn field(text: &str) -> Option<String> {
    let is_plain = !text.contains([':', '%']) && !text.chars().any(is_unsafe_control);
    is_plain.then(|| text.to_owned())
}

/// Words between blanks, also in quotes.
fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next().filter(|first| !(words.is_empty() && *first == '#')) {
        let quote = Some(first).filter(|first| matches!(first, '"' | '\''));
        let inner = if quote.is_some() { &rest[1..] } else { rest };
        let is_end = |c: char| quote.map_or(c.is_whitespace(), |quote| c == quote);
        let end = inner.find(is_end).unwrap_or(inner.len());
        words.push(inner[..end].to_owned());
        rest = inner[end..].trim_start_matches(|c| quote == Some(c)).trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["root", "_apt", "systemd-network", "Debian-exim", "u2"] {
            assert!(is_account_name(good), "{good}");
        }
        for bad in ["", "0", "-a", "a b", "a$", "a:b", "a.b", "ä", "%{x}", &"a".repeat(32)] {
            assert!(!is_account_name(bad), "{bad}");
        }
    }

    #[test]
    fn lines_that_make_nobody() {
        for line in ["", "# u x -", "r - 500-900"] {
            assert_eq!(parse_accounts(line), (Vec::new(), Vec::new()), "{line}");
        }
        let text = "g site\nu\nu $(id) -\nm alice\nx y\n\"u x\" -\ng -\n";
        let (accounts, unreadable) = parse_accounts(text);
        assert_eq!(accounts.len(), 1);
        let told: Vec<String> =
            unreadable.iter().map(|line| format!("{} {}", line.number, line.problem)).collect();
        assert_eq!(
            told,
            [
                "2 the name of the user is missing",
                "3 not every distribution has a user by the name `$(id)`",
                "4 the name of the group is missing",
                "5 it begins with `x`, and not with `u`, `g`, `m` or `r`",
                "6 it begins with `u x`, and not with `u`, `g`, `m` or `r`",
                "7 the name of the group is missing",
            ]
        );
    }

    #[test]
    fn everything_of_a_user() {
        let text =
            "u munge 481:daemon \"Runs 'MUNGE'\" /var/lib/munge /bin/sh\nu! locked 7 'a:b' %h relative\n";
        let user = |name: &str, uid| UserAccount {
            name: name.to_owned(),
            uid: Some(uid),
            group: None,
            description: None,
            home: None,
            shell: None,
        };
        assert_eq!(
            parse_accounts(text).0,
            [
                Account::User(UserAccount {
                    group: Some("daemon".to_owned()),
                    description: Some("Runs 'MUNGE'".to_owned()),
                    home: Some("/var/lib/munge".to_owned()),
                    shell: Some("/bin/sh".to_owned()),
                    ..user("munge", 481)
                }),
                Account::User(user("locked", 7)),
            ]
        );
    }

    #[test]
    fn groups_and_members() {
        let member = Account::Member { user: "alice".to_owned(), group: "wheel".to_owned() };
        let group = Account::Group(GroupAccount { name: "site".to_owned(), gid: Some(300) });
        assert_eq!(parse_accounts("g \"site\" 300\n  m alice wheel\n").0, [group, member]);
    }
}
