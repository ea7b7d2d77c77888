//! Why no directory was written.

use std::io;
use std::path::{Path, PathBuf};

use opkg::MarkupError;

/// Why no directory was written. Whatever it is, nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The old `config.xml` cannot be read.
    #[error("`config.xml` cannot be read")]
    Unreadable(Box<MarkupError>),
    /// The directory is no OPKG in the form before OSCAR 5.
    #[error("`{}` is no OPKG in the form before OSCAR 5: it has neither a `version` with a `major` nor an `rpmlist`", .0.display())]
    NotOldFormat(PathBuf),
    /// Something is there already.
    #[error("`{}` exists already", .0.display())]
    AlreadyExists(PathBuf),
    /// The new directory would lie inside of the old one.
    #[error("`{}` lies inside of the OPKG that is to be converted", .0.display())]
    TargetInsideSource(PathBuf),
    /// No OPKG can have this name.
    #[error("`{}` cannot be the name of a package", opkg::escape_for_display(.0))]
    InvalidName(String),
    /// A device, a socket or a pipe.
    #[error("`{}` is neither a file nor a directory nor a link", .0.display())]
    SpecialFile(PathBuf),
    /// The directory is far beyond any real OPKG.
    #[error("`{}`: more than {limit}", path.display())]
    LimitExceeded {
        /// Where that was noticed.
        path: PathBuf,
        /// The limit, in words.
        limit: String,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A template cannot be filled in.
    #[error("the template of `{0}` cannot be filled in: {1}")]
    Template(String, askama::Error),
}

impl Error {
    /// For `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// What to do about it, where there is something to say.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotOldFormat(_) => {
                "name the directory of an old OPKG; `opkgc check` tells what is wrong with one of the present form"
            }
            Self::AlreadyExists(_) => "nothing is ever overwritten: name another directory with --output",
            Self::TargetInsideSource(_) => "name a directory outside of it with --output",
            Self::InvalidName(_) => {
                "a name is two or more of `a-z 0-9 + . -`, and begins with a letter or digit"
            }
            Self::SpecialFile(_) => "remove it: no OPKG can hold it",
            Self::LimitExceeded { .. } => "this is no real OPKG; is it the right directory?",
            Self::Unreadable(_) | Self::Io { .. } | Self::Template(..) => return None,
        })
    }
}
