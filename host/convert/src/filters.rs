//! Filters: attributes of `filter` elements, several of which are alternatives, into the groups of the new form.

use opkg::rules::fault_in_bound;
use opkg::{arch, show};
use roxmltree::Node as Xml;

use crate::distribution::{self, Known};
use crate::new::{Dist, Filters};
use crate::old::Old;

/// The attributes that a filter may have.
const GROUP: &str = "group";
const DISTRIBUTION: &str = "distribution";
const VERSION: &str = "distribution_version";
const ARCHITECTURE: &str = "architecture";

/// At most so many distributions stand in one filter of the new form; further ones get another.
const DISTS: usize = 50;

/// Which machines a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machines {
    All,
    Server,
    Clients,
}

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub machines: Machines,
    dist: Option<Dist>,
    arch: Option<String>,
}

impl Alternative {
    /// Whether it lets every distribution and architecture through.
    pub fn is_open(&self) -> bool {
        self.dist.is_none() && self.arch.is_none()
    }
}

/// The filters in an element: those that can be said in the new form, and whether there are others, which are
/// leftovers and have been reported. Nothing is placed yet.
pub(crate) fn read<'a, 'i>(
    old: &mut Old<'_>,
    parent: Xml<'a, 'i>,
) -> (Vec<(Xml<'a, 'i>, Alternative)>, bool) {
    let mut alternatives = Vec::new();
    let mut is_partial = false;
    for element in old.named(parent, "filter") {
        match understand(element) {
            Ok(alternative) => alternatives.push((element, alternative)),
            Err(why) => {
                is_partial = true;
                old.report.leave_open(old.at(element), format!("a filter was not taken over: {why}"));
            }
        }
    }
    (alternatives, is_partial)
}

fn understand(element: Xml<'_, '_>) -> Result<Alternative, String> {
    let value = |name| Old::attribute(element, name);
    let is_known = |name| [GROUP, DISTRIBUTION, VERSION, ARCHITECTURE].contains(&name);
    if let Some(other) = element.attributes().find(|attribute| !is_known(attribute.name())) {
        return Err(format!("it has an attribute `{}`, which is unknown", show(other.name())));
    }
    if element.children().any(|child| child.is_element()) {
        return Err("it holds elements".into());
    }
    let machines = match value(GROUP).as_deref() {
        None => Machines::All,
        Some("oscar_server") => Machines::Server,
        Some("oscar_clients") => Machines::Clients,
        Some(other) => return Err(format!("the group `{}` is unknown", show(other))),
    };
    let version = value(VERSION);
    if let Some(version) = &version
        && let Some(fault) = fault_in_bound(version)
    {
        return Err(format!("the version `{}` {fault}", show(version)));
    }
    let dist = match value(DISTRIBUTION) {
        None if version.is_some() => return Err("it names a version, but no distribution".into()),
        None => None,
        Some(id) => {
            let is_id = id.starts_with(|c: char| c.is_ascii_alphanumeric())
                && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'));
            if !is_id {
                return Err(format!("`{}` cannot be a distribution", show(&id)));
            }
            Some(Dist { id, version })
        }
    };
    let arch = match value(ARCHITECTURE) {
        None => None,
        Some(any) if any == "noarch" => None,
        Some(name) if arch::canonical(&name).is_some() => Some(name),
        Some(name) => return Err(format!("the architecture `{}` is unknown", show(&name))),
    };
    Ok(Alternative { machines, dist, arch })
}

/// The same filter in present words, which has a place now.
pub(crate) fn place(old: &mut Old<'_>, element: Xml<'_, '_>, alternative: &Alternative) -> Alternative {
    old.place(element);
    for name in [GROUP, DISTRIBUTION, VERSION, ARCHITECTURE] {
        old.place_attribute(element, name);
    }
    let dist = alternative.dist.as_ref().map(|dist| place_dist(old, element, dist));
    let written = Old::attribute(element, ARCHITECTURE);
    let arch = alternative.arch.as_deref().and_then(arch::canonical).map(str::to_owned);
    if let Some(written) = written.filter(|written| arch.as_ref() != Some(written)) {
        let became = arch.as_deref().unwrap_or("any");
        let text = format!("architecture `{}` became `{became}`", show(&written));
        old.decided(element, ARCHITECTURE, &written, text);
    }
    Alternative { machines: alternative.machines, dist, arch }
}

