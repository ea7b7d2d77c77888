//! What the packages need, offer and exclude: `rpmlist`, and `requires`, `provides`, `conflicts` of OPKGs.

use opkg::rules::proposed_name;
use opkg::{fold, is_relation_name, show};
use roxmltree::Node as Xml;

use crate::filters::{self, Alternative, Machines};
use crate::new::{Filters, Group};
use crate::old::Old;

/// The relations of an OPKG.
#[derive(Default)]
pub(crate) struct Relations {
    pub whole: Vec<Group>,
    pub server: Vec<Group>,
    pub client: Vec<Group>,
}

/// Reads all of them.
pub(crate) fn read(old: &mut Old<'_>, root: Xml<'_, '_>) -> Relations {
    let mut relations = Relations::default();
    for kind in ["provides", "conflicts", "requires"] {
        for element in old.named(root, kind) {
            relations.read_opkgs(old, element, kind);
        }
    }
    for list in old.named(root, "rpmlist") {
        relations.read_list(old, list);
    }
    relations
}

/// The filters of the whole package; those of the old form that the new one cannot say are leftovers.
pub(crate) fn read_filters(old: &mut Old<'_>, root: Xml<'_, '_>) -> Filters {
    let parents: Vec<_> = [root].into_iter().chain(old.named(root, "filters")).collect();
    let (mut found, mut is_partial) = (Vec::new(), false);
    for parent in &parents {
        let (alternatives, some_missing) = filters::read(old, *parent);
        found.extend(alternatives);
        is_partial |= some_missing;
    }
    let Some((first, _)) = found.first().cloned() else {
        return Filters::default();
    };
    let is_one = filters::combine(found.iter().map(|(_, alternative)| alternative)).len() == 1
        && found.iter().all(|(_, alternative)| alternative.machines == Machines::All);
    if is_partial || !is_one {
        let text =
            "the filters of the whole package cannot be said as one `filters` element; write it yourself";
        old.report.leave_open(old.at(first), text);
        return Filters::default();
    }
    parents.iter().skip(1).for_each(|parent| old.place(*parent));
    let placed = place_all(old, &found);
    old.report.take(old.at(first), "the filters of the whole package");
    // Present words may join what old ones told apart, never the other way round.
    let combined = filters::combine(placed.iter().map(|(_, alternative)| alternative));
    filters::keep_needless(old, &placed, &combined.iter().collect::<Vec<_>>());
    combined.into_iter().next().unwrap_or_default()
}

/// The filters of an element in present words.
fn place_all<'a, 'i>(
    old: &mut Old<'_>,
    found: &[(Xml<'a, 'i>, Alternative)],
) -> Vec<(Xml<'a, 'i>, Alternative)> {
    found
        .iter()
        .map(|(element, alternative)| (*element, filters::place(old, *element, alternative)))
        .collect()
}

impl Relations {
    /// A list of packages for the machines that its filters let through.
    fn read_list(&mut self, old: &mut Old<'_>, list: Xml<'_, '_>) {
        let (mut names, mut elements) = (Vec::new(), Vec::new());
        for element in old.named(list, "rpm") {
            let Some(name) = Old::line_of(element) else { continue };
            if !is_relation_name(&name) {
                let text = format!("`{}` cannot be the name of a package; say it with `pkg`", show(&name));
                old.report.leave_open(old.at(element), text);
                continue;
            }
            elements.push(element);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (found, is_partial) = filters::read(old, list);
        if names.is_empty() || (found.is_empty() && is_partial) {
            return;
        }
        old.place(list);
        elements.into_iter().for_each(|element| old.place_text(element));
        let placed = place_all(old, &found);
        let alternatives = placed.iter().map(|(_, alternative)| alternative);
        let reaching = |machines: Machines| -> Vec<Filters> {
            if placed.is_empty() {
                return vec![Filters::default()];
            }
            let reaches = |it: &&Alternative| it.machines == machines || it.machines == Machines::All;
            filters::combine(alternatives.clone().filter(reaches))
        };
        let (server, client) = (reaching(Machines::Server), reaching(Machines::Clients));
        filters::keep_needless(old, &placed, &server.iter().chain(&client).collect::<Vec<_>>());
        warn_of_open_filters(old, list, alternatives);
        let parts = match (server.is_empty(), client.is_empty()) {
            (false, false) => "server and client require",
            (false, true) => "the server requires",
            _ => "the client requires",
        };
        old.report.take(old.at(list), format!("`rpmlist`: {parts} {}", names.join(", ")));

        let mut comments = old.place_comments(list);
        for (part, groups) in [(&mut self.server, server), (&mut self.client, client)] {
            for filters in groups {
                let comments = std::mem::take(&mut comments);
                part.push(Group { kind: "requires", comments, filters, packages: names.clone() });
            }
        }
    }

    /// Relations to other OPKGs.
    fn read_opkgs(&mut self, old: &mut Old<'_>, element: Xml<'_, '_>, kind: &'static str) {
        let types = old.named(element, "type");
        let is_package = types.iter().all(|it| fold(&Old::raw(*it)).eq_ignore_ascii_case("package"));
        let names: Vec<_> =
            old.named(element, "name").into_iter().filter_map(|it| Some((it, Old::line_of(it)?))).collect();
        if names.is_empty() || !is_package {
            let text = format!("`{kind}` names no OPKG; say it with `pkg` in the parts that it is about");
            old.report.leave_open(old.at(element), text);
            return;
        }
        let mut known = Vec::new();
        for (at, written) in names {
            match proposed_name(&written) {
                Some(name) => known.push((at, written, name)),
                None => {
                    let text = format!("`{}` cannot be the name of an OPKG", show(&written));
                    old.report.leave_open(old.at(at), text);
                }
            }
        }
        if known.is_empty() {
            return;
        }
        old.place(element);
        types.into_iter().for_each(|it| old.place_text(it));
        let mut comments = old.place_comments(element);
        for (at, written, name) in known {
            old.place_text(at);
            if name != written {
                old.keep(at, "name", &written);
            }
            let mut group = |name: String| Group {
                kind,
                comments: std::mem::take(&mut comments),
                filters: Filters::default(),
                packages: vec![name],
            };
            if kind == "provides" {
                self.whole.push(group(name.clone()));
                old.became(at, kind, &written, &name);
                continue;
            }
            let (server, client) = (format!("opkg-{name}-server"), format!("opkg-{name}-client"));
            let text = format!(
                "`{kind}`: the OPKG `{}` became `{server}` for the server and `{client}` for the client",
                show(&written)
            );
            old.report.decide(old.at(at), text);
            self.server.push(group(server));
            self.client.push(group(client));
        }
    }
}

/// Several filters are alternatives, which some authors did not mean.
fn warn_of_open_filters<'a>(
    old: &mut Old<'_>,
    list: Xml<'_, '_>,
    mut alternatives: impl Iterator<Item = &'a Alternative> + Clone,
) {
    let is_group_only = |it: &Alternative| it.is_open() && it.machines != Machines::All;
    let is_restricting = |it: &Alternative| !it.is_open() && it.machines == Machines::All;
    if alternatives.clone().any(is_group_only) && alternatives.any(is_restricting) {
        let text = "filters for a group stand beside filters for distributions or architectures: they were read \
                    as alternatives; see whether both together were meant";
        old.report.leave_open(old.at(list), text);
    }
}
