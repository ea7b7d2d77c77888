//! Copies of a database.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `opm copy`
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The database that is copied: a file, or postgres://USER@HOST/NAME
    #[arg(value_hint = ValueHint::FilePath)]
    pub from: OsString,
    /// Where to: one that does not exist yet, or holds no targets
    #[arg(value_hint = ValueHint::FilePath)]
    pub to: OsString,
}

/// `opm backup`
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file; it must not exist yet
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// `opm restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// What `opm backup` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Though the database holds something, which is lost
    #[arg(long)]
    pub replace: bool,
}
