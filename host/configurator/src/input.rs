//! The inputs of a form as browsers see them: which ones there are, and what their attributes mean.

use std::collections::BTreeMap;

use crate::finding::{Findings, FormError};
use crate::form::Kind;
use crate::text::{collapse, is_name, is_storable, normalise};
use crate::tree::{Data, Id, Tree};

/// What stands in a form for the name of the image.
const IMAGE_NAME: &str = "@IMAGENAME@";

/// What a checkbox without a value is worth.
const TICKED: &str = "ON";

/// One input of a form.
#[derive(Debug)]
pub(crate) struct Input {
    pub line: u64,
    pub name: String,
    pub kind: Kind,
    /// What its `label` element says.
    pub label: Option<String>,
    pub required: bool,
    pub read_only: bool,
    pub max_length: Option<usize>,
    /// What is typed already; of a box or button its value.
    pub value: String,
    /// Whether it is ticked.
    pub checked: bool,
    /// Of a list.
    pub options: Vec<Entry>,
}

/// One line of a list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// Reads the inputs of a document.
pub(crate) struct Inputs<'a> {
    tree: &'a Tree,
    image: Option<&'a str>,
    /// The first of all forms; without one, inputs belong to the page.
    form: Option<Id>,
    ids: BTreeMap<&'a str, Id>,
    labels: BTreeMap<Id, Id>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn of(tree: &'a Tree, image: Option<&'a str>) -> Self {
        let all = || tree.descendants(Tree::DOCUMENT);
        let mut ids = BTreeMap::new();
        for node in all() {
            if let Some(id) = tree.attribute(node, "id") {
                ids.entry(id).or_insert(node);
            }
        }
        let form = all().find(|it| tree.name(*it) == Some("form"));
        let mut labels = BTreeMap::new();
        for label in all().filter(|it| tree.name(*it) == Some("label")) {
            let target = match tree.attribute(label, "for") {
                Some(id) => ids.get(id).copied(),
                None => tree.descendants(label).find(|it| is_labelable(tree, *it)),
            };
            if let Some(target) = target.filter(|it| is_labelable(tree, *it)) {
                labels.entry(target).or_insert(label);
            }
        }
        Self { tree, image, form, ids, labels }
    }

    /// Whether a `label` belongs to an input, so that it is no text of the page.
    pub(crate) fn is_label_of_input(&self, label: Id) -> bool {
        self.labels.values().any(|it| *it == label)
    }

    /// Text with the name of the image put in.
    pub(crate) fn named(&self, text: &str) -> String {
        match self.image {
            Some(image) => text.replace(IMAGE_NAME, image),
            None => text.to_owned(),
        }
    }

    /// The text in an element, on one line.
    pub(crate) fn text(&self, id: Id) -> String {
        opkg::fold(&self.named(&self.raw_text(id)))
    }

    /// Reads an `input`, `textarea` or `select`. Nothing where a browser would not submit it.
    pub(crate) fn read(&self, id: Id, findings: &mut Findings) -> Result<Option<Input>, FormError> {
        let (tree, line) = (self.tree, self.tree.nodes[id].line);
        let Some(kind) = self.kind(id, findings) else { return Ok(None) };
        let name = self.named(tree.attribute(id, "name").unwrap_or_default());
        if name.is_empty() {
            findings.warn(line, "the field has no name, so it has no value, and is left out");
            return Ok(None);
        }
        if !self.is_in_form(id) {
            findings
                .warn(line, format!("`{}` stands outside of the form, and is left out", opkg::show(&name)));
            return Ok(None);
        }
        if self.is_disabled(id) {
            findings.note(line, format!("`{}` is disabled, and is left out", opkg::show(&name)));
            return Ok(None);
        }
        if !is_name(&name) {
            return Err(FormError::Name { line, name });
        }
        let options = match kind {
            Kind::Select | Kind::SelectMultiple => self.options(id, kind, &name, findings),
            _ => Vec::new(),
        };
        let has = |name| tree.attribute(id, name).is_some();
        for unknown in ["pattern", "minlength", "min", "max", "step"] {
            if has(unknown) {
                findings.note(line, format!("`{unknown}` of `{name}` is not checked"));
            }
        }
        let typed = matches!(kind, Kind::Text | Kind::Password | Kind::TextArea);
        Ok(Some(Input {
            line,
            kind,
            label: self.labels.get(&id).map(|it| self.text(*it)).filter(|it| !it.is_empty()),
            required: kind != Kind::Hidden && has("required"),
            read_only: typed && has("readonly"),
            max_length: tree.attribute(id, "maxlength").filter(|_| typed).and_then(number),
            value: self.value(id, kind, &name, findings),
            checked: matches!(kind, Kind::Checkbox | Kind::Radio) && has("checked"),
            options,
            name,
        }))
    }

    fn kind(&self, id: Id, findings: &mut Findings) -> Option<Kind> {
        let (tree, line) = (self.tree, self.tree.nodes[id].line);
        match tree.name(id)? {
            "textarea" => return Some(Kind::TextArea),
            "select" if tree.attribute(id, "multiple").is_some() => return Some(Kind::SelectMultiple),
            "select" => return Some(Kind::Select),
            _ => {}
        }
        let written = tree.attribute(id, "type").unwrap_or("text").to_ascii_lowercase();
        Some(match written.as_str() {
            "password" => Kind::Password,
            "checkbox" => Kind::Checkbox,
            "radio" => Kind::Radio,
            "hidden" => Kind::Hidden,
            // Going back to the defaults is the face's own business.
            "reset" => return None,
            "submit" | "button" | "image" | "file" => {
                findings.note(line, format!("an input of the type `{written}` is left out"));
                return None;
            }
            "text" => Kind::Text,
            other => {
                findings.note(line, format!("the type `{}` is taken for `text`", opkg::show(other)));
                Kind::Text
            }
        })
    }

    /// What a browser has as the value of an untouched input, whether ticked or not.
    fn value(&self, id: Id, kind: Kind, name: &str, findings: &mut Findings) -> String {
        let written = match kind {
            Kind::TextArea => self.raw_text(id),
            _ => self.tree.attribute(id, "value").unwrap_or_default().to_owned(),
        };
        let value = self.storable(&written, self.tree.nodes[id].line, name, findings);
        match kind {
            Kind::Text | Kind::Password => value.replace('\n', ""),
            Kind::Checkbox if value.is_empty() => TICKED.into(),
            Kind::Radio if self.tree.attribute(id, "value").is_none() => TICKED.into(),
            _ => value,
        }
    }

    fn options(&self, list: Id, kind: Kind, name: &str, findings: &mut Findings) -> Vec<Entry> {
        let tree = self.tree;
        let mut options = Vec::new();
        for id in tree.descendants(list).filter(|it| tree.name(*it) == Some("option")) {
            let group = tree.nodes[id].parent.filter(|it| tree.name(*it) == Some("optgroup"));
            let disabled = |id| tree.attribute(id, "disabled").is_some();
            if disabled(id) || group.is_some_and(disabled) {
                continue;
            }
            let line = tree.nodes[id].line;
            let text = self.raw_text(id);
            let written = tree.attribute(id, "value").map_or_else(|| collapse(&text), str::to_owned);
            let value = self.storable(&written, line, name, findings);
            if value.is_empty() && kind == Kind::SelectMultiple {
                findings.warn(line, format!("a choice of `{name}` has no value, and is left out"));
                continue;
            }
            let own = tree.attribute(id, "label").filter(|it| !it.is_empty()).unwrap_or(&text);
            let group = group.and_then(|it| tree.attribute(it, "label")).unwrap_or_default();
            let separator = if group.is_empty() { "" } else { ": " };
            let label = opkg::fold(&self.named(&format!("{group}{separator}{own}")));
            options.push(Entry { value, label, selected: tree.attribute(id, "selected").is_some() });
        }
        // A list of one visible line always shows one of its own; so does every browser.
        let is_open = tree.attribute(list, "size").and_then(number).is_some_and(|it| it > 1);
        if kind == Kind::Select {
            let last = options.iter().rposition(|it| it.selected);
            let chosen = last.or((!is_open && !options.is_empty()).then_some(0));
            for (at, it) in options.iter_mut().enumerate() {
                it.selected = Some(at) == chosen;
            }
        }
        options
    }

    fn storable(&self, written: &str, line: u64, name: &str, findings: &mut Findings) -> String {
        let mut value = normalise(&self.named(written));
        if !value.chars().all(is_storable) {
            value.retain(is_storable);
            findings.warn(line, format!("a value of `{name}` holds control characters, which are left out"));
        }
        value
    }

    fn raw_text(&self, id: Id) -> String {
        let text = |it: Id| match &self.tree.nodes[it].data {
            Data::Text(text) => text.as_str(),
            _ => "",
        };
        // What is in an input's label is not what is in the input.
        let inside =
            |it: Id| self.tree.ancestors(it).take_while(|it| *it != id).any(|it| is_labelable(self.tree, it));
        self.tree.descendants(id).filter(|it| !inside(*it)).map(text).collect()
    }

    fn is_in_form(&self, id: Id) -> bool {
        let owner = match self.tree.attribute(id, "form") {
            Some(form) => self.ids.get(form).copied(),
            None => self.tree.owners.get(&id).copied(),
        };
        owner == self.form
    }

    fn is_disabled(&self, id: Id) -> bool {
        let tree = self.tree;
        let has = |id| tree.attribute(id, "disabled").is_some();
        let mut below = id;
        for above in tree.ancestors(id) {
            let is_legend = |it: &Id| tree.name(*it) == Some("legend");
            let in_legend = tree.nodes[above].children.iter().copied().find(is_legend) == Some(below);
            if tree.name(above) == Some("fieldset") && has(above) && !in_legend {
                return true;
            }
            below = above;
        }
        has(id)
    }
}

fn is_labelable(tree: &Tree, id: Id) -> bool {
    matches!(tree.name(id), Some("input" | "textarea" | "select" | "button"))
}

/// A number as HTML writes it; anything behind it does not matter.
fn number(text: &str) -> Option<usize> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}
