//! The units of systemd that a part brings, and which of them scripts of packages enable, start and stop.

use crate::parts::PartPlan;
use crate::text::shell_quote;

/// Units that can be started again without harm to what uses them.
const RESTARTED: [&str; 4] = ["service", "socket", "timer", "path"];
/// Units by which another of the same name is started.
const ACTIVATORS: [&str; 3] = ["socket", "timer", "path"];

/// A unit of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartUnit<'a> {
    /// `site.service`
    pub name: &'a str,
    /// Whether it stands for others: `site@.service`.
    pub is_template: bool,
    /// Whether it can be enabled.
    pub is_installable: bool,
    /// Whether it is started by itself when it is installed: it can be enabled, or nothing else of the part starts it.
    pub is_started: bool,
    /// Whether it is started again for a newer version of it; a mounted file system, say, stays.
    pub is_restarted: bool,
}

/// All units of a part, by their names.
#[must_use]
pub fn of_part<'a>(part: &'a PartPlan<'_>) -> Vec<PartUnit<'a>> {
    let named: Vec<_> = part
        .files
        .iter()
        .filter(|file| !file.attributes.is_ghost)
        .filter_map(|file| Some((file.path.rsplit('/').next()?, file.source.unit?)))
        .collect();
    let units = named.iter().filter_map(|(name, unit)| {
        let (stem, kind) = name.rsplit_once('.')?;
        let is_activator = |other: &str| {
            other.rsplit_once('.').is_some_and(|(its, kind)| its == stem && ACTIVATORS.contains(&kind))
        };
        let is_activated = named.iter().any(|(other, _)| other != name && is_activator(other));
        Some(PartUnit {
            name,
            is_template: unit.template,
            is_installable: unit.installable,
            is_started: !unit.template && (unit.installable || !is_activated),
            is_restarted: RESTARTED.contains(&kind),
        })
    });
    units.collect()
}

/// Names of units that a condition holds for, as words of a shell with a blank before each; empty where there are none.
#[must_use]
pub fn words<'a>(units: &[PartUnit<'a>], holds: impl Fn(&PartUnit<'a>) -> bool) -> String {
    units.iter().filter(|unit| holds(unit)).map(|unit| format!(" {}", shell_quote(unit.name))).collect()
}

/// The same, as patterns of what may be running: of a template all its instances.
#[must_use]
pub fn running_words<'a>(units: &[PartUnit<'a>], holds: impl Fn(&PartUnit<'a>) -> bool) -> String {
    let pattern = |unit: &PartUnit<'a>| match unit.is_template {
        true => format!(" {}", shell_quote(&unit.name.replacen('@', "@*", 1))),
        false => format!(" {}", shell_quote(unit.name)),
    };
    units.iter().filter(|unit| holds(unit)).map(pattern).collect()
}
