//! What the schema says of each element of `config.xml`, for those who read it instead of an editor.
//!
//! The texts stand in the schema itself: `xs:documentation` says what something is, and below `xs:appinfo` stand `since`,
//! `default`, an `example`, and what it becomes in packages: `rpm` and `debian`, or `packages` where that is the same.
//! [`elements`] fails where one of them is forgotten.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use crate::schema;
use crate::text::collapse_whitespace;

/// An element at one place of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementReference {
    pub name: String,
    /// The elements that it can stand in; none for the root.
    pub parents: Vec<String>,
    pub occurrence: Occurrence,
    pub entry: Entry,
    /// The version of the compiler that knew it first.
    pub since: String,
    /// Elements of `config.xml`; of an element within another one, that one's may serve.
    pub example: Option<String>,
    pub attributes: Vec<AttributeReference>,
}

/// An attribute of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeReference {
    pub name: String,
    pub is_required: bool,
    pub entry: Entry,
}

/// What an element and an attribute have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it means.
    pub text: String,
    /// What can stand there, where the schema restricts it.
    pub values: Option<String>,
    /// What holds where it is absent.
    pub default: Option<String>,
    /// What it becomes.
    pub rpm: Option<String>,
    pub debian: Option<String>,
}

/// How often an element may stand in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    pub is_required: bool,
    pub is_repeatable: bool,
}

