//! Parses the bytes of a file into a form.

use crate::build_form::build_form;
use crate::diagnostic::{FormDiagnostic, FormDiagnostics, FormError};
use crate::dom::{Dom, LimitExceeded, NodeData};
use crate::flow;
use crate::form::Form;
use crate::limits;

impl Form {
    /// Reads a form as a browser would, with diagnostics about what is ignored. `image` is the name of the image that
    /// it is for, which replaces `@IMAGENAME@`.
    ///
    /// The file is in UTF-8, or else in windows-1252, as browsers read it.
    ///
    /// # Errors
    /// When it goes beyond [`limits`], is in another encoding, or has a field whose name cannot be stored.
    pub fn parse(bytes: &[u8], image: Option<&str>) -> Result<(Self, Vec<FormDiagnostic>), FormError> {
        if bytes.len() > limits::FORM_BYTES {
            return Err(FormError::TooLarge);
        }
        let mut diagnostics = FormDiagnostics::default();
        let text = decode(bytes, &mut diagnostics)?;
        let tree = Dom::parse(&text).map_err(|limit| match limit {
            LimitExceeded::Nodes => FormError::TooManyNodes,
            LimitExceeded::Depth => FormError::TooDeep,
        })?;
        report_ignored(&tree, &mut diagnostics);
        let page = flow::read_page(&tree, image, &mut diagnostics)?;
        let form = build_form(page, &mut diagnostics);
        Ok((form, diagnostics.into_sorted()))
    }
}

fn decode(bytes: &[u8], diagnostics: &mut FormDiagnostics) -> Result<String, FormError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(FormError::UnsupportedEncoding);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            diagnostics.warn(1, "the form is not UTF-8, and read as windows-1252; save it as UTF-8");
            opkg_encoding::decode_windows_1252(bytes)
        }
    })
}

/// Diagnostics about ignored elements and attributes. Inputs are checked when they are read.
fn report_ignored(tree: &Dom, diagnostics: &mut FormDiagnostics) {
    let mut forms = 0;
    for id in tree.descendants(Dom::ROOT) {
        let (NodeData::Element(name, attributes), line) = (&tree.nodes[id].data, tree.nodes[id].line) else {
            continue;
        };
        let name = &*name.local;
        let has = |name| attributes.iter().any(|(attribute, _)| attribute == name);
        match name {
            "script" | "iframe" | "frame" | "object" | "embed" | "applet" | "audio" | "video" | "canvas"
            | "svg" | "math" => diagnostics.warn(line, format!("the element `{name}` is left out")),
            "img" => diagnostics.note(line, "an image is left out"),
            "button" => diagnostics.note(line, "a button is left out"),
            "link" => diagnostics.note(line, "a link to another file is left out"),
            "a" | "area" if has("href") => diagnostics.note(line, "a link is left out; its text stays"),
            "form" => {
                forms += 1;
                if forms > 1 {
                    diagnostics.warn(line, "only the first form of a page is read");
                }
                if has("action") {
                    diagnostics.note(line, "`action` is left out: the configurator takes the answers itself");
                }
            }
            _ => {}
        }
        for (attribute, _) in attributes.iter().filter(|(attribute, _)| attribute.starts_with("on")) {
            diagnostics.warn(
                line,
                format!("the event handler `{}` is left out", opkg::escape_for_display(attribute)),
            );
        }
    }
}
