//! Shell commands that give files what the package manager does not keep of them, and that remove ghosts: for scripts of packages.

use std::fmt::Write as _;

pub use crate::bindings::opkg::plugin::rules::Unkept;

use crate::artefacts::{Content, FileMarks, PackedFile};
use crate::text::shell_quote;

/// The bits for set-user-ID and set-group-ID, which a file loses when it gets another owner.
const SET_ID_BITS: u32 = 0o6000;

/// The mode with which a file is packed: without set-user-ID and set-group-ID where its owner or group is not root. Until the owner
/// is right, these would be rights of root's; and they go when it changes. [`attribute_commands`] give them back.
#[must_use]
pub fn packed_mode(file: &PackedFile) -> u32 {
    if is_regular(file) { mode_before_owner(file.mode, &file.owner, &file.group) } else { file.mode }
}

/// The same of a regular file.
pub(crate) fn mode_before_owner(mode: u32, owner: &str, group: &str) -> u32 {
    if is_other(owner, group) { mode & !SET_ID_BITS } else { mode }
}

/// Shell commands, each line ended, that give files after they were unpacked what the package manager does not keep; whatever that
/// is, files whose owner or group is not root get their bits for set-user-ID and set-group-ID. The modes of `files` are those of
/// the OPKG: see [`packed_mode`] for what stands in the package.
///
/// What lies in a directory comes before the directory, since its owner could put something else in its place; and no mode is given
/// to what a link leads to. Ghosts get nothing.
#[must_use]
pub fn attribute_commands(files: &[PackedFile], unkept: Unkept) -> String {
    let mut brought: Vec<&PackedFile> = files.iter().filter(|file| !is_ghost(file)).collect();
    brought.sort_by(|one, other| one.path.cmp(&other.path));
    let (directories, files): (Vec<_>, Vec<_>) =
        brought.into_iter().partition(|file| matches!(file.content, Content::Directory));
    let mut commands = String::new();
    if unkept.contains(Unkept::DIRECTORIES) {
        for directory in &directories {
            // Writing to a string cannot fail.
            let _ = writeln!(commands, "mkdir -p {}", shell_quote(&directory.path));
        }
    }
    for file in files {
        give_to_file(file, unkept, &mut commands);
    }
    for directory in directories.iter().rev() {
        give_to_directory(directory, unkept, &mut commands);
    }
    commands
}

/// Shell commands, each line ended, that remove the ghosts among the files, for after the package is removed.
#[must_use]
pub fn ghost_commands(files: &[PackedFile]) -> String {
    let ghosts = files.iter().filter(|file| is_ghost(file));
    ghosts.map(|file| format!("rm -f {}\n", shell_quote(&file.path))).collect()
}

fn give_to_file(file: &PackedFile, unkept: Unkept, commands: &mut String) {
    let path = shell_quote(&file.path);
    let has_lost_bits = packed_mode(file) != file.mode;
    // Where the package manager keeps owners, it could not where it found none of that name: then the bits are not given, either.
    let is_given = is_other(&file.owner, &file.group) && (has_lost_bits || unkept.contains(Unkept::OWNERS));
    if is_given {
        commands.push_str(&change_owner(file));
        if has_lost_bits {
            let _ = write!(commands, " && {{ {}; }}", change_mode(file));
        }
        commands.push('\n');
    }
    // Capabilities go with the old owner, too.
    let is_capable = is_given || unkept.contains(Unkept::CAPABILITIES);
    if let Some(capabilities) = file.capabilities.as_ref().filter(|_| is_capable && is_regular(file)) {
        let _ = writeln!(commands, "setcap {} {path}", shell_quote(capabilities));
    }
}

fn give_to_directory(directory: &PackedFile, unkept: Unkept, commands: &mut String) {
    let is_made = unkept.contains(Unkept::DIRECTORIES);
    if is_other(&directory.owner, &directory.group) && (is_made || unkept.contains(Unkept::OWNERS)) {
        let _ = writeln!(commands, "{}", change_owner(directory));
    }
    if is_made {
        let _ = writeln!(commands, "{}", change_mode(directory));
    }
}

fn change_owner(file: &PackedFile) -> String {
    let owner = shell_quote(&format!("{}:{}", file.owner, file.group));
    format!("chown -h {owner} {}", shell_quote(&file.path))
}

/// Whoever owns the directory from an earlier installation may have put a link there.
fn change_mode(file: &PackedFile) -> String {
    let path = shell_quote(&file.path);
    format!("[ -h {path} ] || chmod {:04o} {path}", file.mode)
}

fn is_other(owner: &str, group: &str) -> bool {
    owner != "root" || group != "root"
}

fn is_regular(file: &PackedFile) -> bool {
    matches!(file.content, Content::Source(_) | Content::Text(_) | Content::GzipText(_))
}

fn is_ghost(file: &PackedFile) -> bool {
    file.marks.contains(FileMarks::GHOST)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