/// Why the schema is no reference.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// It cannot be read.
    #[error("the schema is not well-formed: {0}")]
    Malformed(#[from] roxmltree::Error),
    /// A text was forgotten.
    #[error("line {line} of the schema: `{name}` has no {what}")]
    Missing { name: String, what: &'static str, line: u32 },
}

/// All elements, in the order of the schema.
///
/// # Errors
/// When something in the schema is not described.
pub fn elements() -> Result<Vec<ElementReference>, ReferenceError> {
    let document = Document::parse(schema())?;
    let top = document.root_element().children().filter(Node::is_element);
    let types = top.filter_map(|node| Some((node.attribute("name")?, node))).collect();
    let schema = Schema { document: &document, types };
    let declared = document.descendants().filter(|node| node.has_tag_name((XS, "element")));
    declared.map(|node| schema.element(node)).collect()
}

const XS: &str = "http://www.w3.org/2001/XMLSchema";

struct Schema<'a, 'i> {
    document: &'a Document<'i>,
    /// What stands right below the root, by name.
    types: HashMap<&'a str, Node<'a, 'i>>,
}

impl<'a, 'i> Schema<'a, 'i> {
    fn element(&self, node: Node<'a, 'i>) -> Result<ElementReference, ReferenceError> {
        let name = node.attribute("name").unwrap_or_default();
        let missing = |what| self.missing(node, name, what);
        let entry = self.entry(node, name)?;
        if entry.rpm.is_none() || entry.debian.is_none() {
            return Err(missing("text on what it becomes (`rpm` and `debian`, or `packages`)"));
        }
        let attributes = match self.type_of(node) {
            Some(of_type) => self.attributes(of_type)?,
            None => Vec::new(),
        };
        Ok(ElementReference {
            name: name.to_owned(),
            parents: self.parents(node),
            occurrence: occurrence(node),
            entry,
            since: self.said(node, "since").ok_or_else(|| missing("`since`"))?,
            example: self.example(node),
            attributes,
        })
    }

    fn missing(&self, node: Node<'_, '_>, name: &str, what: &'static str) -> ReferenceError {
        let line = self.document.text_pos_at(node.range().start).row;
        ReferenceError::Missing { name: name.to_owned(), what, line }
    }

    fn entry(&self, node: Node<'a, 'i>, name: &str) -> Result<Entry, ReferenceError> {
        let of_type = self.type_of(node);
        let own = documentation(node);
        let of_value = of_type.and_then(documentation);
        let text = own.clone().or_else(|| of_value.clone());
        let alike = || self.said(node, "packages");
        Ok(Entry {
            text: text.ok_or_else(|| self.missing(node, name, "`xs:documentation`"))?,
            // What has a text of its own may have a type that says what can stand there.
            values: of_type.and_then(|of_type| self.values(of_type, own.is_some())),
            default: self.said(node, "default"),
            rpm: self.said(node, "rpm").or_else(alike),
            debian: self.said(node, "debian").or_else(alike),
        })
    }

    /// The type of an element or attribute: its own, or a named one of the schema.
    fn type_of(&self, node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
        match node.attribute("type") {
            Some(name) => self.types.get(name).copied(),
            None => node.children().find(|child| {
                child.has_tag_name((XS, "complexType")) || child.has_tag_name((XS, "simpleType"))
            }),
        }
    }

    /// What can stand in something of this type: alternatives, or what the type says of itself.
    fn values(&self, of_type: Node<'a, 'i>, is_described: bool) -> Option<String> {
        let in_type = |name| of_type.descendants().find(|node| node.has_tag_name((XS, name)));
        let enumerated: Vec<String> = of_type
            .descendants()
            .filter(|node| node.has_tag_name((XS, "enumeration")))
            .filter_map(|node| Some(format!("`{}`", node.attribute("value")?)))
            .collect();
        let is_simple = of_type.has_tag_name((XS, "simpleType"));
        if !enumerated.is_empty() && is_simple {
            return Some(enumerated.join(", "));
        }
        if let Some(content) = in_type("simpleContent") {
            let extension = content.children().find(|node| node.has_tag_name((XS, "extension")))?;
            let base = extension.attribute("base").and_then(|base| self.types.get(base))?;
            return self.values(*base, true);
        }
        if !is_simple {
            return None;
        }
        let length = in_type("maxLength").and_then(|node| node.attribute("value"));
        let length = length.map(|length| format!("At most {length} characters."));
        let text = documentation(of_type).filter(|_| is_described);
        let parts: Vec<String> = text.into_iter().chain(length).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// The attributes of a type, also those of groups of attributes.
    fn attributes(&self, of_type: Node<'a, 'i>) -> Result<Vec<AttributeReference>, ReferenceError> {
        let mut found = Vec::new();
        for node in of_type.children() {
            match node.tag_name().name() {
                "attribute" => {
                    let name = node.attribute("name").unwrap_or_default();
                    found.push(AttributeReference {
                        name: name.to_owned(),
                        is_required: node.attribute("use") == Some("required"),
                        entry: self.entry(node, name)?,
                    });
                }
                "attributeGroup" => {
                    let group = node.attribute("ref").and_then(|name| self.types.get(name));
                    found.extend(
                        group.map(|group| self.attributes(*group)).transpose()?.into_iter().flatten(),
                    );
                }
                "simpleContent" | "extension" => found.extend(self.attributes(node)?),
                _ => {}
            }
        }
        Ok(found)
    }

    /// The elements whose content an element is declared in.
    fn parents(&self, node: Node<'a, 'i>) -> Vec<String> {
        let owner = node.ancestors().skip(1).find(|above| {
            above.has_tag_name((XS, "element"))
                || (above.has_tag_name((XS, "complexType")) && above.attribute("name").is_some())
        });
        let Some(owner) = owner else { return Vec::new() };
        let Some(name) = owner.attribute("name") else { return Vec::new() };
        if owner.has_tag_name((XS, "element")) {
            return vec![name.to_owned()];
        }
        let elements = self.document.descendants().filter(|node| node.has_tag_name((XS, "element")));
        let mut parents = Vec::new();
        for parent in elements.filter(|node| node.attribute("type") == Some(name)) {
            let parent = parent.attribute("name").unwrap_or_default().to_owned();
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        parents
    }

    /// What stands below `xs:appinfo`, of itself or of its type.
    fn said(&self, node: Node<'a, 'i>, what: &str) -> Option<String> {
        app_info(node, what)
            .or_else(|| app_info(self.type_of(node)?, what))
            .map(|text| collapse_whitespace(&text))
    }

    fn example(&self, node: Node<'a, 'i>) -> Option<String> {
        let example = app_info(node, "example").or_else(|| app_info(self.type_of(node)?, "example"))?;
        Some(format!("{}\n", example.trim_matches('\n')))
    }
}

fn annotation<'a, 'i>(node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name((XS, "annotation")))
}

fn documentation(node: Node<'_, '_>) -> Option<String> {
    let text =
        annotation(node)?.children().find(|child| child.has_tag_name((XS, "documentation")))?.text()?;
    Some(collapse_whitespace(text)).filter(|text| !text.is_empty())
}

fn app_info(node: Node<'_, '_>, what: &str) -> Option<String> {
    let info = annotation(node)?.children().find(|child| child.has_tag_name((XS, "appinfo")))?;
    let said = info.children().find(|child| child.has_tag_name(what))?;
    said.text().map(str::to_owned)
}

/// By the element itself and the choices that it stands in.
fn occurrence(node: Node<'_, '_>) -> Occurrence {
    let own_type = |above: &Node<'_, '_>| !above.has_tag_name((XS, "complexType"));
    let mut occurrence = Occurrence { is_required: true, is_repeatable: false };
    for particle in node.ancestors().take_while(own_type) {
        let is_choice = particle.has_tag_name((XS, "choice"));
        occurrence.is_required &= particle.attribute("minOccurs") != Some("0") && !is_choice;
        occurrence.is_repeatable |= particle.attribute("maxOccurs").is_some_and(|most| most != "1");
    }
    occurrence
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn find(name: &str, parent: &str) -> ElementReference {
        let is_meant = |element: &ElementReference| {
            element.name == name && element.parents.iter().any(|it| it == parent)
        };
        elements().unwrap().into_iter().find(is_meant).unwrap()
    }

    /// Whether a tag is in the example of an element, or of one that it stands in.
    fn is_shown(tag: &str, element: &ElementReference, all: &[ElementReference]) -> bool {
        element.example.as_ref().is_some_and(|example| example.contains(tag))
            || all.iter().any(|above| element.parents.contains(&above.name) && is_shown(tag, above, all))
    }

    #[test]
    fn the_schema_describes_everything() {
        let all = elements().unwrap();
        assert_eq!((all[0].name.as_str(), all[0].parents.len()), ("oscar", 0));
        for element in &all {
            let (name, parents) = (&element.name, &element.parents);
            let is_shown = is_shown(&format!("<{name}"), element, &all);
            assert!(is_shown, "{name} in {parents:?} has no example, nor is it in that of what it stands in");
        }
    }

    #[test]
    fn places_and_values_are_those_of_the_schema() {
        assert_eq!(
            find("requires", "clientDeps").parents,
            ["serverDeps", "clientDeps", "commonDeps", "apiDeps"]
        );
        assert_eq!(find("requires", "oscar").parents, ["oscar"]);
        let once = Occurrence { is_required: true, is_repeatable: false };
        assert_eq!(find("summary", "oscar").occurrence, once);
        let any = Occurrence { is_required: false, is_repeatable: true };
        assert_eq!(find("pkg", "requires").occurrence, any);
        assert_eq!(find("file", "files").occurrence, Occurrence { is_repeatable: true, ..once });
        assert_eq!(find("dist", "filters").occurrence, any);
        let values = find("class", "oscar").entry.values.unwrap();
        assert_eq!(values, "`core`, `base`, `included`, `third-party`");
        let dist = find("dist", "filters");
        assert_eq!(dist.attributes.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["rel", "version"]);
        assert!(dist.entry.values.unwrap().contains("id of a distribution"));
        let author = find("author", "authors");
        assert!(author.attributes[0].is_required && author.attributes[0].name == "cat");
    }
}
