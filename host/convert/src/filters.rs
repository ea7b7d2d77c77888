//! Filters: attributes of `filter` elements, several of which are alternatives, into the groups of the new form.

use opkg::rules::check_bound;
use opkg::{arch, escape_for_display};
use roxmltree::Node as XmlNode;

use crate::distribution::{self, MappedDist};
use crate::new_config::{DistFilter, Filters};
use crate::old_config::OldConfig;

/// The attributes that a filter may have.
const GROUP: &str = "group";
const DISTRIBUTION: &str = "distribution";
const VERSION: &str = "distribution_version";
const ARCHITECTURE: &str = "architecture";

/// At most so many distributions stand in one filter of the new form; further ones get another.
const MAX_DISTS_PER_FILTER: usize = 50;

/// Which machines a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineScope {
    All,
    Server,
    Clients,
}

/// Why a filter cannot be said in the new form. Reads as the end of "a filter was not taken over".
#[derive(Debug, thiserror::Error)]
enum FilterError {
    #[error("it has an attribute `{}`, which is unknown", escape_for_display(.0))]
    UnknownAttribute(String),
    #[error("it holds elements")]
    ChildElements,
    #[error("the group `{}` is unknown", escape_for_display(.0))]
    UnknownGroup(String),
    #[error("the version `{}` {reason}", escape_for_display(.version))]
    InvalidVersion { version: String, reason: String },
    #[error("it names a version, but no distribution")]
    VersionOnly,
    #[error("`{}` cannot be a distribution", escape_for_display(.0))]
    InvalidDistribution(String),
    #[error("the architecture `{}` is unknown", escape_for_display(.0))]
    UnknownArch(String),
}

/// An element `filter` of the old form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldFilter {
    pub scope: MachineScope,
    dist: Option<DistFilter>,
    arch: Option<String>,
}

impl OldFilter {
    /// Whether it lets every distribution and architecture through.
    pub fn is_unrestricted(&self) -> bool {
        self.dist.is_none() && self.arch.is_none()
    }
}

/// The filters in an element: those that can be said in the new form, and whether there are others, which are
/// leftovers and have been reported. Nothing is placed yet.
pub(crate) fn read_filters<'a, 'i>(
    old: &mut OldConfig<'_>,
    parent: XmlNode<'a, 'i>,
) -> (Vec<(XmlNode<'a, 'i>, OldFilter)>, bool) {
    let mut alternatives = Vec::new();
    let mut is_partial = false;
    for element in old.children_named(parent, "filter") {
        match parse_filter(element) {
            Ok(alternative) => alternatives.push((element, alternative)),
            Err(error) => {
                is_partial = true;
                old.report
                    .add_needs_review(old.location(element), format!("a filter was not taken over: {error}"));
            }
        }
    }
    (alternatives, is_partial)
}

fn parse_filter(element: XmlNode<'_, '_>) -> Result<OldFilter, FilterError> {
    let value = |name| OldConfig::attribute(element, name);
    let is_known = |name| [GROUP, DISTRIBUTION, VERSION, ARCHITECTURE].contains(&name);
    if let Some(other) = element.attributes().find(|attribute| !is_known(attribute.name())) {
        return Err(FilterError::UnknownAttribute(other.name().to_owned()));
    }
    if element.children().any(|child| child.is_element()) {
        return Err(FilterError::ChildElements);
    }
    let machines = match value(GROUP).as_deref() {
        None => MachineScope::All,
        Some("oscar_server") => MachineScope::Server,
        Some("oscar_clients") => MachineScope::Clients,
        Some(other) => return Err(FilterError::UnknownGroup(other.to_owned())),
    };
    let version = value(VERSION);
    if let Some(version) = &version
        && let Err(reason) = check_bound(version)
    {
        return Err(FilterError::InvalidVersion { version: version.to_string(), reason: reason.to_string() });
    }
    let dist = match value(DISTRIBUTION) {
        None if version.is_some() => return Err(FilterError::VersionOnly),
        None => None,
        Some(id) => {
            let is_id = id.starts_with(|c: char| c.is_ascii_alphanumeric())
                && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'));
            if !is_id {
                return Err(FilterError::InvalidDistribution(id));
            }
            Some(DistFilter { id, version })
        }
    };
    let arch = match value(ARCHITECTURE) {
        None => None,
        Some(any) if any == "noarch" => None,
        Some(name) if arch::canonical_name(&name).is_some() => Some(name),
        Some(name) => return Err(FilterError::UnknownArch(name)),
    };
    Ok(OldFilter { scope: machines, dist, arch })
}

