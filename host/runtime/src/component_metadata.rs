//! What a component says of itself for those who distribute it: the custom sections that tools of WebAssembly write,
//! each a text.

use opkg_interface::text::one_line;
use serde::Serialize;
use wasmparser::{Chunk, Parser, Payload};

/// What the sections of a component say, each as one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ComponentMetadata {
    /// Who made it.
    pub authors: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// An expression of SPDX.
    pub licenses: Option<String>,
    /// The address of its sources.
    pub source: Option<String>,
    /// The address where one reads of it.
    pub homepage: Option<String>,
    /// Of its sources.
    pub revision: Option<String>,
}

impl ComponentMetadata {
    /// Reads the outermost sections; those that cannot be read say nothing.
    #[must_use]
    pub fn read(component: &[u8]) -> Self {
        let mut metadata = Self::default();
        let mut parser = Parser::new(0);
        let mut rest = component;
        while let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) {
            rest = &rest[consumed..];
            match payload {
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => {
                    match rest.get(unchecked_range.end - unchecked_range.start..) {
                        Some(behind) => rest = behind,
                        None => break,
                    }
                }
                Payload::CustomSection(section) => metadata.take(section.name(), section.data()),
                Payload::End(_) => break,
                _ => {}
            }
        }
        metadata
    }

    fn take(&mut self, name: &str, contents: &[u8]) {
        let field = match name {
            "authors" => &mut self.authors,
            "description" => &mut self.description,
            "licenses" => &mut self.licenses,
            "source" => &mut self.source,
            "homepage" => &mut self.homepage,
            "revision" => &mut self.revision,
            _ => return,
        };
        *field = std::str::from_utf8(contents).ok().map(one_line).filter(|it| !it.is_empty());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn outermost_sections_count() {
        let component = wat::parse_str(
            r#"(component
                (@custom "licenses" "GPL-2.0-or-later")
                (@custom "description" "A plugin\nfor tests")
                (@custom "authors" "\ff")
                (@custom "other" "x")
                (core module (@custom "source" "inner"))
                (@custom "homepage" "https://example.org"))"#,
        )
        .unwrap();
        let expected = ComponentMetadata {
            description: Some("A plugin for tests".into()),
            licenses: Some("GPL-2.0-or-later".into()),
            homepage: Some("https://example.org".into()),
            ..ComponentMetadata::default()
        };
        assert_eq!(ComponentMetadata::read(&component), expected);
        assert_eq!(ComponentMetadata::read(b"no component"), ComponentMetadata::default());
    }
}
