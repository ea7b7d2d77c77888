//! Arguments about requests that go out in waves.

use clap::{Args, Subcommand};
use opkg_oda::{RolloutId, Share};

use crate::value_parsers::{parse_at_once, parse_rollout};

/// Options of what goes out in waves, where they are given.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct WaveArgs {
    /// Go out in waves: on so many targets at once, or so many of a hundred of those that it is for
    ///
    /// The others are held, and let go as these arrive; `opm rollout list` shows how far it has come. The head node is in no
    /// wave. Who is offline or in maintenance is let go when they are back.
    #[arg(long, value_name = "N|P%", value_parser = parse_at_once)]
    pub max_at_once: Option<Share>,

    /// Let no further target go when more have failed, or more of a hundred of those that were let go [default: 0]
    #[arg(long, value_name = "N|P%", requires = "max_at_once")]
    pub max_fail: Option<Share>,
}

/// What to do with requests that go out in waves.
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// List those that are not over, and how far they have come
    List,
    /// Let no further target go; those that were let go are not called back
    Stop {
        /// Which one, as `opm rollout list` numbers them
        #[arg(value_name = "ROLLOUT", value_parser = parse_rollout)]
        rollout: RolloutId,
    },
    /// Let one go on that has stopped
    ///
    /// What failed so far counts no longer; `opm clear` has it tried again.
    Resume {
        /// Which one, as `opm rollout list` numbers them
        #[arg(value_name = "ROLLOUT", value_parser = parse_rollout)]
        rollout: RolloutId,

        /// On so many targets at once from now on, or so many of a hundred of all of them
        #[arg(long, value_name = "N|P%", value_parser = parse_at_once)]
        max_at_once: Option<Share>,

        /// So many may fail from now on, or so many of a hundred of those that were let go
        #[arg(long, value_name = "N|P%")]
        max_fail: Option<Share>,
    },
    /// End one: targets that are held stay as they are
    ///
    /// What was requested there and not begun is requested no longer. Targets that were let go keep their requests.
    Cancel {
        /// Which one, as `opm rollout list` numbers them
        #[arg(value_name = "ROLLOUT", value_parser = parse_rollout)]
        rollout: RolloutId,
    },
}
