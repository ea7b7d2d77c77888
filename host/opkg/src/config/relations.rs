//! What the packages need, offer and exclude.

use std::collections::HashSet;

use roxmltree::Node as Xml;

use super::filters;
use super::reader::Reader;
use crate::diagnostic::Diagnostic;
use crate::limits::RELATIONS;
use crate::model::{Bound, Filter, Kind, Node, Part, Relation, Scope};
use crate::settings::Automatic;
use crate::text::{fold, show};
use crate::version::describe;

/// Elements that hold the relations of one part.
const PARTS: [(&str, Scope); 4] = [
    ("serverDeps", Scope::Part(Part::Server)),
    ("clientDeps", Scope::Part(Part::Client)),
    ("commonDeps", Scope::Common),
    ("apiDeps", Scope::Part(Part::Api)),
];

/// All relations of an OPKG in the order of the file, without duplicates.
pub(super) fn read(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Vec<Relation> {
    let mut relations = Relations::default();
    for (name, _) in PARTS {
        // Only for its finding: relations of two would have to be merged by somebody who knows why.
        reader.only(root, name);
    }
    for element in reader.elements(root) {
        let name = element.tag_name().name();
        if let Some(kind) = kind_named(name).filter(|kind| *kind != Kind::Suggests) {
            relations.read_group(reader, element, Scope::Whole, kind);
        } else if let Some((_, scope)) = PARTS.iter().find(|(part, _)| *part == name) {
            reader.check(element, &["provides", "conflicts", "requires", "suggests"], &[]);
            for group in reader.elements(element) {
                if let Some(kind) = kind_named(group.tag_name().name()) {
                    relations.read_group(reader, group, *scope, kind);
                }
            }
        }
    }
    relations.list
}

fn kind_named(name: &str) -> Option<Kind> {
    Some(match name {
        "requires" => Kind::Requires,
        "provides" => Kind::Provides,
        "conflicts" => Kind::Conflicts,
        "suggests" => Kind::Suggests,
        _ => return None,
    })
}

/// What makes two relations the same; places in the file do not.
type Key = (Scope, Kind, String, Option<Bound>, Vec<(String, Option<Bound>)>, Vec<String>);

#[derive(Default)]
struct Relations {
    list: Vec<Relation>,
    known: HashSet<Key>,
    is_full: bool,
}

impl Relations {
    fn read_group(&mut self, reader: &mut Reader<'_>, group: Xml<'_, '_>, scope: Scope, kind: Kind) {
        reader.check(group, &["filters", "pkg"], &[]);
        reader.check_order(group, &[&["filters"], &["pkg"]]);
        let filter = filters::read(reader, group);
        let packages = reader.named(group, "pkg");
        if packages.is_empty() {
            reader.report_empty(group);
        }
        for package in packages {
            if self.list.len() >= RELATIONS {
                if !std::mem::replace(&mut self.is_full, true) {
                    let finding =
                        Diagnostic::error("too-many-relations", format!("more than {RELATIONS} relations"));
                    reader.report(
                        reader.tag(package),
                        finding.help("this is no real OPKG; look at what wrote it"),
                    );
                }
                return;
            }
            self.read_package(reader, package, scope, kind, &filter);
        }
    }

    fn read_package(
        &mut self,
        reader: &mut Reader<'_>,
        package: Xml<'_, '_>,
        scope: Scope,
        kind: Kind,
        filter: &Filter,
    ) {
        reader.check_leaf(package, &[], &["rel", "version"]);
        let name = fold(&reader.raw(package));
        let range = reader.content(package);
        let bound = filters::read_bound(reader, package, false);
        if name.is_empty() {
            reader.report_empty(package);
            return;
        }
        if let Some(fault) = fault_in_name(&name) {
            let finding = Diagnostic::error("relation-name", format!("the package name `{}` {fault}", show(&name)))
                .help("write one package or capability per `pkg`, and versions into the attributes `rel` and `version`");
            reader.report(range, finding);
            return;
        }
        let dists = filter.dists.iter().map(|dist| (dist.id.clone(), dist.bound.clone())).collect();
        let key = (scope, kind, name.clone(), bound.clone(), dists, filter.archs.clone());
        if self.known.insert(key) {
            let at = reader.node(range);
            self.list.push(Relation { at, scope, kind, name, bound, filter: filter.clone() });
        }
    }
}

/// What a name must not be: it may be any capability that the formats of packages can spell
/// (`perl(XML::Simple)`, `/usr/bin/foo`, `libfoo.so.1()(64bit)`), but nothing that ends a field, starts an
/// option or means something to a shell or a macro language.
fn fault_in_name(name: &str) -> Option<String> {
    const SIGNS: &str = "._+-/()[]:~^=@#";
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !SIGNS.contains(*c)) {
        return Some(format!("holds {}", describe(c)));
    }
    let is_good_start = name.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.'));
    (!is_good_start).then(|| "does not begin with a letter, a digit or `/`".into())
}

/// Whether a relation may name this.
#[must_use]
pub fn is_relation_name(name: &str) -> bool {
    fault_in_name(name).is_none()
}

/// Adds what every OPKG of a cluster requires, unless it does already, on every distribution.
pub(crate) fn add_automatic(relations: &mut Vec<Relation>, automatic: &Automatic, root: Node) {
    let parts =
        [(Part::Api, &automatic.api), (Part::Server, &automatic.server), (Part::Client, &automatic.client)];
    for (part, names) in parts {
        for name in names {
            let is_there = relations.iter().any(|relation| {
                let reaches = match relation.scope {
                    Scope::Part(other) => other == part,
                    Scope::Common | Scope::Whole => part != Part::Api,
                };
                reaches
                    && relation.kind == Kind::Requires
                    && relation.name == *name
                    && relation.filter == Filter::default()
            });
            if !is_there {
                relations.push(Relation {
                    at: root,
                    scope: Scope::Part(part),
                    kind: Kind::Requires,
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
            assert_eq!(fault_in_name(good), None, "{good}");
        }
        for bad in [
            "a b", "-x", "a,b", "a|b", "$(id)", "%(id)", "a;b", "`id`", "a'b", "a\"b", "(a)", "a>1", "a\nb",
            "é",
        ] {
            assert!(fault_in_name(bad).is_some(), "{bad}");
        }
    }
}
