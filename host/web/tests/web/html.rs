//! Whether a page is HTML without a mistake: the parser that browsers have reports none.

use std::borrow::Cow;
use std::cell::RefCell;

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, ParseOpts, QualName, local_name, ns};

/// What was found in a page.
#[derive(Debug, Default)]
pub struct ParsedPage {
    pub errors: Vec<String>,
    /// Names of elements and their attributes.
    pub elements: Vec<(String, Vec<(String, String)>)>,
}

impl ParsedPage {
    pub fn parse(html: &str) -> Self {
        let tree_builder = TreeBuilderOpts { exact_errors: true, ..TreeBuilderOpts::default() };
        let options = ParseOpts { tree_builder, ..ParseOpts::default() };
        html5ever::parse_document(LintSink::default(), options).one(html)
    }

    /// The values of an attribute of elements.
    pub fn attribute_values<'a>(
        &'a self,
        element: &'a str,
        attribute: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let elements = self.elements.iter().filter(move |(name, _)| name == element);
        let attributes = elements.flat_map(|(_, attributes)| attributes);
        attributes.filter(move |(name, _)| name == attribute).map(|(_, value)| value.as_str())
    }

    /// All that browsers do not report: identifiers that are there twice, labels of nothing, handlers of events.
    pub fn lint(&self) -> Vec<String> {
        let mut wrong = self.errors.clone();
        let all = || {
            let elements = self.elements.iter();
            elements.flat_map(|(element, attributes)| {
                attributes.iter().map(move |attribute| (element, attribute))
            })
        };
        let mut ids: Vec<&String> =
            all().filter(|(_, (name, _))| name == "id").map(|(_, (_, value))| value).collect();
        ids.sort();
        let repeated = ids.windows(2).filter(|pair| pair[0] == pair[1]);
        wrong.extend(repeated.map(|pair| format!("twice: #{}", pair[0])));
        for (element, (name, value)) in all() {
            if matches!(name.as_str(), "for" | "aria-labelledby" | "aria-describedby" | "list")
                && !ids.contains(&value)
            {
                wrong.push(format!("{element} {name}={value} means nothing"));
            }
            if name.starts_with("on") || name == "style" || value.starts_with("javascript:") {
                wrong.push(format!("{element} {name}={value}"));
            }
        }
        for (element, attributes) in &self.elements {
            let get =
                |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            let is_field = matches!(element.as_str(), "input" | "select" | "textarea");
            let is_named =
                get("type") == Some("hidden") || get("id").is_some() || get("type") == Some("checkbox");
            if is_field && !is_named {
                wrong.push(format!("{element} {:?} has no label", get("name")));
            }
            if element == "th" && get("scope").is_none() {
                wrong.push("th without scope".into());
            }
            if element == "script" && get("src") != Some("/script.js") {
                wrong.push("a script that is not ours".into());
            }
        }
        wrong
    }
}

/// Keeps no tree: the parser only asks for the names of elements that it has made.
#[derive(Default)]
struct LintSink {
    page: RefCell<ParsedPage>,
    names: RefCell<Vec<&'static QualName>>,
}

impl LintSink {
    fn push_name(&self, name: QualName) -> usize {
        // A few names of a test that ends soon.
        self.names.borrow_mut().push(Box::leak(Box::new(name)));
        self.names.borrow().len()
    }
}

impl TreeSink for LintSink {
    type Handle = usize;
    type Output = ParsedPage;
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> ParsedPage {
        self.page.into_inner()
    }

    fn parse_error(&self, message: Cow<'static, str>) {
        self.page.borrow_mut().errors.push(message.into_owned());
    }

    fn get_document(&self) -> usize {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a usize) -> &'a QualName {
        self.names.borrow()[target - 1]
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> usize {
        let pairs = attributes
            .iter()
            .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()))
            .collect();
        self.page.borrow_mut().elements.push((name.local.to_string(), pairs));
        self.push_name(name)
    }

    fn create_comment(&self, _: StrTendril) -> usize {
        self.push_name(QualName::new(None, ns!(), local_name!("")))
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> usize {
        self.push_name(QualName::new(None, ns!(), local_name!("")))
    }

    fn append(&self, _: &usize, _: NodeOrText<usize>) {}

    fn append_based_on_parent_node(&self, _: &usize, _: &usize, _: NodeOrText<usize>) {}

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &usize) -> usize {
        *target
    }

    fn same_node(&self, one: &usize, other: &usize) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        if mode != QuirksMode::NoQuirks {
            self.page.borrow_mut().errors.push("no doctype".into());
        }
    }

    fn append_before_sibling(&self, _: &usize, _: NodeOrText<usize>) {}

    fn add_attrs_if_missing(&self, _: &usize, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &usize) {}

    fn reparent_children(&self, _: &usize, _: &usize) {}
}

#[test]
fn mistakes_are_seen() {
    for bad in [
        "<p>",
        "<!DOCTYPE html><title>x</title><p><p id=a><p id=a>",
        "<!DOCTYPE html><title>x</title><table><p></p></table>",
        "<!DOCTYPE html><title>x</title><p></div>",
        "<!DOCTYPE html><title>x</title><p onclick=x>",
        "<!DOCTYPE html><title>x</title>&nosuch;<a href=a href=b></a>",
        "<!DOCTYPE html><title>x</title><input name=x>",
        "<!DOCTYPE html><title>x</title><label for=y>x</label>",
    ] {
        assert!(!ParsedPage::parse(bad).lint().is_empty(), "{bad}");
    }
    assert_eq!(ParsedPage::parse("<!DOCTYPE html><title>x</title><p id=a>x</p>").lint(), [""; 0]);
}
