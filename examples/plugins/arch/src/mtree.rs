//! `.MTREE`, mtree(5): pacman takes the list of a package's files from it, and `pacman -Qkk` checks by it what is installed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opkg_sdk::artefacts::DigestAlgorithm;
use opkg_sdk::containers::{Built, BuiltFile, FileKind};
use opkg_sdk::model::{Account, Opkg};
use opkg_sdk::rules::digest;

use crate::container::PARENT_MODES;
use crate::hooks::TextMember;

/// The mode that nothing is said of.
const USUAL_MODE: u32 = 0o644;

/// The text. `members` are those that stand in the package besides its files.
#[must_use]
pub fn render(built: &Built, members: &[TextMember]) -> String {
    let mut text = format!("#mtree\n/set type=file uid=0 gid=0 mode={USUAL_MODE:o}\n");
    let time = built.opkg.source_date.seconds;
    for TextMember { path, text: contents, mode } in members {
        let mode = if *mode == USUAL_MODE { String::new() } else { format!(" mode={mode:o}") };
        let contents = contents.as_bytes();
        // Versions of pacman before 7 look at nothing but MD5.
        let [md5, sha256] = [DigestAlgorithm::Md5, DigestAlgorithm::Sha256].map(|it| digest(it, contents));
        let size = contents.len();
        text += &format!("./{path} time={time}.0{mode} size={size} md5digest={md5} sha256digest={sha256}\n");
    }
    let numbers = Numbers::of(&built.opkg);
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for file in &built.files {
        // What the host puts above files.
        for (end, _) in file.path.match_indices('/').skip(1) {
            let parent = &file.path[..end];
            let mode = PARENT_MODES.iter().find(|(path, _)| *path == parent).map_or(0o755, |(_, mode)| *mode);
            let line = || format!(".{} time={time}.0 mode={mode:o} type=dir\n", escape(parent));
            lines.entry(parent).or_insert_with(line);
        }
        lines.insert(&file.path, line(file, time, &numbers));
    }
    text + &lines.into_values().collect::<String>()
}

/// Numbers that the OPKG wants its users and groups to have. Of others only each machine knows, so that they count as root's.
struct Numbers<'a> {
    users: BTreeMap<&'a str, u32>,
    groups: BTreeMap<&'a str, u32>,
}

impl<'a> Numbers<'a> {
    fn of(opkg: &'a Opkg) -> Self {
        let mut numbers = Self { users: BTreeMap::new(), groups: BTreeMap::new() };
        for account in opkg.files.iter().flat_map(|file| &file.accounts) {
            match account {
                Account::User(user) => {
                    let Some(uid) = user.uid else { continue };
                    numbers.users.insert(&user.name, uid);
                    if user.group.is_none() {
                        numbers.groups.entry(&user.name).or_insert(uid);
                    }
                }
                Account::Group(group) => {
                    numbers.groups.extend(group.gid.map(|gid| (group.name.as_str(), gid)))
                }
                Account::Member(_) => {}
            }
        }
        numbers
    }
}

fn line(file: &BuiltFile, time: i64, numbers: &Numbers<'_>) -> String {
    let mut line = format!(".{} time={time}.0", escape(&file.path));
    for (keyword, number) in
        [("uid", numbers.users.get(file.owner.as_str())), ("gid", numbers.groups.get(file.group.as_str()))]
    {
        if let Some(number) = number {
            // Writing to a string cannot fail.
            let _ = write!(line, " {keyword}={number}");
        }
    }
    if file.mode != USUAL_MODE {
        let _ = write!(line, " mode={:o}", file.mode);
    }
    let _ = match &file.kind {
        FileKind::Regular((size, digests)) => {
            writeln!(line, " size={size} md5digest={} sha256digest={}", digests.md5, digests.sha256)
        }
        FileKind::Directory => writeln!(line, " type=dir"),
        FileKind::Link(to) => writeln!(line, " type=link link={}", escape(to)),
    };
    line
}

/// What means something in a line, as an octal number.
fn escape(path: &str) -> String {
    path.bytes().fold(String::new(), |mut escaped, byte| {
        match byte.is_ascii_graphic() && !b"\\#=".contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => {
                let _ = write!(escaped, "\\{byte:03o}");
            }
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_signs_are_numbers() {
        assert_eq!(escape("/a b/#c=d\\é"), "/a\\040b/\\043c\\075d\\134\\303\\251");
    }

    #[test]
    fn directories_and_links_are_told() {
        let numbers = Numbers { users: BTreeMap::from([("site", 431)]), groups: BTreeMap::new() };
        let file = |kind, mode, owner: &str| BuiltFile {
            path: "/usr/x".to_owned(),
            kind,
            mode,
            owner: owner.to_owned(),
            group: "root".to_owned(),
            is_configuration: false,
        };
        assert_eq!(
            line(&file(FileKind::Directory, 0o750, "site"), 7, &numbers),
            "./usr/x time=7.0 uid=431 mode=750 type=dir\n"
        );
        let link = FileKind::Link("../a b".to_owned());
        assert_eq!(
            line(&file(link, 0o777, "root"), 7, &numbers),
            "./usr/x time=7.0 mode=777 type=link link=../a\\040b\n"
        );
    }
}
