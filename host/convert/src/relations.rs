//! What the packages need, offer and exclude: `rpmlist`, and `requires`, `provides`, `conflicts` of OPKGs.

use opkg::rules::suggest_name;
use opkg::{collapse_whitespace, escape_for_display, is_relation_name};
use roxmltree::Node as XmlNode;

use crate::filters::{self, MachineScope, OldFilter};
use crate::new_config::{Filters, RelationGroup};
use crate::old_config::OldConfig;

/// The relations of an OPKG.
#[derive(Default)]
pub(crate) struct ConvertedRelations {
    pub common: Vec<RelationGroup>,
    pub server: Vec<RelationGroup>,
    pub client: Vec<RelationGroup>,
}

/// Reads all of them.
pub(crate) fn convert_relations(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> ConvertedRelations {
    let mut relations = ConvertedRelations::default();
    for kind in ["provides", "conflicts", "requires"] {
        for element in old.children_named(root, kind) {
            relations.convert_opkg_relations(old, element, kind);
        }
    }
    for list in old.children_named(root, "rpmlist") {
        relations.convert_rpmlist(old, list);
    }
    relations
}

/// The filters of the whole package; those of the old form that the new one cannot say are leftovers.
pub(crate) fn convert_filters(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> Filters {
    let parents: Vec<_> = [root].into_iter().chain(old.children_named(root, "filters")).collect();
    let (mut found, mut is_partial) = (Vec::new(), false);
    for parent in &parents {
        let (alternatives, some_missing) = filters::read_filters(old, *parent);
        found.extend(alternatives);
        is_partial |= some_missing;
    }
    let Some((first, _)) = found.first().cloned() else {
        return Filters::default();
    };
    let is_one = filters::merge_filters(found.iter().map(|(_, alternative)| alternative)).len() == 1
        && found.iter().all(|(_, alternative)| alternative.scope == MachineScope::All);
    if is_partial || !is_one {
        let text =
            "the filters of the whole package cannot be said as one `filters` element; write it yourself";
        old.report.add_needs_review(old.location(first), text);
        return Filters::default();
    }
    parents.iter().skip(1).for_each(|parent| old.mark_element(*parent));
    let placed = convert_all_filters(old, &found);
    old.report.add_converted(old.location(first), "the filters of the whole package");
    // Present words may join what old ones told apart, never the other way round.
    let combined = filters::merge_filters(placed.iter().map(|(_, alternative)| alternative));
    filters::keep_redundant(old, &placed, &combined.iter().collect::<Vec<_>>());
    combined.into_iter().next().unwrap_or_default()
}

/// The filters of an element in present words.
fn convert_all_filters<'a, 'i>(
    old: &mut OldConfig<'_>,
    found: &[(XmlNode<'a, 'i>, OldFilter)],
) -> Vec<(XmlNode<'a, 'i>, OldFilter)> {
    found
        .iter()
        .map(|(element, alternative)| (*element, filters::convert_filter(old, *element, alternative)))
        .collect()
}

impl ConvertedRelations {
    /// A list of packages for the machines that its filters let through.
    fn convert_rpmlist(&mut self, old: &mut OldConfig<'_>, list: XmlNode<'_, '_>) {
        let (mut names, mut elements) = (Vec::new(), Vec::new());
        for element in old.children_named(list, "rpm") {
            let Some(name) = OldConfig::single_line_text(element) else { continue };
            if !is_relation_name(&name) {
                let text = format!(
                    "`{}` cannot be the name of a package; say it with `pkg`",
                    escape_for_display(&name)
                );
                old.report.add_needs_review(old.location(element), text);
                continue;
            }
            elements.push(element);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (found, is_partial) = filters::read_filters(old, list);
        if names.is_empty() || (found.is_empty() && is_partial) {
            return;
        }
        old.mark_element(list);
        elements.into_iter().for_each(|element| old.mark_text(element));
        let placed = convert_all_filters(old, &found);
        let alternatives = placed.iter().map(|(_, alternative)| alternative);
        let reaching = |machines: MachineScope| -> Vec<Filters> {
            if placed.is_empty() {
                return vec![Filters::default()];
            }
            let reaches = |it: &&OldFilter| it.scope == machines || it.scope == MachineScope::All;
            filters::merge_filters(alternatives.clone().filter(reaches))
        };
        let (server, client) = (reaching(MachineScope::Server), reaching(MachineScope::Clients));
        filters::keep_redundant(old, &placed, &server.iter().chain(&client).collect::<Vec<_>>());
        warn_of_ambiguous_filters(old, list, alternatives);
        let parts = match (server.is_empty(), client.is_empty()) {
            (false, false) => "server and client require",
            (false, true) => "the server requires",
            _ => "the client requires",
        };
        old.report.add_converted(old.location(list), format!("`rpmlist`: {parts} {}", names.join(", ")));

        let mut comments = old.take_comments(list);
        for (part, groups) in [(&mut self.server, server), (&mut self.client, client)] {
            for filters in groups {
                let comments = std::mem::take(&mut comments);
                part.push(RelationGroup { kind: "requires", comments, filters, packages: names.clone() });
            }
        }
    }

    /// Relations to other OPKGs.
    fn convert_opkg_relations(
        &mut self,
        old: &mut OldConfig<'_>,
        element: XmlNode<'_, '_>,
        kind: &'static str,
    ) {
        let types = old.children_named(element, "type");
        let is_package = types
            .iter()
            .all(|it| collapse_whitespace(&OldConfig::own_text(*it)).eq_ignore_ascii_case("package"));
        let names: Vec<_> = old
            .children_named(element, "name")
            .into_iter()
            .filter_map(|it| Some((it, OldConfig::single_line_text(it)?)))
            .collect();
        if names.is_empty() || !is_package {
            let text = format!("`{kind}` names no OPKG; say it with `pkg` in the parts that it is about");
            old.report.add_needs_review(old.location(element), text);
            return;
        }
        let mut known = Vec::new();
        for (at, written) in names {
            match suggest_name(&written) {
                Some(name) => known.push((at, written, name)),
                None => {
                    let text = format!("`{}` cannot be the name of an OPKG", escape_for_display(&written));
                    old.report.add_needs_review(old.location(at), text);
                }
            }
        }
        if known.is_empty() {
            return;
        }
        old.mark_element(element);
        types.into_iter().for_each(|it| old.mark_text(it));
        let mut comments = old.take_comments(element);
        for (at, written, name) in known {
            old.mark_text(at);
            if name != written {
                old.keep_original(at, "name", &written);
            }
            let mut group = |name: String| RelationGroup {
                kind,
                comments: std::mem::take(&mut comments),
                filters: Filters::default(),
                packages: vec![name],
            };
            if kind == "provides" {
                self.common.push(group(name.clone()));
                old.record_conversion(at, kind, &written, &name);
                continue;
            }
            let (server, client) = (format!("opkg-{name}-server"), format!("opkg-{name}-client"));
            let text = format!(
                "`{kind}`: the OPKG `{}` became `{server}` for the server and `{client}` for the client",
                escape_for_display(&written)
            );
            old.report.add_changed(old.location(at), text);
            self.server.push(group(server));
            self.client.push(group(client));
        }
    }
}

/// Several filters are alternatives, which some authors did not mean.
fn warn_of_ambiguous_filters<'a>(
    old: &mut OldConfig<'_>,
    list: XmlNode<'_, '_>,
    mut alternatives: impl Iterator<Item = &'a OldFilter> + Clone,
) {
    let is_group_only = |it: &OldFilter| it.is_unrestricted() && it.scope != MachineScope::All;
    let is_restricting = |it: &OldFilter| !it.is_unrestricted() && it.scope == MachineScope::All;
    if alternatives.clone().any(is_group_only) && alternatives.any(is_restricting) {
        let text = "filters for a group stand beside filters for distributions or architectures: they were read \
                    as alternatives; see whether both together were meant";
        old.report.add_needs_review(old.location(list), text);
    }
}
