//! What is in an OPKG's directory: names and kinds, nothing of the contents yet.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use crate::diagnostic::{Diagnostic, Place};
use crate::findings::Findings;
use crate::limits;
use crate::text::{is_control, show};

/// One thing in the directory that can be packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the OPKG's directory, with `/`.
    pub path: String,
    pub kind: EntryKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryKind {
    File {
        is_executable: bool,
    },
    Directory,
    /// What the link holds: relative, to something inside of the OPKG that is there.
    Link(String),
}

/// Names that version control and editors leave, at any level: never packaged, and no word about it.
#[must_use]
pub fn is_dropping(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        ".git",
        ".gitignore",
        ".gitattributes",
        ".gitmodules",
        ".gitkeep",
        ".svn",
        "CVS",
        ".cvsignore",
        ".hg",
        ".hgignore",
        ".hgtags",
        ".bzr",
        ".bzrignore",
        "_darcs",
        ".jj",
        "RCS",
        "SCCS",
    ];
    // `x~`, `.x.swp`, `#x#` and `.#x` of the usual editors; `.DS_Store` of a file manager.
    NAMES.contains(&name)
        || name.ends_with('~')
        || (name.starts_with('.') && [".swp", ".swo", ".swn", ".swx"].iter().any(|end| name.ends_with(end)))
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || name.starts_with(".#")
        || name == ".DS_Store"
}

/// Everything below `root`, which is canonical, sorted by path. Directories that `enter` has nothing to say
/// for are listed, but not looked into; paths that it refuses by `skip` are as if they were not there.
pub(super) fn walk(
    root: &Path,
    skip: impl Fn(&str) -> bool,
    enter: impl Fn(&str) -> bool,
    findings: &mut Findings,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut pending = vec![(String::new(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = pending.pop() {
        let names = match names_in(&root.join(&directory), limits::ENTRIES - seen) {
            Ok(names) => names,
            Err(error) => {
                findings.push(unreadable(&directory, &error));
                continue;
            }
        };
        seen += names.len();
        for name in names {
            let path = match name.to_str() {
                Some(name) if directory.is_empty() => name.to_owned(),
                Some(name) => format!("{directory}/{name}"),
                None => {
                    findings.push(bad_name(&directory, &name.to_string_lossy(), "is not UTF-8"));
                    continue;
                }
            };
            let name = path.rsplit('/').next().unwrap_or_default();
            if is_dropping(name) || skip(&path) {
                continue;
            }
            if name.chars().any(is_control) {
                findings.push(bad_name(&directory, name, "holds a control character"));
                continue;
            }
            match kind_of(root, &path) {
                Ok(EntryKind::Directory) if !enter(&path) => {
                    entries.push(Entry { path, kind: EntryKind::Directory });
                }
                Ok(EntryKind::Directory) if depth + 1 > limits::DIRECTORY_DEPTH => findings.push(
                    Diagnostic::error(
                        "file-limit",
                        format!("more than {} directories inside of one another", limits::DIRECTORY_DEPTH),
                    )
                    .at(Place::File(path))
                    .help("this is no real OPKG; look at what made these directories"),
                ),
                Ok(EntryKind::Directory) => {
                    pending.push((path.clone(), depth + 1));
                    entries.push(Entry { path, kind: EntryKind::Directory });
                }
                Ok(kind) => entries.push(Entry { path, kind }),
                Err(finding) => findings.push(finding),
            }
        }
        if seen >= limits::ENTRIES {
            let message = format!("more than {} files", limits::ENTRIES);
            findings.push(
                Diagnostic::error("file-limit", message)
                    .help("this is no real OPKG; is this the right directory?"),
            );
            break;
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

/// The names in a directory, sorted, at most so many.
fn names_in(directory: &Path, limit: usize) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = fs::read_dir(directory)?
        .take(limit)
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn bad_name(directory: &str, name: &str, fault: &str) -> Diagnostic {
    let message = format!("the name `{}` {fault}", show(name));
    let place = if directory.is_empty() { ".".to_owned() } else { directory.to_owned() };
    Diagnostic::error("file-name", message).at(Place::File(place)).help("rename it")
}

/// The finding about something that cannot be read.
pub(super) fn unreadable(path: &str, error: &io::Error) -> Diagnostic {
    let path = if path.is_empty() { "." } else { path };
    Diagnostic::error("file-unreadable", format!("`{}` cannot be read: {}", show(path), error.kind()))
        .at(Place::File(path.to_owned()))
        .help("see to its permissions, or remove it")
}

fn kind_of(root: &Path, path: &str) -> Result<EntryKind, Diagnostic> {
    let place = || Place::File(path.to_owned());
    let metadata = fs::symlink_metadata(root.join(path)).map_err(|error| unreadable(path, &error))?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Ok(EntryKind::Directory);
    }
    if kind.is_symlink() {
        return link(root, path).map(EntryKind::Link);
    }
    if !kind.is_file() {
        let what = match kind {
            kind if kind.is_fifo() => "a named pipe",
            kind if kind.is_socket() => "a socket",
            _ => "a device",
        };
        let finding = Diagnostic::error("file-kind", format!("{what} cannot be packaged"));
        return Err(finding.at(place()).help("remove it; a script can make one where it is needed"));
    }
    let mode = metadata.permissions().mode();
    if mode & 0o6000 != 0 {
        let finding = Diagnostic::error("file-mode", "a file that runs as somebody else (setuid or setgid)");
        return Err(finding.at(place()).help("remove the bits: `chmod ug-s`"));
    }
    Ok(EntryKind::File { is_executable: mode & 0o111 != 0 })
}

/// What a symbolic link holds, if it stays inside of the OPKG all the way and something is there.
fn link(root: &Path, path: &str) -> Result<String, Diagnostic> {
    let refuse = |message: String, help: &str| {
        Err(Diagnostic::error("link", message).at(Place::File(path.to_owned())).help(help))
    };
    let held = fs::read_link(root.join(path)).map_err(|error| unreadable(path, &error))?;
    let Some(held) = held.to_str().filter(|held| !held.chars().any(is_control)) else {
        return refuse("the link holds a name that cannot be packaged".into(), "rename what it leads to");
    };
    let shown = show(held);
    if held.starts_with('/') {
        return refuse(format!("the link to `{shown}` is absolute"), "make it relative, or put a copy there");
    }
    let mut depth = path.matches('/').count();
    for component in held.split('/') {
        match component {
            "" | "." => {}
            ".." if depth == 0 => {
                return refuse(format!("the link to `{shown}` leaves the OPKG"), "put a copy there instead");
            }
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    match fs::canonicalize(root.join(path)) {
        Ok(target) if target.starts_with(root) => Ok(held.to_owned()),
        Ok(_) => refuse(format!("the link to `{shown}` leaves the OPKG"), "put a copy there instead"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse(format!("the link to `{shown}` leads nowhere"), "correct or remove it")
        }
        Err(error) => refuse(
            format!("the link to `{shown}` cannot be followed: {}", error.kind()),
            "correct or remove it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn droppings() {
        for name in [".git", ".svn", "CVS", "x~", "~", ".x.swp", "#x#", ".#x", ".DS_Store", ".gitignore"] {
            assert!(is_dropping(name), "{name}");
        }
        for name in [".hidden", ".bashrc", "git", "#", "#x", "x.swp", "x.orig", "cvs"] {
            assert!(!is_dropping(name), "{name}");
        }
    }
}
