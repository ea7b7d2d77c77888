//! Arguments of the simulation.

use clap::Args;
use opkg_oda::Share;

use crate::value_parsers::parse_at_once;

/// Options of `simulate`.
#[derive(Debug, Args)]
#[command(
    after_help = "--database names a database that holds nothing: on a server, or a file that is not there yet. What is
made in it is removed again, but with --keep.

Each engine is a thread with a connection of its own, and does what `opm run` does on a node: it claims the node,
reads what it is about, takes its steps and writes the journal. Only package managers are not real.

Exit status 1: one of the checks failed."
)]
pub struct SimulateArgs {
    /// How many nodes the cluster has
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub nodes: u32,

    /// How many packages each gets
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub packages: u32,

    /// On how many of the nodes the installation fails: 0.5%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = parse_percentage)]
    pub fail: f64,

    /// Let the nodes go in waves: on so many at once, or so many of a hundred
    #[arg(long, value_name = "N|P%", value_parser = parse_at_once)]
    pub max_at_once: Option<Share>,

    /// How many engines are at work at a time
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub engines: u32,

    /// Leave the database as it is in the end
    #[arg(long)]
    pub keep: bool,
}

/// A part of a whole: `0.5%`.
fn parse_percentage(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    let part = number.filter(|number| (0.0..=100.0).contains(number)).map(|number| number / 100.0);
    part.ok_or_else(|| "a part in percent is wanted, for example `0.5%`".to_owned())
}
