//! From the bytes of a file to a form.

use crate::assemble::assemble;
use crate::finding::{Finding, Findings, FormError};
use crate::flow;
use crate::form::Form;
use crate::limits;
use crate::tree::{Data, Excess, Tree};

impl Form {
    /// Reads a form as a browser would, and says what of it is left out. `image` is the image that it is for, if it
    /// is one for images: its name stands for `@IMAGENAME@`.
    ///
    /// The file is in UTF-8, or else in ISO-8859-1.
    ///
    /// # Errors
    /// When it goes beyond [`limits`], is in another encoding, or has a field whose name cannot be stored.
    pub fn read(bytes: &[u8], image: Option<&str>) -> Result<(Self, Vec<Finding>), FormError> {
        if bytes.len() > limits::FORM_BYTES {
            return Err(FormError::TooLarge);
        }
        let mut findings = Findings::default();
        let text = decode(bytes, &mut findings)?;
        let tree = Tree::read(&text).map_err(|it| match it {
            Excess::Nodes => FormError::TooManyNodes,
            Excess::Depth => FormError::TooDeep,
        })?;
        name_left_outs(&tree, &mut findings);
        let page = flow::read(&tree, image, &mut findings)?;
        let form = assemble(page, &mut findings);
        Ok((form, findings.finish()))
    }
}

fn decode(bytes: &[u8], findings: &mut Findings) -> Result<String, FormError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(FormError::Encoding);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            findings.warn(1, "the form is not UTF-8, and read as ISO-8859-1; save it as UTF-8");
            bytes.iter().copied().map(char::from).collect()
        }
    })
}

/// What stands in a form and never reaches a face. Inputs are looked at when they are read.
fn name_left_outs(tree: &Tree, findings: &mut Findings) {
    let mut forms = 0;
    for id in tree.descendants(Tree::DOCUMENT) {
        let (Data::Element(name, attributes), line) = (&tree.nodes[id].data, tree.nodes[id].line) else {
            continue;
        };
        let name = &*name.local;
        let has = |name| attributes.iter().any(|(it, _)| it == name);
        match name {
            "script" | "iframe" | "frame" | "object" | "embed" | "applet" | "audio" | "video" | "canvas"
            | "svg" | "math" => findings.warn(line, format!("the element `{name}` is left out")),
            "img" => findings.note(line, "an image is left out"),
            "button" => findings.note(line, "a button is left out"),
            "link" => findings.note(line, "a link to another file is left out"),
            "a" | "area" if has("href") => findings.note(line, "a link is left out; its text stays"),
            "form" => {
                forms += 1;
                if forms > 1 {
                    findings.warn(line, "only the first form of a page is read");
                }
                if has("action") {
                    findings.note(line, "`action` is left out: the configurator takes the answers itself");
                }
            }
            _ => {}
        }
        for (attribute, _) in attributes.iter().filter(|(it, _)| it.starts_with("on")) {
            findings.warn(line, format!("the event handler `{}` is left out", opkg::show(attribute)));
        }
    }
}
