//! Files that a hook may read and write.

use std::fmt;

use crate::bindings::runner::opkg::plugin::files as host;
pub use host::{Problem, Root};

/// A directory that hooks are given. Paths below it are relative, without `.` and `..`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GrantedDir(Root);

/// The home of the package.
pub const HOME: GrantedDir = GrantedDir(Root::Home);

/// The root directory of the image that the hook is about.
pub const IMAGE: GrantedDir = GrantedDir(Root::Image);

/// What went wrong with a file. Reads as a whole sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct FileError {
    /// Which of the granted directories.
    pub directory: GrantedDir,
    /// As it was given.
    pub path: String,
    /// What went wrong.
    pub kind: Problem,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the {}", self.path, self.directory)?;
        match &self.kind {
            Problem::NotGranted => f.write_str(" is not for this hook: it was not given that directory"),
            Problem::NotFound => f.write_str(" does not exist"),
            Problem::Escapes => f.write_str(" leads out of it"),
            Problem::TooLarge => f.write_str(" is larger than hooks may handle"),
            Problem::Denied(reason) => write!(f, " is not for hooks: {reason}"),
            Problem::Other(reason) => write!(f, ": {reason}"),
        }
    }
}

impl std::error::Error for FileError {}

impl fmt::Display for GrantedDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Root::Home => "home",
            Root::Image => "image",
        })
    }
}

impl GrantedDir {
    /// The contents of a file.
    ///
    /// # Errors
    /// See [`Problem`].
    pub fn read(self, path: &str) -> Result<Vec<u8>, FileError> {
        self.with_path(path, host::read(self.0, path))
    }

    /// The contents of a file that is a text.
    ///
    /// # Errors
    /// See [`Problem`]; it is no UTF-8.
    pub fn read_text(self, path: &str) -> Result<String, FileError> {
        let text = String::from_utf8(self.read(path)?);
        self.with_path(path, text.map_err(|_| Problem::Other("not a text in UTF-8".to_owned())))
    }

    /// Makes or replaces a file that everybody may read, and the directories above it.
    ///
    /// # Errors
    /// See [`Problem`]. Then everything is as it was.
    pub fn write(self, path: &str, contents: impl AsRef<[u8]>) -> Result<(), FileError> {
        self.write_with_mode(path, contents, 0o644)
    }

    /// As [`GrantedDir::write`], with the permissions `mode`.
    ///
    /// # Errors
    /// See [`Problem`]. Then everything is as it was.
    pub fn write_with_mode(self, path: &str, contents: impl AsRef<[u8]>, mode: u32) -> Result<(), FileError> {
        self.with_path(path, host::write(self.0, path, contents.as_ref(), mode))
    }

    /// Removes a file; it is not an error if there is none.
    ///
    /// # Errors
    /// See [`Problem`].
    pub fn remove(self, path: &str) -> Result<(), FileError> {
        match host::remove(self.0, path) {
            Err(Problem::NotFound) => Ok(()),
            result => self.with_path(path, result),
        }
    }

    /// Names in a directory, in order; those of directories end with a slash. The root itself is an empty path.
    ///
    /// # Errors
    /// See [`Problem`].
    pub fn list_dir(self, path: &str) -> Result<Vec<String>, FileError> {
        self.with_path(path, host::entries(self.0, path))
    }

    fn with_path<R>(self, path: &str, result: Result<R, Problem>) -> Result<R, FileError> {
        result.map_err(|problem| FileError { directory: self, path: path.to_owned(), kind: problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_whole_sentences() {
        let shown = |problem| HOME.with_path::<()>("a/b", Err(problem)).map_err(|error| error.to_string());
        assert_eq!(shown(Problem::Escapes), Err("a/b in the home leads out of it".to_owned()));
        let denied = Problem::Denied("it is a device".to_owned());
        assert_eq!(shown(denied), Err("a/b in the home is not for hooks: it is a device".to_owned()));
    }
}
