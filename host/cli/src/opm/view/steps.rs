//! What an engine does, in words.

use opkg_oda::{Cluster, TargetId};
use opkg_opm::machine::Work;
use opkg_opm::words;

/// A piece of work in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where.
    pub targets: Vec<TargetId>,
    /// The stage that it belongs to; where packages leave, the one that they come down to.
    pub stage: Option<&'static str>,
    /// `install ganglia, munge`
    pub what: String,
}

/// What a piece of work does.
#[must_use]
pub fn told(cluster: &Cluster, work: &Work) -> Told {
    let mut targets: Vec<TargetId> = work.rows().iter().map(|it| it.target).collect();
    targets.dedup();
    let packages = |ids| words::packages(cluster, ids);
    let name = |id| words::name(cluster, id);
    let (stage, what) = match work {
        Work::Mark { stage, rows } => {
            let mut all: Vec<_> = rows.iter().map(|it| it.package).collect();
            all.sort_unstable();
            all.dedup();
            (Some(*stage), format!("mark {}", packages(&all)))
        }
        Work::Confirm { packages: ids, .. } => (None, format!("look for {}", packages(ids))),
        Work::Install { stage, packages: ids, .. } => (Some(*stage), format!("install {}", packages(ids))),
        Work::Hook { key, stage, hook, image } => {
            let image =
                image.map_or_else(String::new, |it| format!(" for {}", words::target_names(cluster, &[it])));
            (Some(*stage), format!("{} of {}{image}", hook.name(), name(key.package)))
        }
        Work::Configure { key } => {
            (Some(opkg_oda::Stage::RunConfigurator), format!("configure {}", name(key.package)))
        }
        Work::Remove { key, to } => (Some(*to), format!("remove {}", name(key.package))),
    };
    Told { targets, stage: stage.map(words::stage), what }
}
