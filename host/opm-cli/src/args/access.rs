//! Arguments of the commands about who may do what.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use opkg_database::access::Rights;
use opkg_engine::target_selector::TargetSelector;
use opkg_oda::TargetName;
use opkg_opm::parse_duration;

/// How nodes get credentials of their own.
#[derive(Debug, Subcommand)]
pub enum EnrollCommand {
    /// Let nodes enroll for a while: print a token, for their image
    Open(EnrollOpenArgs),
    /// List the tokens that are valid, and the nodes that have credentials
    List,
    /// Make tokens void before their time
    Close {
        /// The names that `opm enroll list` shows; all tokens without any
        #[arg(value_name = "TOKEN")]
        tokens: Vec<String>,
    },
    /// Take credentials away from nodes, and end what they are doing
    Revoke {
        /// Which ones
        #[arg(required = true, value_name = "TARGET")]
        targets: Vec<TargetSelector>,
    },
    /// On a node: turn a token into credentials of its own
    ///
    /// `opm watch` does that by itself where there is a token, and no credentials or such as the server refuses.
    Node(EnrollNodeArgs),
    /// On a node: get a new password
    Renew,
}

/// Options of `enroll open`.
#[derive(Debug, Args)]
#[command(
    after_help = "The token goes into the image as /etc/opm/enroll-token, readable by root alone; `opm watch` on a
node turns it into credentials. Whoever holds the token can be any of the nodes that have not used it yet."
)]
pub struct EnrollOpenArgs {
    /// The nodes that may
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<TargetSelector>,

    /// For how long: 30m, 1h, 7d
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub duration: Duration,

    /// A node may do so again and again: one that keeps nothing from one boot to the next
    #[arg(long)]
    pub every_boot: bool,

    /// Write the token to this file instead of standard output; its owner alone can read it
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Options of `enroll node`.
#[derive(Debug, Args)]
pub struct EnrollNodeArgs {
    /// Where the token is [default: $OPM_ENROLL_TOKEN itself, else /etc/opm/enroll-token]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,

    /// The name of this node [default: as /etc/opm.conf says, else that of the machine]
    #[arg(long, value_name = "NAME")]
    pub name: Option<TargetName>,
}

/// What people may do.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List the people with rights
    List,
    /// Give somebody who is known to the server rights, instead of those that they had
    Grant {
        /// A role of the server
        person: String,
        /// What they may do
        #[arg(value_enum)]
        rights: RightsArg,
    },
    /// Take somebody's rights away
    Revoke {
        /// A role of the server
        person: String,
    },
}

/// As the command line has rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RightsArg {
    /// Look at everything but configurations
    Viewer,
    /// Also request, remove, clear errors, hold packages, set the phase
    Operator,
    /// Everything
    Administrator,
}

impl From<RightsArg> for Rights {
    fn from(rights: RightsArg) -> Self {
        match rights {
            RightsArg::Viewer => Self::Viewer,
            RightsArg::Operator => Self::Operator,
            RightsArg::Administrator => Self::Administrator,
        }
    }
}
