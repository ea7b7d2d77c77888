//! What `config.xml` says, read for the tests alone. Only files that `opkgc check` accepts get here, so
//! anything unexpected is a mistake in a test.

use std::path::Path;

use roxmltree::{Document, Node};

use crate::calendar::Timestamp;
use crate::package::{RelationKind, collapse_whitespace, split_paragraphs};

/// One of `<` `<=` `=` `>=` `>`, and a version.
pub type VersionConstraint = Option<(String, String)>;

/// `filters`.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Id in lower case, and the restriction of its version.
    pub dists: Vec<(String, VersionConstraint)>,
    /// As written, in lower case.
    pub archs: Vec<String>,
}

/// One `pkg`, `opkg` or `any`.
#[derive(Debug, Clone)]
pub struct Relation {
    /// `serverDeps`, `commonDeps` …; `oscar` for the level of the whole OPKG.
    pub scope: String,
    pub kind: RelationKind,
    /// As written.
    pub name: String,
    pub bound: VersionConstraint,
    /// Of an `opkg`, which part it names; empty for none.
    pub opkg_part: Option<String>,
    /// The others of an `any`, whatever their versions.
    pub alternatives: Vec<String>,
    /// Of the group.
    pub filter: Filter,
}

/// One `changelogEntry`.
#[derive(Debug, Clone)]
pub struct ConfigChangelogEntry {
    /// Of the `versionEntry` around it.
    pub version: String,
    /// Number of that `versionEntry`: two may be of one version.
    pub release: usize,
    pub author: String,
    /// When; nothing where it is no date.
    pub moment: Option<Timestamp>,
    /// Bugs.
    pub closes: Vec<String>,
    /// What, folded, without empty ones.
    pub items: Vec<String>,
}

#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Config {
    pub name: String,
    pub summary: String,
    pub description: Vec<String>,
    pub license: String,
    pub uri: Option<String>,
    /// Category, name, address.
    pub authors: Vec<(String, String, String)>,
    pub filter: Filter,
    pub relations: Vec<Relation>,
    /// In the order of the file.
    pub changes: Vec<ConfigChangelogEntry>,
}

impl Config {
    /// Reads the file of an OPKG's directory.
    ///
    /// # Panics
    ///
    /// If it is not a valid one.
    #[must_use]
    pub fn read(directory: &Path) -> Self {
        let text = decode(&fs_err::read(directory.join("config.xml")).unwrap());
        let document = Document::parse(&text).unwrap();
        let root = document.root_element();
        let summary = collapse_whitespace(&child_text(root, "summary").unwrap());
        let description = split_paragraphs(&child_text(root, "description").unwrap_or_default());
        Self {
            name: child_text(root, "name").unwrap().trim().to_owned(),
            description: if description.is_empty() { vec![summary.clone()] } else { description },
            summary,
            license: collapse_whitespace(&child_text(root, "license").unwrap()),
            uri: child_text(root, "uri").map(|uri| uri.trim().to_owned()),
            authors: children_named(root, "authors")
                .flat_map(|authors| children_named(authors, "author"))
                .map(parse_author)
                .collect(),
            filter: parse_filter(root),
            relations: parse_relations(root),
            changes: children_named(root, "changelog")
                .flat_map(|log| children_named(log, "versionEntry"))
                .enumerate()
                .flat_map(|(release, version)| {
                    children_named(version, "changelogEntry").map(move |it| (release, it))
                })
                .map(|(release, entry)| parse_changelog_entry(entry, release))
                .collect(),
        }
    }

    /// The address of an author, where there is one of this name.
    #[must_use]
    pub fn email(&self, name: &str) -> Option<&str> {
        self.authors.iter().find(|author| author.1 == name).map(|author| author.2.as_str())
    }

    /// Epoch, upstream part and release of the package's version.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn version(&self) -> (u32, &str, &str) {
        split_version(&self.changes.first().unwrap().version)
    }
}

/// `[epoch:]upstream-release`, the release being what follows the last `-`.
///
/// # Panics
///
/// If it is not.
#[must_use]
pub fn split_version(version: &str) -> (u32, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, release) = rest.rsplit_once('-').unwrap();
    (epoch.parse().unwrap(), upstream, release)
}

