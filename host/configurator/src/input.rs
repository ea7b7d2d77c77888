//! The inputs of a form as browsers see them: which ones there are, and what their attributes mean.

use std::collections::BTreeMap;

use crate::diagnostic::{FormDiagnostics, FormError};
use crate::dom::{Dom, NodeData, NodeId};
use crate::form::FieldKind;
use crate::text::{collapse_whitespace, is_allowed_char, is_field_name, normalize_newlines};

const IMAGE_PLACEHOLDER: &str = "@IMAGENAME@";

/// The value of a checkbox without one.
const DEFAULT_CHECKED_VALUE: &str = "ON";

/// One input of a form.
#[derive(Debug)]
pub(crate) struct Input {
    pub line: u64,
    pub name: String,
    pub kind: FieldKind,
    /// The text of its `label` element.
    pub label: Option<String>,
    pub required: bool,
    pub read_only: bool,
    pub max_length: Option<usize>,
    /// The default text; of a box or button its value.
    pub value: String,
    pub checked: bool,
    /// Of a `select`.
    pub options: Vec<SelectOption>,
}

#[derive(Debug)]
pub(crate) struct SelectOption {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// Reads the inputs of a document.
pub(crate) struct InputReader<'a> {
    tree: &'a Dom,
    image_name: Option<&'a str>,
    /// The first of all forms; without one, inputs belong to the page.
    form_id: Option<NodeId>,
    nodes_by_id: BTreeMap<&'a str, NodeId>,
    labels_by_input: BTreeMap<NodeId, NodeId>,
}

impl<'a> InputReader<'a> {
    pub(crate) fn new(tree: &'a Dom, image_name: Option<&'a str>) -> Self {
        let all = || tree.descendants(Dom::ROOT);
        let mut nodes_by_id = BTreeMap::new();
        for node in all() {
            if let Some(id) = tree.attribute(node, "id") {
                nodes_by_id.entry(id).or_insert(node);
            }
        }
        let form_id = all().find(|node| tree.element_name(*node) == Some("form"));
        let mut labels_by_input = BTreeMap::new();
        for label in all().filter(|node| tree.element_name(*node) == Some("label")) {
            let target = match tree.attribute(label, "for") {
                Some(id) => nodes_by_id.get(id).copied(),
                None => tree.descendants(label).find(|node| is_labelable(tree, *node)),
            };
            if let Some(target) = target.filter(|target| is_labelable(tree, *target)) {
                labels_by_input.entry(target).or_insert(label);
            }
        }
        Self { tree, image_name, form_id, nodes_by_id, labels_by_input }
    }

    /// Whether a `label` belongs to an input, so that it is not a text of the page.
    pub(crate) fn labels_an_input(&self, label: NodeId) -> bool {
        self.labels_by_input.values().any(|id| *id == label)
    }

    /// Text with the name of the image put in.
    pub(crate) fn substitute_image(&self, text: &str) -> String {
        match self.image_name {
            Some(image) => text.replace(IMAGE_PLACEHOLDER, image),
            None => text.to_owned(),
        }
    }

    /// The text in an element, on one line.
    pub(crate) fn text_content(&self, id: NodeId) -> String {
        opkg::collapse_whitespace(&self.substitute_image(&self.raw_text_content(id)))
    }

