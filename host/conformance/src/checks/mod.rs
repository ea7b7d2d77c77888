//! What is looked at, by what it is about: each file has its rules, and what checks them.

pub mod archives;
mod attributes;
pub mod calls;
pub mod description;
mod files;
pub mod manager;
pub mod output;
mod parts;
mod relations;
mod scripts;
mod system;
pub mod texts;
pub mod versions;

use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::Scene;

/// All rules, in the order in which they are shown.
pub const GROUPS: [RuleGroup; 13] = [
    description::GROUP,
    output::GROUP,
    calls::GROUP,
    parts::GROUP,
    versions::GROUP,
    files::GROUP,
    attributes::GROUP,
    relations::GROUP,
    scripts::GROUP,
    system::GROUP,
    texts::GROUP,
    archives::GROUP,
    manager::GROUP,
];

/// All rules, in the same order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().flat_map(|group| group.rules)
}

/// Looks at what a plugin made of one OPKG for one target.
pub fn check_scene(scene: &Scene<'_>, ledger: &mut Ledger) {
    output::check(scene, ledger);
    parts::check(scene, ledger);
    versions::check(scene, ledger);
    files::check(scene, ledger);
    attributes::check(scene, ledger);
    relations::check(scene, ledger);
    scripts::check(scene, ledger);
    system::check(scene, ledger);
    texts::check(scene, ledger);
    archives::check(scene, ledger);
}