/// UTF-8, or ISO-8859-1 where the declaration says so.
fn decode(bytes: &[u8]) -> String {
    let declaration = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).to_lowercase();
    if declaration.contains("iso-8859-1") {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    } else {
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

fn children_named<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// All text of an element, comments left out.
fn text_content(node: Node) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

fn child_text(node: Node, name: &'static str) -> Option<String> {
    children_named(node, name).next().map(text_content)
}

fn parse_author(node: Node) -> (String, String, String) {
    let text = |name| collapse_whitespace(&child_text(node, name).unwrap());
    (node.attribute("cat").unwrap().to_owned(), text("name"), text("email"))
}

fn parse_filter(parent: Node) -> Filter {
    let Some(node) = children_named(parent, "filters").next() else { return Filter::default() };
    let lower = |node| text_content(node).trim().to_lowercase();
    Filter {
        dists: children_named(node, "dist").map(|dist| (lower(dist), parse_constraint(dist))).collect(),
        archs: children_named(node, "arch").map(lower).collect(),
    }
}

/// The attributes `rel` and `version`; real files write both into the latter, or leave the former out.
fn parse_constraint(node: Node) -> VersionConstraint {
    let version = node.attribute("version")?.trim();
    let digits = version.find(|c: char| !"<>= ".contains(c))?;
    let (inner, version) = version.split_at(digits);
    let relation = match (node.attribute("rel"), inner.trim()) {
        (Some(relation), _) => relation.trim(),
        (None, "") => "=",
        (None, inner) => inner,
    };
    Some((relation.to_owned(), version.to_owned()))
}

fn parse_relations(root: Node) -> Vec<Relation> {
    let parts = ["commonDeps", "serverDeps", "clientDeps", "apiDeps"];
    let mut found = parse_groups(root, "oscar");
    for part in root.children().filter(|child| parts.contains(&child.tag_name().name())) {
        found.extend(parse_groups(part, part.tag_name().name()));
    }
    found
}

fn parse_groups(parent: Node, scope: &str) -> Vec<Relation> {
    let mut found = Vec::new();
    for group in parent.children() {
        let kind = match group.tag_name().name() {
            "requires" => RelationKind::Requires,
            "provides" => RelationKind::Provides,
            "conflicts" => RelationKind::Conflicts,
            "suggests" => RelationKind::Suggests,
            "preRequires" => RelationKind::Requires,
            "recommends" => RelationKind::Recommends,
            "supplements" => RelationKind::Supplements,
            "enhances" => RelationKind::Enhances,
            "breaks" => RelationKind::Breaks,
            "obsoletes" | "replaces" => RelationKind::Obsoletes,
            _ => continue,
        };
        for element in group.children() {
            let name = |node: Node| text_content(node).trim().to_owned();
            let (first, alternatives) = match element.tag_name().name() {
                "pkg" | "opkg" => (element, Vec::new()),
                "any" => {
                    let mut all = children_named(element, "pkg");
                    (all.next().unwrap(), all.map(name).collect())
                }
                _ => continue,
            };
            let part = first.attribute("part").unwrap_or_default().to_owned();
            found.push(Relation {
                scope: scope.to_owned(),
                kind,
                name: name(first),
                bound: parse_constraint(first),
                opkg_part: (first.tag_name().name() == "opkg").then_some(part),
                alternatives,
                filter: parse_filter(group),
            });
        }
    }
    found
}

fn parse_changelog_entry(node: Node, release: usize) -> ConfigChangelogEntry {
    let version = node.parent_element().and_then(|parent| parent.attribute("version")).unwrap();
    ConfigChangelogEntry {
        version: version.trim().to_owned(),
        release,
        author: collapse_whitespace(node.attribute("authorName").unwrap()),
        moment: Timestamp::parse(node.attribute("date").unwrap()),
        closes: node.attribute("closes").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        items: children_named(node, "item")
            .map(|item| collapse_whitespace(&text_content(item)))
            .filter(|item| !item.is_empty())
            .collect(),
    }
}
