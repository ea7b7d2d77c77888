//! What is in an OPKG's directory: names and kinds, nothing of the contents yet.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use super::layout;
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::DiagnosticSink;
use crate::limits;
use crate::source_dir::SourceDir;
use crate::text::{escape_for_display, is_unsafe_control};

/// One thing in the directory that can be packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the OPKG's directory, with `/`.
    pub path: String,
    pub kind: EntryKind,
}

impl Entry {
    pub(super) fn is_directory(&self) -> bool {
        matches!(self.kind, EntryKind::Directory { .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryKind {
    File {
        /// Bits of permissions.
        mode: u32,
    },
    Directory {
        /// Bits of permissions.
        mode: u32,
    },
    /// What the link holds: relative, to something inside of the OPKG that is there; or as it stands, where it is for the root.
    Link(String),
}

/// Names that version control and editors leave, at any level: silently ignored.
#[must_use]
pub fn is_vcs_or_editor_file(name: &str) -> bool {
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

/// Everything below `source`, sorted by path; `root` is its canonical path. Directories are only entered if `enter`
/// says so; paths for which `skip` is true are silently ignored.
pub(super) fn walk(
    source: &SourceDir,
    root: &Path,
    skip: impl Fn(&str) -> bool,
    enter: impl Fn(&str) -> bool,
    diagnostics: &mut DiagnosticSink,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut pending = vec![(String::new(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = pending.pop() {
        let names = match read_names(source, &directory, limits::MAX_DIRECTORY_ENTRIES - seen) {
            Ok(names) => names,
            Err(error) => {
                diagnostics.push(read_error(&directory, &error));
                continue;
            }
        };
        seen += names.len();
        for name in names {
            let path = match name.to_str() {
                Some(name) if directory.is_empty() => name.to_owned(),
                Some(name) => format!("{directory}/{name}"),
                None => {
                    diagnostics.push(invalid_name(&directory, &name.to_string_lossy(), "is not UTF-8"));
                    continue;
                }
            };
            let name = path.rsplit('/').next().unwrap_or_default();
            if is_vcs_or_editor_file(name) || skip(&path) {
                continue;
            }
            if name.chars().any(is_unsafe_control) {
                diagnostics.push(invalid_name(&directory, name, "holds a control character"));
                continue;
            }
            if name.len() > limits::MAX_FILE_NAME_BYTES {
                let error = format!("is longer than {} bytes", limits::MAX_FILE_NAME_BYTES);
                diagnostics.push(invalid_name(&directory, name, &error));
                continue;
            }
            match entry_kind(source, root, &path) {
                Ok(kind @ EntryKind::Directory { .. }) if !enter(&path) => {
                    entries.push(Entry { path, kind });
                }
                Ok(EntryKind::Directory { .. }) if depth + 1 > limits::MAX_DIRECTORY_DEPTH => diagnostics
                    .push(
                        Diagnostic::error(
                            "file-limit",
                            format!("more than {} levels of nested directories", limits::MAX_DIRECTORY_DEPTH),
                        )
                        .at(Location::File(path))
                        .help("this exceeds a limit of the format; check the program that generated it"),
                    ),
                Ok(kind @ EntryKind::Directory { .. }) => {
                    pending.push((path.clone(), depth + 1));
                    entries.push(Entry { path, kind });
                }
                Ok(kind) => entries.push(Entry { path, kind }),
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
        if seen >= limits::MAX_DIRECTORY_ENTRIES {
            let message = format!("more than {} files", limits::MAX_DIRECTORY_ENTRIES);
            diagnostics.push(
                Diagnostic::error("file-limit", message)
                    .help("this exceeds a limit of the format; is this the right directory?"),
            );
            break;
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

/// The names in a directory, sorted, at most so many.
fn read_names(source: &SourceDir, directory: &str, limit: usize) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = source.names(directory, limit)?;
    names.sort();
    Ok(names)
}

fn invalid_name(directory: &str, name: &str, error: &str) -> Diagnostic {
    let message = format!("the name `{}` {error}", escape_for_display(name));
    let location = if directory.is_empty() { ".".to_owned() } else { directory.to_owned() };
    Diagnostic::error("file-name", message).at(Location::File(location)).help("rename it")
}

/// The diagnostic about something that cannot be read.
pub(super) fn read_error(path: &str, error: &io::Error) -> Diagnostic {
    let path = if path.is_empty() { "." } else { path };
    Diagnostic::error(
        "file-unreadable",
        format!("`{}` cannot be read: {}", escape_for_display(path), error.kind()),
    )
    .at(Location::File(path.to_owned()))
    .help("see to its permissions, or remove it")
}

fn entry_kind(source: &SourceDir, root: &Path, path: &str) -> Result<EntryKind, Diagnostic> {
    let location = || Location::File(path.to_owned());
    let metadata = source.metadata(path).map_err(|error| read_error(path, &error))?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Ok(EntryKind::Directory { mode: metadata.permissions().mode() & 0o7777 });
    }
    if kind.is_symlink() {
        return read_link(source, root, path).map(EntryKind::Link);
    }
    if !kind.is_file() {
        let what = match kind {
            kind if kind.is_fifo() => "a named pipe",
            kind if kind.is_socket() => "a socket",
            _ => "a device",
        };
        let diagnostic = Diagnostic::error("file-kind", format!("{what} cannot be packaged"));
        return Err(diagnostic.at(location()).help("remove it; a script can make one where it is needed"));
    }
    let mode = metadata.permissions().mode();
    if mode & 0o6000 != 0 {
        let diagnostic = Diagnostic::error("file-mode", "setuid and setgid files are not allowed");
        return Err(diagnostic.at(location()).help("remove the bits: `chmod ug-s`"));
    }
    Ok(EntryKind::File { mode: mode & 0o777 })
}

/// What a symbolic link holds, if it stays inside of the OPKG all the way and something is there.
fn read_link(source: &SourceDir, root: &Path, path: &str) -> Result<String, Diagnostic> {
    let reject = |message: String, help: &str| {
        Err(Diagnostic::error("link", message).at(Location::File(path.to_owned())).help(help))
    };
    let held = source.read_link(path).map_err(|error| read_error(path, &error))?;
    let Some(held) = held.to_str().filter(|held| !held.chars().any(is_unsafe_control)) else {
        return reject("the link holds a name that cannot be packaged".into(), "rename what it leads to");
    };
    if layout::is_for_root(path) {
        return Ok(held.to_owned());
    }
    let shown = escape_for_display(held);
    if held.starts_with('/') {
        return reject(format!("the link to `{shown}` is absolute"), "make it relative, or put a copy there");
    }
    let mut depth = path.matches('/').count();
    for component in held.split('/') {
        match component {
            "" | "." => {}
            ".." if depth == 0 => {
                return reject(format!("the link to `{shown}` leaves the OPKG"), "put a copy there instead");
            }
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    match fs::canonicalize(root.join(path)) {
        Ok(target) if target.starts_with(root) => Ok(held.to_owned()),
        Ok(_) => reject(format!("the link to `{shown}` leaves the OPKG"), "put a copy there instead"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            reject(format!("the link to `{shown}` leads nowhere"), "correct or remove it")
        }
        Err(error) => reject(
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
            assert!(is_vcs_or_editor_file(name), "{name}");
        }
        for name in [".hidden", ".bashrc", "git", "#", "#x", "x.swp", "x.orig", "cvs"] {
            assert!(!is_vcs_or_editor_file(name), "{name}");
        }
    }
}
