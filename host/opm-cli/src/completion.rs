//! What can stand in a command line of `opm`: what the database knows, and the names of stages and phases.

use std::path::PathBuf;

use opkg_database::Location;
use opkg_engine::target_selector::KEYWORDS;
use opkg_oda::{Cluster, Phase, Stage, Target, TargetKind};
use opkg_shell::completion::{ValueOffer, ValueSource};

use crate::args::DEFAULT_SETTINGS_DIR;
use crate::session::{configured_database, load_groups};

/// By what help calls them.
pub const VALUES: &[ValueSource] = &[
    ("PACKAGE", packages),
    ("TARGET", targets),
    ("KIND:NAME", addresses),
    ("IMAGE", images),
    ("NAMES", clients),
    ("GROUP", groups),
    ("STAGE", stages),
    ("PHASE", phases),
];

/// The database that a command would read, were it not for its own `--database`. What cannot be read offers nothing: a
/// shell has no place for errors.
fn cluster() -> Option<Cluster> {
    let named = std::env::var_os("OPM_DATABASE");
    let location = match named {
        Some(named) => Location::parse(&named).ok()?,
        None => configured_database(&settings_dir()).ok()?,
    };
    location.open_read_only().ok()?.load_overview().ok()
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
    let words = KEYWORDS.iter().map(|(word, about)| ((*word).to_owned(), Some((*about).to_owned())));
    words.chain(addresses()).chain(groups()).collect()
}

fn groups() -> Vec<ValueOffer> {
    let labels = load_groups(&settings_dir()).map(|catalog| catalog.labels()).unwrap_or_default();
    labels.into_iter().map(|label| (label, None)).collect()
}

fn settings_dir() -> PathBuf {
    std::env::var_os("OPM_SETTINGS").map_or_else(|| DEFAULT_SETTINGS_DIR.into(), PathBuf::from)
}

fn images() -> Vec<ValueOffer> {
    named_targets(|target| target.kind() == TargetKind::Image, |target| target.address.name.to_string())
}

fn clients() -> Vec<ValueOffer> {
    let is_client = |target: &Target| target.kind() == TargetKind::Client;
    let mut offers = named_targets(is_client, |target| target.address.name.to_string());
    offers.extend(groups());
    offers
}

fn stages() -> Vec<ValueOffer> {
    Stage::ALL.map(|stage| (stage.to_string(), None)).into()
}

fn phases() -> Vec<ValueOffer> {
    Phase::ALL.map(|phase| (phase.to_string(), None)).into()
}
