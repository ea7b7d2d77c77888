//! The options that are about payloads.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Where sources of payloads are.
#[derive(Debug, Args, Default)]
pub struct PayloadDirArgs {
    /// Look for sources of payloads in this directory as well; may be given several times
    ///
    /// What `opkgc payload fetch --to DIR` writes there, and files that are called as at the end of their addresses. Only
    /// those count that are what payload.lock says. The OPKG itself is asked before, and the cache of the user after it.
    #[arg(
        long = "payload-dir",
        value_name = "DIR",
        env = "OPKG_PAYLOAD_DIR",
        hide_env_values = true,
        value_hint = ValueHint::DirPath
    )]
    pub payload_directories: Vec<PathBuf>,
}

/// What to do with payloads.
#[derive(Debug, Subcommand)]
pub enum PayloadCommand {
    /// Write payload.lock: what the sources of payloads are, with size and SHA-256
    ///
    /// What is in it already stays; what is new is fetched. Builds take nothing else than what is noted there.
    Lock(PayloadLockArgs),
    /// Bring what payload.lock names to where builds look for it
    ///
    /// Builds never ask a server. What is there already is not fetched again, and what is no longer what it was when it was
    /// locked is an error.
    Fetch(PayloadFetchArgs),
}

/// Options of `payload lock`.
#[derive(Debug, Args)]
pub struct PayloadLockArgs {
    /// Directories of OPKGs
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// Look at all sources anew, and note those that have changed
    #[arg(long)]
    pub update: bool,
}

/// Options of `payload fetch`.
#[derive(Debug, Args)]
pub struct PayloadFetchArgs {
    /// Directories of OPKGs
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// Put the sources into `payloads/` of the OPKG, so that it needs nothing else
    #[arg(long, conflicts_with = "to")]
    pub vendor: bool,

    /// Put them into this directory, for builds with --payload-dir [default: the cache of the user]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: Option<PathBuf>,

    /// Where they may be already.
    #[command(flatten)]
    pub payload_dir: PayloadDirArgs,
}
