//! What the packages need, offer and exclude.

use std::collections::HashMap;

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use super::{contradictions, filters, related};
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_RELATIONS;
use crate::model::{Bound, Filter, NodeId, Part, RelatedName, Relation, RelationKind, Scope};
use crate::settings::AutomaticRelations;

/// Elements that hold the relations of one part.
const DEPENDENCY_ELEMENTS: [(&str, Scope); 4] = [
    ("serverDeps", Scope::Part(Part::Server)),
    ("clientDeps", Scope::Part(Part::Client)),
    ("commonDeps", Scope::Common),
    ("apiDeps", Scope::Part(Part::Api)),
];

/// Groups by the names of their elements, those of today's packages first.
const KINDS: [(&str, RelationKind); 11] = [
    ("requires", RelationKind::Requires),
    ("provides", RelationKind::Provides),
    ("conflicts", RelationKind::Conflicts),
    ("suggests", RelationKind::Suggests),
    ("preRequires", RelationKind::PreRequires),
    ("recommends", RelationKind::Recommends),
    ("supplements", RelationKind::Supplements),
    ("enhances", RelationKind::Enhances),
    ("breaks", RelationKind::Breaks),
    ("obsoletes", RelationKind::Obsoletes),
    // What Debian's packagers call it.
    ("replaces", RelationKind::Obsoletes),
];

/// Those that may stand right below the root.
pub(super) const ROOT_GROUPS: [&str; 3] = ["provides", "conflicts", "requires"];

/// All relations of an OPKG in the order of the file, without duplicates.
pub(super) fn read_relations(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<Relation> {
    let mut relations = RelationCollector::default();
    for (name, _) in DEPENDENCY_ELEMENTS {
        // Only for its diagnostic: relations of two would have to be merged by somebody who knows why.
        reader.single_child(root, name);
    }
    for element in reader.child_elements(root) {
        let name = element.tag_name().name();
        if let Some(kind) = parse_kind(name).filter(|_| ROOT_GROUPS.contains(&name)) {
            relations.read_group(reader, element, Scope::Whole, kind);
        } else if let Some((_, scope)) = DEPENDENCY_ELEMENTS.iter().find(|(part, _)| *part == name) {
            reader.check_container(element, &KINDS.map(|(name, _)| name), &[]);
            for group in reader.child_elements(element) {
                if let Some(kind) = parse_kind(group.tag_name().name()) {
                    relations.read_group(reader, group, *scope, kind);
                }
            }
        }
    }
    contradictions::check(reader, &relations.list);
    relations.list
}

fn parse_kind(name: &str) -> Option<RelationKind> {
    KINDS.iter().find(|(element, _)| *element == name).map(|(_, kind)| *kind)
}

/// What makes two relations the same; places in the file do not.
type RelationKey =
    (Scope, RelationKind, Vec<(RelatedName, Option<Bound>)>, Vec<(String, Option<Bound>)>, Vec<String>);

#[derive(Default)]
struct RelationCollector {
    list: Vec<Relation>,
    /// Packages in all of them.
    packages: usize,
    /// Where each stands.
    seen: HashMap<RelationKey, NodeId>,
    limit_reported: bool,
}

impl RelationCollector {
    fn read_group(
        &mut self,
        reader: &mut ElementReader<'_>,
        group: XmlNode<'_, '_>,
        scope: Scope,
        kind: RelationKind,
    ) {
        reader.check_container(group, &[["filters"].as_slice(), &related::ELEMENTS].concat(), &[]);
        reader.check_order(group, &[&["filters"], &related::ELEMENTS]);
        let filter = filters::read_filter(reader, group);
        let mut elements = reader.child_elements(group);
        elements.retain(|element| related::ELEMENTS.contains(&element.tag_name().name()));
        if elements.is_empty() {
            reader.report_empty(group);
        }
        for element in elements {
            if self.packages >= MAX_RELATIONS {
                if !std::mem::replace(&mut self.limit_reported, true) {
                    let diagnostic = Diagnostic::error(
                        "too-many-relations",
                        format!("more than {MAX_RELATIONS} relations"),
                    );
                    reader.report(
                        reader.tag_range(element),
                        diagnostic
                            .help("this exceeds a limit of the format; check the program that generated it"),
                    );
                }
                return;
            }
            self.read_relation(reader, element, scope, kind, &filter);
        }
    }

    fn read_relation(
        &mut self,
        reader: &mut ElementReader<'_>,
        element: XmlNode<'_, '_>,
        scope: Scope,
        kind: RelationKind,
        filter: &Filter,
    ) {
        let Some((any_of, range)) = related::read_related(reader, element, kind) else { return };
        self.packages += any_of.len();
        let dists = filter.dists.iter().map(|dist| (dist.id.clone(), dist.bound.clone())).collect();
        let related = any_of.iter().map(|package| (package.name.clone(), package.bound.clone())).collect();
        let key = (scope, kind, related, dists, filter.archs.clone());
        if let Some(first) = self.seen.get(&key) {
            let message =
                format!("{} stands here a second time, and counts once", related::describe(&any_of));
            let mut diagnostic = Diagnostic::note("relation-twice", message).help("remove one of them");
            if let Some(first) = reader.locations.get(*first) {
                diagnostic = diagnostic.related(first.clone(), "the first");
            }
            reader.report(range, diagnostic);
        } else {
            let at = reader.add_node(range);
            self.seen.insert(key, at);
            self.list.push(Relation { at, scope, kind, any_of, filter: filter.clone() });
        }
    }
}

/// Adds what every OPKG of a cluster requires, unless it does already, on every distribution.
pub(crate) fn add_automatic_relations(
    relations: &mut Vec<Relation>,
    automatic: &AutomaticRelations,
    root: NodeId,
) {
    let parts =
        [(Part::Api, &automatic.api), (Part::Server, &automatic.server), (Part::Client, &automatic.client)];
    for (part, names) in parts {
        for name in names {
            let is_required = relations.iter().any(|relation| {
                let applies = match relation.scope {
                    Scope::Part(other) => other == part,
                    Scope::Common | Scope::Whole => part != Part::Api,
                };
                applies
                    && relation.kind == RelationKind::Requires
                    && relation.native_name() == Some(name)
                    && relation.filter == Filter::default()
            });
            if !is_required {
                let scope = Scope::Part(part);
                relations.push(Relation::native(root, scope, RelationKind::Requires, name.clone()));
            }
        }
    }
}