fn place_dist(old: &mut Old<'_>, element: Xml<'_, '_>, dist: &Dist) -> Dist {
    let named = |dist: &Dist| match &dist.version {
        Some(version) => format!("`{}` `{version}`", dist.id),
        None => format!("`{}`", dist.id),
    };
    let found = distribution::present(&dist.id, dist.version.as_deref());
    let at = old.at(element);
    match &found {
        Known::Served(_) => {}
        Known::Past(past) => {
            let text = format!(
                "distribution {}: no plugin serves it any more; remove it, or name others",
                named(past)
            );
            old.report.leave_open(at, text);
        }
        Known::Unknown(unknown) => {
            let text =
                format!("distribution {}: unknown; see whether a plugin answers to it", named(unknown));
            old.report.leave_open(at, text);
        }
    }
    let (Known::Served(new) | Known::Past(new) | Known::Unknown(new)) = found;
    if new != *dist {
        old.report.decide(old.at(element), format!("distribution {} became {}", named(dist), named(&new)));
        for (attribute, before, after) in [
            (DISTRIBUTION, Some(&dist.id), Some(&new.id)),
            (VERSION, dist.version.as_ref(), new.version.as_ref()),
        ] {
            if let Some(before) = before.filter(|_| before != after) {
                old.keep(element, attribute, before);
            }
        }
    }
    new
}

/// As few filters as say the same: one per combination where a distribution and an architecture go together.
/// One that is open makes all others needless.
pub(crate) fn combine<'a>(alternatives: impl Iterator<Item = &'a Alternative> + Clone) -> Vec<Filters> {
    if alternatives.clone().any(Alternative::is_open) {
        return vec![Filters::default()];
    }
    let mut archs: Vec<String> = Vec::new();
    // Distributions and the architectures that each goes with; none means all.
    let mut dists: Vec<(&Dist, Vec<String>)> = Vec::new();
    for alternative in alternatives {
        let Some(dist) = &alternative.dist else {
            add(&mut archs, alternative.arch.iter());
            continue;
        };
        match dists.iter_mut().find(|(known, _)| *known == dist) {
            None => dists.push((dist, alternative.arch.iter().cloned().collect())),
            Some((_, known)) if known.is_empty() || alternative.arch.is_none() => known.clear(),
            Some((_, known)) => add(known, alternative.arch.iter()),
        }
    }
    let mut combined: Vec<Filters> = Vec::new();
    for (dist, archs) in dists {
        let like = |filters: &&mut Filters| filters.archs == archs && filters.dists.len() < DISTS;
        match combined.iter_mut().find(like) {
            Some(filters) => filters.dists.push(dist.clone()),
            None => combined.push(Filters { dists: vec![dist.clone()], archs }),
        }
    }
    if !archs.is_empty() {
        combined.push(Filters { dists: Vec::new(), archs });
    }
    combined
}

/// Keeps the words of filters that say nothing, because others let through whatever they would: `combined`
/// does not have them.
pub(crate) fn keep_needless(old: &mut Old<'_>, placed: &[(Xml<'_, '_>, Alternative)], combined: &[&Filters]) {
    for (element, alternative) in placed {
        let is_said = |filters: &&Filters| {
            alternative.dist.iter().all(|dist| filters.dists.contains(dist))
                && alternative.arch.iter().all(|arch| filters.archs.contains(arch))
        };
        if !combined.iter().any(is_said) {
            let source = old.text.get(element.range()).unwrap_or_default();
            let text = "a filter is left out: another one lets through whatever it does".to_owned();
            old.decided(*element, "filter", source, text);
        }
    }
}

fn add<'a>(list: &mut Vec<String>, more: impl Iterator<Item = &'a String>) {
    for one in more {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
}