/// The same filter in present words, which has a place now.
pub(crate) fn convert_filter(
    old: &mut OldConfig<'_>,
    element: XmlNode<'_, '_>,
    alternative: &OldFilter,
) -> OldFilter {
    old.mark_element(element);
    for name in [GROUP, DISTRIBUTION, VERSION, ARCHITECTURE] {
        old.mark_attribute(element, name);
    }
    let dist = alternative.dist.as_ref().map(|dist| convert_dist(old, element, dist));
    let written = OldConfig::attribute(element, ARCHITECTURE);
    let arch = alternative.arch.as_deref().and_then(arch::canonical_name).map(str::to_owned);
    if let Some(written) = written.filter(|written| arch.as_ref() != Some(written)) {
        let became = arch.as_deref().unwrap_or("any");
        let text = format!("architecture `{}` became `{became}`", escape_for_display(&written));
        old.record_change(element, ARCHITECTURE, &written, text);
    }
    OldFilter { scope: alternative.scope, dist, arch }
}

fn convert_dist(old: &mut OldConfig<'_>, element: XmlNode<'_, '_>, dist: &DistFilter) -> DistFilter {
    let named = |dist: &DistFilter| match &dist.version {
        Some(version) => format!("`{}` `{version}`", dist.id),
        None => format!("`{}`", dist.id),
    };
    let found = distribution::map_distribution(&dist.id, dist.version.as_deref());
    let at = old.location(element);
    match &found {
        MappedDist::Supported(_) => {}
        MappedDist::Obsolete(past) => {
            let text = format!(
                "distribution {}: no plugin serves it any more; remove it, or name others",
                named(past)
            );
            old.report.add_needs_review(at, text);
        }
        MappedDist::Unknown(unknown) => {
            let text =
                format!("distribution {}: unknown; see whether a plugin answers to it", named(unknown));
            old.report.add_needs_review(at, text);
        }
    }
    let (MappedDist::Supported(new) | MappedDist::Obsolete(new) | MappedDist::Unknown(new)) = found;
    if new != *dist {
        old.report.add_changed(
            old.location(element),
            format!("distribution {} became {}", named(dist), named(&new)),
        );
        for (attribute, before, after) in [
            (DISTRIBUTION, Some(&dist.id), Some(&new.id)),
            (VERSION, dist.version.as_ref(), new.version.as_ref()),
        ] {
            if let Some(before) = before.filter(|_| before != after) {
                old.keep_original(element, attribute, before);
            }
        }
    }
    new
}

/// As few filters as say the same: one per combination where a distribution and an architecture go together.
/// One that is open makes all others needless.
pub(crate) fn merge_filters<'a>(alternatives: impl Iterator<Item = &'a OldFilter> + Clone) -> Vec<Filters> {
    if alternatives.clone().any(OldFilter::is_unrestricted) {
        return vec![Filters::default()];
    }
    let mut archs: Vec<String> = Vec::new();
    // Distributions and the architectures that each goes with; none means all.
    let mut dists: Vec<(&DistFilter, Vec<String>)> = Vec::new();
    for alternative in alternatives {
        let Some(dist) = &alternative.dist else {
            add_missing(&mut archs, alternative.arch.iter());
            continue;
        };
        match dists.iter_mut().find(|(known, _)| *known == dist) {
            None => dists.push((dist, alternative.arch.iter().cloned().collect())),
            Some((_, known)) if known.is_empty() || alternative.arch.is_none() => known.clear(),
            Some((_, known)) => add_missing(known, alternative.arch.iter()),
        }
    }
    let mut combined: Vec<Filters> = Vec::new();
    for (dist, archs) in dists {
        let like =
            |filters: &&mut Filters| filters.archs == archs && filters.dists.len() < MAX_DISTS_PER_FILTER;
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
pub(crate) fn keep_redundant(
    old: &mut OldConfig<'_>,
    placed: &[(XmlNode<'_, '_>, OldFilter)],
    combined: &[&Filters],
) {
    for (element, alternative) in placed {
        let is_said = |filters: &&Filters| {
            alternative.dist.iter().all(|dist| filters.dists.contains(dist))
                && alternative.arch.iter().all(|arch| filters.archs.contains(arch))
        };
        if !combined.iter().any(is_said) {
            let source = old.text.get(element.range()).unwrap_or_default();
            let text = "a filter is left out: another one lets through whatever it does".to_owned();
            old.record_change(*element, "filter", source, text);
        }
    }
}

fn add_missing<'a>(list: &mut Vec<String>, more: impl Iterator<Item = &'a String>) {
    for one in more {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
}
