//! The units of systemd that a part brings, and which of them scripts of packages enable, start and stop.

use crate::model::EnableKind;
use crate::parts::PartPlan;
use crate::service_rules::template;
use crate::text::shell_quote;

/// Units that can be started again without harm to what uses them: a mounted file system, say, cannot.
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
    /// Whether the OPKG names it as one that a template of the part stands for: `site@one.service`.
    pub is_instance: bool,
    /// Whether it can be enabled.
    pub is_installable: bool,
    /// What the OPKG says of enabling it, if anything. Of no template.
    pub enable: Option<EnableKind>,
    /// Likewise of starting it.
    pub start: Option<bool>,
    /// Whether it is started by itself where nothing is said: it can be enabled, or nothing else of the part starts it.
    pub is_started: bool,
    /// What the OPKG says of starting it again for a newer version of it.
    pub restart: Option<bool>,
}

impl PartUnit<'_> {
    /// Whether it is started again for a newer version of it: as the OPKG says, or where that is no harm to what uses it.
    #[must_use]
    pub fn is_restarted(&self) -> bool {
        let kind = self.name.rsplit('.').next().unwrap_or_default();
        self.restart.unwrap_or_else(|| RESTARTED.contains(&kind))
    }
}

/// All units of a part, by their names, then the instances that the OPKG names, in its order.
#[must_use]
pub fn of_part<'a>(part: &'a PartPlan<'_>) -> Vec<PartUnit<'a>> {
    let named: Vec<_> = part
        .files
        .iter()
        .filter(|file| !file.attributes.is_ghost)
        .filter_map(|file| Some((file.path.rsplit('/').next()?, file.source.unit?)))
        .collect();
    let units = named.iter().filter_map(|(name, unit)| {
        let (stem, _) = name.rsplit_once('.')?;
        let is_activator = |other: &str| {
            other.rsplit_once('.').is_some_and(|(its, kind)| its == stem && ACTIVATORS.contains(&kind))
        };
        let is_activated = named.iter().any(|(other, _)| other != name && is_activator(other));
        let mut unit = PartUnit {
            name,
            is_template: unit.template,
            is_instance: false,
            is_installable: unit.installable,
            enable: None,
            start: None,
            is_started: !unit.template && (unit.installable || !is_activated),
            restart: None,
        };
        apply_rules(&mut unit, part);
        Some(unit)
    });
    let mut units: Vec<PartUnit<'a>> = units.collect();
    for rule in &part.service_rules {
        if units.iter().any(|unit| unit.name == rule.name) {
            continue;
        }
        let template = template(&rule.name);
        let Some(template) = units.iter().find(|unit| Some(unit.name) == template.as_deref()) else {
            continue;
        };
        let mut unit = PartUnit {
            name: &rule.name,
            is_template: false,
            is_instance: true,
            is_started: true,
            ..*template
        };
        apply_rules(&mut unit, part);
        units.push(unit);
    }
    units
}

fn apply_rules(unit: &mut PartUnit<'_>, part: &PartPlan<'_>) {
    for rule in part.service_rules.iter().filter(|rule| rule.name == unit.name) {
        unit.enable = rule.enable.or(unit.enable);
        unit.start = rule.start.or(unit.start);
        unit.restart = rule.restart_on_upgrade.or(unit.restart);
    }
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
    // An instance runs as one of its template.
    units.iter().filter(|unit| !unit.is_instance && holds(unit)).map(pattern).collect()
}
