//! What can stand in a command line of `opm`: what the database knows, and the names of stages and phases.

use std::path::PathBuf;

use opkg_engine::target_selector::KEYWORDS;
use opkg_oda::{Cluster, Phase, Stage, Store, Target, TargetKind};
use opkg_shell::completion::{ValueOffer, ValueSource};
use opkg_sqlite::SqliteStore;

use crate::args::DEFAULT_DATABASE;

/// By what help calls them.
pub const VALUES: &[ValueSource] = &[
    ("PACKAGE", packages),
    ("TARGET", targets),
    ("KIND:NAME", addresses),
    ("IMAGE", images),
    ("NAMES", clients),
    ("STAGE", stages),
    ("PHASE", phases),
];

/// The database that a command would read, were it not for its own `--database`. What cannot be read offers nothing: a
/// shell has no place for errors.
fn cluster() -> Option<Cluster> {
    let path = std::env::var_os("OPM_DATABASE").map_or_else(|| DEFAULT_DATABASE.into(), PathBuf::from);
    SqliteStore::open(&path).ok()?.load_overview().ok()
}

fn packages() -> Vec<ValueOffer> {
    let known = cluster().into_iter().flat_map(|cluster| cluster.packages.into_values());
    known.map(|package| (package.name.to_string(), None)).collect()
}

fn named_targets(is_wanted: fn(&Target) -> bool, name: fn(&Target) -> String) -> Vec<ValueOffer> {
    let targets = cluster().into_iter().flat_map(|cluster| cluster.targets.into_values());
    targets.filter(is_wanted).map(|target| (name(&target), None)).collect()
}

fn addresses() -> Vec<ValueOffer> {
    named_targets(|_| true, |target| target.address.to_string())
}

fn targets() -> Vec<ValueOffer> {
    let groups = KEYWORDS.iter().map(|(word, about)| ((*word).to_owned(), Some((*about).to_owned())));
    groups.chain(addresses()).collect()
}

fn images() -> Vec<ValueOffer> {
    named_targets(|target| target.kind() == TargetKind::Image, |target| target.address.name.to_string())
}

fn clients() -> Vec<ValueOffer> {
    named_targets(|target| target.kind() == TargetKind::Client, |target| target.address.name.to_string())
}

fn stages() -> Vec<ValueOffer> {
    Stage::ALL.map(|stage| (stage.to_string(), None)).into()
}

fn phases() -> Vec<ValueOffer> {
    Phase::ALL.map(|phase| (phase.to_string(), None)).into()
}
