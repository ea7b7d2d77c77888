//! Why packages could not be written.

use std::path::PathBuf;

use opkg_interface::artefacts::RpmFormatVersion;

/// Why packages could not be written. Nothing was left in the output directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading the OPKG or writing the output; the message names the file.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// A file of the OPKG is not what it was when it was checked.
    #[error("{} changed while the package was being built", .0.display())]
    FileChanged(PathBuf),

    /// The plugin asks for a file that the OPKG does not have.
    #[error("the plugin refers to a file that the OPKG does not have (node {0})")]
    UnknownFile(u32),

    /// What the plugin returned cannot be put into the container it asked for.
    #[error("the plugin returned something that cannot be packed: {0}")]
    InvalidOutput(String),

    /// An archive of a package or an index has no place for something.
    #[error("{file}: its archive `{archive}` cannot hold {}: {reason}", name_entry(path))]
    CannotHold {
        /// The package, or the file of an index.
        file: String,
        /// As the plugin calls it.
        archive: String,
        /// Of the entry, empty where it has none.
        path: String,
        /// Why not.
        reason: String,
        /// What there is to do.
        remedy: &'static str,
    },

    /// The plugin does not say what stands in a slot of an archive.
    #[error("{package}: the plugin does not say what stands in the slot `{slot}`: {reason}")]
    NoMembers {
        /// The name of its file.
        package: String,
        /// As the plugin calls it.
        slot: String,
        /// Why not.
        reason: String,
    },

    /// The container has no room for what a package holds.
    #[error(
        "{file} would hold an archive of more than {most} bytes, and its format has no room for larger ones"
    )]
    TooLarge {
        /// The package.
        file: String,
        /// What the format has room for.
        most: u64,
    },

    /// The target's package manager cannot install packages of a format.
    #[error(
        "the target's package manager installs RPMs up to format {}, not of format {}",
        newest.number(),
        asked.number()
    )]
    UnreadableFormat {
        /// What somebody wants.
        asked: RpmFormatVersion,
        /// The newest that it reads.
        newest: RpmFormatVersion,
    },

    /// The key to sign with passed all checks and is damaged nevertheless.
    #[error("the key cannot sign: it is damaged")]
    Signing,

    /// A program of the distribution is not on this machine.
    #[error("the program `{program}` is not installed")]
    MissingProgram {
        /// As the plugin names it.
        program: String,
    },

    /// A program of the distribution failed.
    #[error("`{program}` failed ({status})")]
    ProgramFailed {
        /// As the plugin names it.
        program: String,
        /// Exit code or signal.
        status: std::process::ExitStatus,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },

    /// The distribution's programs succeeded without making what they should have.
    #[error("the native build ended without the package {0}")]
    MissingBuildResult(String),

    /// A package that was made cannot be described.
    #[error("{package} cannot be described: {reason}")]
    CannotDescribe {
        /// The name of its file.
        package: String,
        /// Why not.
        reason: String,
    },

    /// A file beside the packages cannot go into their index.
    #[error("{} cannot go into the index of packages: {reason}", file.display())]
    CannotIndex {
        /// Where it is.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The plugin that makes the index of such packages does not.
    #[error("the plugin makes no index of {}: {reason}", directory.display())]
    NoIndex {
        /// Where the packages are.
        directory: PathBuf,
        /// Why not.
        reason: String,
    },

    /// A file of an index is signed, and would become one that is not, unasked.
    #[error("{} is signed, and there is no key that the new one could be signed with", .0.display())]
    SignatureLost(PathBuf),

    /// What stands where the index belongs is of another program, and has something that would be lost.
    #[error("{} was not written by opkgc: {reason}", file.display())]
    ForeignIndex {
        /// Where it is.
        file: PathBuf,
        /// What shows that.
        reason: String,
    },

    /// Something stands where a file or a directory belongs that this program never writes.
    #[error("{} is {what}, where opkgc would write", path.display())]
    NotWrittenByUs {
        /// Where it is.
        path: PathBuf,
        /// `a symbolic link`.
        what: &'static str,
    },

    /// A directory holds more than an index is made of.
    #[error("{} holds {what}", directory.display())]
    TooMuchToIndex {
        /// Where that is.
        directory: PathBuf,
        /// `more than 10 packages`.
        what: String,
    },

    /// There are packages, but of no format that has an index.
    #[error("no file in {} is a package of a format that has an index", .0.display())]
    NothingToIndex(PathBuf),
}

/// How messages call an entry of an archive; those of a concatenation have no names.
fn name_entry(path: &str) -> String {
    if path.is_empty() { "an entry".to_owned() } else { opkg_interface::text::quote(path) }
}
