//! Why a database cannot do what is asked of it.

/// Why an operation failed. Nothing of it was done. A database is named by its path, or by its address without a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no database at {0}")]
    NotFound(String),
    #[error("{0} exists already")]
    AlreadyExists(String),
    #[error("{0} is not an OPM database")]
    NotADatabase(String),
    /// Written by a newer version of this program.
    #[error("the database {database} has the schema {found}, this program knows up to {supported}")]
    SchemaTooNew { database: String, found: i64, supported: i64 },
    /// Written by an older version of this program, on a server where others may still work with it.
    #[error("the database {database} has the schema {found}, this program needs {needed}")]
    SchemaTooOld { database: String, found: i64, needed: i64 },
    #[error("the database {database} is damaged: {reason}")]
    Corrupt { database: String, reason: String },
    /// Its locks or its write-ahead log do not work there.
    #[error(
        "the database {database} is on a file system of type {fs_type}, which does not lock files reliably"
    )]
    UnsafeFileSystem {
        database: String,
        /// As in `/proc/mounts`: `nfs`, `fuse.sshfs`.
        fs_type: String,
    },
    #[error("the database {database} cannot be written: {reason}")]
    ReadOnly { database: String, reason: String },
    #[error("no space left on the disk of the database {0}")]
    DiskFull(String),
    #[error("another process has kept the database {database} locked for {seconds} seconds")]
    Busy {
        database: String,
        /// How long this process waited.
        seconds: u64,
    },
    /// Its server does not answer, or the connection broke. What was being written may be there or not.
    #[error("the database {database} cannot be reached: {reason}")]
    Unreachable { database: String, reason: String },
    /// Its server does not know this user, or does not let them in.
    #[error("the database {database} refuses: {reason}")]
    Refused { database: String, reason: String },
    /// Its server knows this user, whose rights are not for that.
    #[error("the database {database} does not let this user do that: {reason}")]
    Forbidden { database: String, reason: String },
    /// The claims of this engine had run out, and another one works on its targets now.
    #[error("another engine has taken over the targets of this one in the database {0}")]
    Superseded(String),
    #[error("the database {database} failed: {reason}")]
    Other {
        database: String,
        /// The message of the database or of the operating system.
        reason: String,
    },
}
