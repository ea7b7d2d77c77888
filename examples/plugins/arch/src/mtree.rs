//! `.MTREE`, by which `pacman -Qkk` checks what is installed: mtree(5).

use std::fmt::Write as _;

use opkg_sdk::containers::{Built, BuiltFile, FileKind};

use crate::members::sha256;

/// The mode that nothing is said of.
const USUAL_MODE: u32 = 0o644;

/// The text. `members` are those that stand in the package besides its files.
///
/// Files of others than root are left out: which numbers their users and groups have, each machine decides.
#[must_use]
pub fn render(built: &Built, members: &[(&str, String)]) -> String {
    let mut text = format!("#mtree\n/set type=file uid=0 gid=0 mode={USUAL_MODE:o}\n");
    let time = built.opkg.source_date.seconds;
    for (path, contents) in members {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "./{path} time={time}.0 size={} sha256digest={}",
            contents.len(),
            sha256(contents)
        );
    }
    for file in built.files.iter().filter(|file| file.owner == "root" && file.group == "root") {
        text += &line(file, time);
    }
    text
}

fn line(file: &BuiltFile, time: i64) -> String {
    let mut line = format!(".{} time={time}.0", escape(&file.path));
    if file.mode != USUAL_MODE {
        let _ = write!(line, " mode={:o}", file.mode);
    }
    let _ = match &file.kind {
        FileKind::Regular((size, digests)) => {
            writeln!(line, " size={size} sha256digest={}", digests.sha256)
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
        let file = |kind, mode| BuiltFile {
            path: "/usr/x".to_owned(),
            kind,
            mode,
            owner: "root".to_owned(),
            group: "root".to_owned(),
            is_configuration: false,
        };
        assert_eq!(line(&file(FileKind::Directory, 0o750), 7), "./usr/x time=7.0 mode=750 type=dir\n");
        let link = FileKind::Link("../a b".to_owned());
        assert_eq!(line(&file(link, 0o777), 7), "./usr/x time=7.0 mode=777 type=link link=../a\\040b\n");
    }
}
