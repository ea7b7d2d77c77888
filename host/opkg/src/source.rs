//! The source of an OPKG: its directory, and the text of its `config.xml`.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Location};
use crate::limits;
use crate::text::escape_for_display;
use crate::tree::contents;

/// The file that makes a directory an OPKG.
pub(crate) const CONFIG_FILE: &str = "config.xml";

/// The text that diagnostics point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of `config.xml`, as the caller can open it.
    pub path: PathBuf,
    /// Decoded. A byte that could not be decoded is U+FFFD.
    pub text: String,
}

/// The canonical path of the directory.
pub(crate) fn canonical_directory(dir: &Path) -> Result<PathBuf, Diagnostic> {
    let reject = |why: String| {
        let message = format!("`{}` {why}", escape_for_display(&dir.to_string_lossy()));
        Err(Diagnostic::error("directory", message)
            .help("name the directory of an OPKG: the one that holds `config.xml`"))
    };
    match std::fs::canonicalize(dir) {
        Ok(root) if root.is_dir() => Ok(root),
        Ok(_) => reject("is not a directory".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => reject("does not exist".into()),
        Err(error) => reject(format!("cannot be opened: {}", error.kind())),
    }
}

/// The bytes of `config.xml`.
pub(crate) fn read_config(root: &Path) -> Result<Vec<u8>, Diagnostic> {
    let location = || Location::File(CONFIG_FILE.into());
    let path = std::fs::canonicalize(root.join(CONFIG_FILE)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Diagnostic::error("config-missing", "there is no `config.xml`")
            .at(location())
            .help("is this the directory of an OPKG? `opkgc new` makes one"),
        kind => Diagnostic::error("config-unreadable", format!("`config.xml` cannot be opened: {kind}"))
            .at(location())
            .help("see to the permissions of the file and its directory"),
    })?;
    if !path.starts_with(root) {
        return Err(Diagnostic::error("link", "`config.xml` is a link that leaves the OPKG")
            .at(location())
            .help("put the file itself there"));
    }
    match contents::open(&path).and_then(|file| contents::read_limited(file, limits::MAX_CONFIG_BYTES)) {
        Ok((bytes, false)) => Ok(bytes),
        Ok((_, true)) => {
            let message = format!("`config.xml` is larger than {} MiB", limits::MAX_CONFIG_BYTES >> 20);
            let diagnostic = Diagnostic::error("config-too-large", message);
            Err(diagnostic
                .at(location())
                .help("this exceeds a limit of the format; check the program that generated it"))
        }
        Err(error) => {
            let diagnostic =
                Diagnostic::error("config-unreadable", format!("`config.xml` cannot be read: {error}"));
            Err(diagnostic.at(location()).help("it must be a regular file that you may read"))
        }
    }
}