    /// Reads an `input`, `textarea` or `select`. Nothing where a browser would not submit it.
    pub(crate) fn read_input(
        &self,
        id: NodeId,
        diagnostics: &mut FormDiagnostics,
    ) -> Result<Option<Input>, FormError> {
        let (tree, line) = (self.tree, self.tree.nodes[id].line);
        let Some(kind) = self.field_kind(id, diagnostics) else { return Ok(None) };
        let name = self.substitute_image(tree.attribute(id, "name").unwrap_or_default());
        if name.is_empty() {
            diagnostics.warn(line, "the field has no name, so it has no value, and is left out");
            return Ok(None);
        }
        if !self.is_in_form(id) {
            diagnostics.warn(
                line,
                format!("`{}` stands outside of the form, and is left out", opkg::escape_for_display(&name)),
            );
            return Ok(None);
        }
        if self.is_disabled(id) {
            diagnostics
                .note(line, format!("`{}` is disabled, and is left out", opkg::escape_for_display(&name)));
            return Ok(None);
        }
        if !is_field_name(&name) {
            return Err(FormError::InvalidName { line, name });
        }
        let options = match kind {
            FieldKind::Select | FieldKind::SelectMultiple => self.read_options(id, kind, &name, diagnostics),
            _ => Vec::new(),
        };
        let has = |name| tree.attribute(id, name).is_some();
        for unknown in ["pattern", "minlength", "min", "max", "step"] {
            if has(unknown) {
                diagnostics.note(line, format!("`{unknown}` of `{name}` is not checked"));
            }
        }
        let typed = matches!(kind, FieldKind::Text | FieldKind::Password | FieldKind::TextArea);
        Ok(Some(Input {
            line,
            kind,
            label: self
                .labels_by_input
                .get(&id)
                .map(|label| self.text_content(*label))
                .filter(|text| !text.is_empty()),
            required: kind != FieldKind::Hidden && has("required"),
            read_only: typed && has("readonly"),
            max_length: tree.attribute(id, "maxlength").filter(|_| typed).and_then(parse_integer),
            value: self.default_value(id, kind, &name, diagnostics),
            checked: matches!(kind, FieldKind::Checkbox | FieldKind::Radio) && has("checked"),
            options,
            name,
        }))
    }

    fn field_kind(&self, id: NodeId, diagnostics: &mut FormDiagnostics) -> Option<FieldKind> {
        let (tree, line) = (self.tree, self.tree.nodes[id].line);
        match tree.element_name(id)? {
            "textarea" => return Some(FieldKind::TextArea),
            "select" if tree.attribute(id, "multiple").is_some() => return Some(FieldKind::SelectMultiple),
            "select" => return Some(FieldKind::Select),
            _ => {}
        }
        let input_type = tree.attribute(id, "type").unwrap_or("text").to_ascii_lowercase();
        Some(match input_type.as_str() {
            "password" => FieldKind::Password,
            "checkbox" => FieldKind::Checkbox,
            "radio" => FieldKind::Radio,
            "hidden" => FieldKind::Hidden,
            // Resetting to the defaults is up to the front end.
            "reset" => return None,
            "submit" | "button" | "image" | "file" => {
                diagnostics.note(line, format!("an input of the type `{input_type}` is left out"));
                return None;
            }
            "text" => FieldKind::Text,
            other => {
                diagnostics.note(
                    line,
                    format!("the type `{}` is taken for `text`", opkg::escape_for_display(other)),
                );
                FieldKind::Text
            }
        })
    }

    /// What a browser has as the value of an untouched input, whether ticked or not.
    fn default_value(
        &self,
        id: NodeId,
        kind: FieldKind,
        name: &str,
        diagnostics: &mut FormDiagnostics,
    ) -> String {
        let written = match kind {
            FieldKind::TextArea => self.raw_text_content(id),
            _ => self.tree.attribute(id, "value").unwrap_or_default().to_owned(),
        };
        let value = self.sanitize(&written, self.tree.nodes[id].line, name, diagnostics);
        match kind {
            FieldKind::Text | FieldKind::Password => value.replace('\n', ""),
            FieldKind::Checkbox if value.is_empty() => DEFAULT_CHECKED_VALUE.into(),
            FieldKind::Radio if self.tree.attribute(id, "value").is_none() => DEFAULT_CHECKED_VALUE.into(),
            _ => value,
        }
    }

