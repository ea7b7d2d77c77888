//! `config.xml` as XML, of whatever format.

use std::borrow::Cow;
use std::path::Path;

use crate::decode::decode;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{CONFIG_FILE, Source, canonical_directory, read_config};
use crate::xml;

/// The text of `config.xml`, made safe for an XML parser: it is decoded, its document type
/// is gone, and it stays within [`crate::limits`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markup {
    /// As it was written.
    pub source: Source,
    /// Whether a document type stood there. It is neither fetched nor read.
    pub has_doctype: bool,
    /// Bytes of the same meaning as in the source, the document type blanked out.
    text: String,
}

/// Why the markup of a directory cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkupError {
    /// What the diagnostic points into; nothing where there is no text to be shown.
    pub source: Option<Source>,
    pub diagnostic: Diagnostic,
}

/// Reads the `config.xml` of a directory as [`crate::load`] does, whatever form it has.
///
/// # Errors
/// When there is none, or it is not well-formed XML in an encoding that the format knows.
pub fn read_markup(dir: &Path) -> Result<Markup, Box<MarkupError>> {
    let without_text = |diagnostic| Box::new(MarkupError { source: None, diagnostic });
    let bytes = canonical_directory(dir).and_then(|root| read_config(&root)).map_err(without_text)?;
    let decoded = decode(&bytes);
    let source = decoded.text.map(|text| Source { path: dir.join(CONFIG_FILE), text });
    let error = decoded.diagnostic.filter(|diagnostic| diagnostic.severity == Severity::Error);
    let source = match (source, error) {
        (source, Some(diagnostic)) => return Err(Box::new(MarkupError { source, diagnostic })),
        (Some(source), None) => source,
        (None, None) => {
            return Err(without_text(Diagnostic::error("encoding", "the file holds no text")));
        }
    };
    let checked = xml::strip_doctype(&source.text).and_then(|(text, doctype)| {
        xml::check_limits(&text)?;
        xml::parse(&text)?;
        Ok((Cow::into_owned(text), doctype.is_some()))
    });
    match checked {
        Ok((text, has_doctype)) => Ok(Markup { source, has_doctype, text }),
        Err(diagnostic) => Err(Box::new(MarkupError { source: Some(source), diagnostic })),
    }
}

impl Markup {
    /// The tree. Positions in it are those of the source's text.
    ///
    /// # Errors
    /// None in practice: the text was parsed when it was read.
    pub fn parse(&self) -> Result<roxmltree::Document<'_>, Box<MarkupError>> {
        xml::parse(&self.text)
            .map_err(|diagnostic| Box::new(MarkupError { source: Some(self.source.clone()), diagnostic }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with_config(text: &[u8]) -> Result<Markup, Box<MarkupError>> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(CONFIG_FILE), text).unwrap();
        read_markup(dir.path())
    }

    #[test]
    fn any_form_is_read() {
        let read = with_config(b"<?xml version='1.0' encoding='latin1'?><!DOCTYPE a><b>\xe9</b>").unwrap();
        assert!(read.has_doctype);
        let tree = read.parse().unwrap();
        let element = tree.root_element();
        assert_eq!(element.text(), Some("é"));
        assert_eq!(&read.source.text[element.range()], "<b>é</b>");
    }

    #[test]
    fn what_cannot_be_read_is_shown_where_it_is() {
        assert_eq!(with_config(b"<a>").unwrap_err().diagnostic.code, "xml");
        assert_eq!(with_config(b"\xff\xfe<\0").unwrap_err().source, None);
        let bomb = with_config(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>").unwrap_err();
        assert_eq!((bomb.diagnostic.code.as_str(), bomb.source.is_some()), ("doctype-subset", true));
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(read_markup(empty.path()).unwrap_err().diagnostic.code, "config-missing");
    }
}
