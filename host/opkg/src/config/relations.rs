//! What the packages need, offer and exclude.

use std::collections::HashMap;

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use super::{contradictions, filters};
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_RELATIONS;
use crate::model::{Bound, Filter, NodeId, Part, Relation, RelationKind, Scope};
use crate::settings::AutomaticRelations;
use crate::text::{collapse_whitespace, escape_for_display};
use crate::version::describe_char;

/// Elements that hold the relations of one part.
const DEPENDENCY_ELEMENTS: [(&str, Scope); 4] = [
    ("serverDeps", Scope::Part(Part::Server)),
    ("clientDeps", Scope::Part(Part::Client)),
    ("commonDeps", Scope::Common),
    ("apiDeps", Scope::Part(Part::Api)),
];

/// All relations of an OPKG in the order of the file, without duplicates.
pub(super) fn read_relations(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<Relation> {
    let mut relations = RelationCollector::default();
    for (name, _) in DEPENDENCY_ELEMENTS {
        // Only for its diagnostic: relations of two would have to be merged by somebody who knows why.
        reader.single_child(root, name);
    }
    for element in reader.child_elements(root) {
        let name = element.tag_name().name();
        if let Some(kind) = parse_kind(name).filter(|kind| *kind != RelationKind::Suggests) {
            relations.read_group(reader, element, Scope::Whole, kind);
        } else if let Some((_, scope)) = DEPENDENCY_ELEMENTS.iter().find(|(part, _)| *part == name) {
            reader.check_container(element, &["provides", "conflicts", "requires", "suggests"], &[]);
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
    Some(match name {
        "requires" => RelationKind::Requires,
        "provides" => RelationKind::Provides,
        "conflicts" => RelationKind::Conflicts,
        "suggests" => RelationKind::Suggests,
        _ => return None,
    })
}

/// What makes two relations the same; places in the file do not.
type RelationKey = (Scope, RelationKind, String, Option<Bound>, Vec<(String, Option<Bound>)>, Vec<String>);

#[derive(Default)]
struct RelationCollector {
    list: Vec<Relation>,
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
        reader.check_container(group, &["filters", "pkg"], &[]);
        reader.check_order(group, &[&["filters"], &["pkg"]]);
        let filter = filters::read_filter(reader, group);
        let packages = reader.children_named(group, "pkg");
        if packages.is_empty() {
            reader.report_empty(group);
        }
        for package in packages {
            if self.list.len() >= MAX_RELATIONS {
                if !std::mem::replace(&mut self.limit_reported, true) {
                    let diagnostic = Diagnostic::error(
                        "too-many-relations",
                        format!("more than {MAX_RELATIONS} relations"),
                    );
                    reader.report(
                        reader.tag_range(package),
                        diagnostic
                            .help("this exceeds a limit of the format; check the program that generated it"),
                    );
                }
                return;
            }
            self.read_package(reader, package, scope, kind, &filter);
        }
    }

    fn read_package(
        &mut self,
        reader: &mut ElementReader<'_>,
        package: XmlNode<'_, '_>,
        scope: Scope,
        kind: RelationKind,
        filter: &Filter,
    ) {
        reader.check_leaf(package, &[], &["rel", "version"]);
        let name = collapse_whitespace(&reader.raw_text(package));
        let range = reader.text_range(package);
        let bound = filters::read_bound(reader, package, false);
        if name.is_empty() {
            reader.report_empty(package);
            return;
        }
        if let Err(error) = check_relation_name(&name) {
            let diagnostic = Diagnostic::error("relation-name", format!("the package name `{}` {error}", escape_for_display(&name)))
                .help("write one package or capability per `pkg`, and versions into the attributes `rel` and `version`");
            reader.report(range, diagnostic);
            return;
        }
        let dists = filter.dists.iter().map(|dist| (dist.id.clone(), dist.bound.clone())).collect();
        let key = (scope, kind, name.clone(), bound.clone(), dists, filter.archs.clone());
        if let Some(first) = self.seen.get(&key) {
            let message =
                format!("`{}` stands here a second time, and counts once", escape_for_display(&name));
            let mut diagnostic = Diagnostic::note("relation-twice", message).help("remove one of them");
            if let Some(first) = reader.locations.get(*first) {
                diagnostic = diagnostic.related(first.clone(), "the first");
            }
            reader.report(range, diagnostic);
        } else {
            let at = reader.add_node(range);
            self.seen.insert(key, at);
            self.list.push(Relation { at, scope, kind, name, bound, filter: filter.clone() });
        }
    }
}

/// Why a name cannot stand in a relation. The message continues a sentence that begins with the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum RelationNameError {
    #[error("holds {}", describe_char(*.0))]
    InvalidCharacter(char),
    #[error("does not begin with a letter, a digit or `/`")]
    InvalidStart,
}

/// A name may be any capability of the package formats (`perl(XML::Simple)`, `/usr/bin/foo`,
/// `libfoo.so.1()(64bit)`), but nothing that ends a field, starts an option or is special in a shell or a macro
/// language.
fn check_relation_name(name: &str) -> Result<(), RelationNameError> {
    const SIGNS: &str = "._+-/()[]:~^=@#";
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !SIGNS.contains(*c)) {
        return Err(RelationNameError::InvalidCharacter(c));
    }
    let is_good_start = name.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.'));
    if is_good_start { Ok(()) } else { Err(RelationNameError::InvalidStart) }
}

/// Whether a relation may name this.
#[must_use]
pub fn is_relation_name(name: &str) -> bool {
    check_relation_name(name).is_ok()
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
                    && relation.name == *name
                    && relation.filter == Filter::default()
            });
            if !is_required {
                relations.push(Relation {
                    at: root,
                    scope: Scope::Part(part),
                    kind: RelationKind::Requires,
                    name: name.clone(),
                    bound: None,
                    filter: Filter::default(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "mpi",
            "g++",
            "perl(XML::Simple)",
            "/usr/bin/foo",
            "libfoo.so.1()(64bit)",
            "/usr/bin/[",
            "font(:lang=en)",
            "a_b.c~1",
        ] {
            assert_eq!(check_relation_name(good), Ok(()), "{good}");
        }
        for bad in [
            "a b", "-x", "a,b", "a|b", "$(id)", "%(id)", "a;b", "`id`", "a'b", "a\"b", "(a)", "a>1", "a\nb",
            "é",
        ] {
            assert!(check_relation_name(bad).is_err(), "{bad}");
        }
    }
}