    fn read_options(
        &self,
        list: NodeId,
        kind: FieldKind,
        name: &str,
        diagnostics: &mut FormDiagnostics,
    ) -> Vec<SelectOption> {
        let tree = self.tree;
        let mut options = Vec::new();
        for id in tree.descendants(list).filter(|node| tree.element_name(*node) == Some("option")) {
            let group = tree.nodes[id].parent.filter(|parent| tree.element_name(*parent) == Some("optgroup"));
            let is_disabled = |id| tree.attribute(id, "disabled").is_some();
            if is_disabled(id) || group.is_some_and(is_disabled) {
                continue;
            }
            let line = tree.nodes[id].line;
            let text = self.raw_text_content(id);
            let written =
                tree.attribute(id, "value").map_or_else(|| collapse_whitespace(&text), str::to_owned);
            let value = self.sanitize(&written, line, name, diagnostics);
            if value.is_empty() && kind == FieldKind::SelectMultiple {
                diagnostics.warn(line, format!("a choice of `{name}` has no value, and is left out"));
                continue;
            }
            let own = tree.attribute(id, "label").filter(|label| !label.is_empty()).unwrap_or(&text);
            let group = group.and_then(|group| tree.attribute(group, "label")).unwrap_or_default();
            let separator = if group.is_empty() { "" } else { ": " };
            let label =
                opkg::collapse_whitespace(&self.substitute_image(&format!("{group}{separator}{own}")));
            options.push(SelectOption { value, label, selected: tree.attribute(id, "selected").is_some() });
        }
        // Browsers select the first option of a list with one visible line if no other is selected.
        let is_open = tree.attribute(list, "size").and_then(parse_integer).is_some_and(|size| size > 1);
        if kind == FieldKind::Select {
            let last = options.iter().rposition(|option| option.selected);
            let chosen = last.or((!is_open && !options.is_empty()).then_some(0));
            for (at, it) in options.iter_mut().enumerate() {
                it.selected = Some(at) == chosen;
            }
        }
        options
    }

    fn sanitize(&self, written: &str, line: u64, name: &str, diagnostics: &mut FormDiagnostics) -> String {
        let mut value = normalize_newlines(&self.substitute_image(written));
        if !value.chars().all(is_allowed_char) {
            value.retain(is_allowed_char);
            diagnostics
                .warn(line, format!("a value of `{name}` holds control characters, which are left out"));
        }
        value
    }

    fn raw_text_content(&self, id: NodeId) -> String {
        let text = |node: NodeId| match &self.tree.nodes[node].data {
            NodeData::Text(text) => text.as_str(),
            _ => "",
        };
        // The text of an input inside a label is not part of the label.
        let in_input = |node: NodeId| {
            let mut between = self.tree.ancestors(node).take_while(|ancestor| *ancestor != id);
            between.any(|ancestor| is_labelable(self.tree, ancestor))
        };
        self.tree.descendants(id).filter(|node| !in_input(*node)).map(text).collect()
    }

    fn is_in_form(&self, id: NodeId) -> bool {
        let owner = match self.tree.attribute(id, "form") {
            Some(form) => self.nodes_by_id.get(form).copied(),
            None => self.tree.form_owners.get(&id).copied(),
        };
        owner == self.form_id
    }

    fn is_disabled(&self, id: NodeId) -> bool {
        let tree = self.tree;
        let has = |id| tree.attribute(id, "disabled").is_some();
        let mut below = id;
        for above in tree.ancestors(id) {
            let is_legend = |child: &NodeId| tree.element_name(*child) == Some("legend");
            let in_legend = tree.nodes[above].children.iter().copied().find(is_legend) == Some(below);
            if tree.element_name(above) == Some("fieldset") && has(above) && !in_legend {
                return true;
            }
            below = above;
        }
        has(id)
    }
}

fn is_labelable(tree: &Dom, id: NodeId) -> bool {
    matches!(tree.element_name(id), Some("input" | "textarea" | "select" | "button"))
}

/// A number as HTML reads it; anything after it is ignored.
fn parse_integer(text: &str) -> Option<usize> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}
