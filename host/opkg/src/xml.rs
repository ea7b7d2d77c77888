//! From text to an XML tree. What could make the parser slow or talk to the world is settled before it runs,
//! and its complaints become diagnostics that say what to do.

use std::borrow::Cow;
use std::ops::Range;

use roxmltree::{Document, Error, ParsingOptions};

use crate::diagnostic::{Diagnostic, Location};
use crate::limits;
use crate::text::{byte_offset, escape_for_display};

/// The text with its `<!DOCTYPE …>` made blanks, so that all positions stay, and where that was. A definition
/// that brings declarations of its own is refused.
pub(crate) fn strip_doctype(text: &str) -> Result<(Cow<'_, str>, Option<Range<usize>>), Diagnostic> {
    let Some(start) = find_doctype(text) else {
        return Ok((Cow::Borrowed(text), None));
    };
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => {
                return Err(Diagnostic::error(
                    "doctype-subset",
                    "the document type has declarations of its own",
                )
                .at(Location::Config(start..at + 1))
                .help(
                    "remove the whole `<!DOCTYPE …>`: the format has no entities besides those of XML itself",
                ));
            }
            (None, b'>') => {
                let range = start..at + 1;
                let blank: String =
                    text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
                let blanked = [&text[..start], &blank, &text[range.end..]].concat();
                return Ok((Cow::Owned(blanked), Some(range)));
            }
            _ => {}
        }
    }
    Err(Diagnostic::error("xml", "the document type does not end")
        .at(Location::Config(start..start + 9))
        .help("remove it"))
}

/// Where the document type begins; only comments and instructions may stand before it.
fn find_doctype(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let trimmed = rest.trim_ascii_start();
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("<!DOCTYPE") {
            return Some(at);
        } else if let Some(comment) = trimmed.strip_prefix("<!--") {
            at += 4 + comment.find("-->")? + 3;
        } else if trimmed.starts_with("<?") {
            at += trimmed.find("?>")? + 2;
        } else {
            return None;
        }
    }
}

/// Refuses what is well-formed, but made to exhaust the parser: depth, attributes and namespaces without end.
/// Where the text is not well-formed it stops, since the parser is going to say so.
pub(crate) fn check_limits(text: &str) -> Result<(), Diagnostic> {
    let (mut depth, mut namespaces) = (0usize, 0usize);
    let reject = |range: Range<usize>, message: &str| {
        Err(Diagnostic::error("xml-limit", message)
            .at(Location::Config(range))
            .help("this exceeds a limit of the format; check the program that generated it"))
    };
    for piece in pieces(text) {
        let (start, tag) = match piece {
            Piece::Tag(start, tag) => (start, tag),
            Piece::Other => continue,
            Piece::Broken => return Ok(()),
        };
        let range = start..start + 1;
        if tag.is_end {
            depth = depth.saturating_sub(1);
            continue;
        }
        depth += usize::from(!tag.is_empty);
        namespaces += tag.namespaces;
        if depth > limits::MAX_XML_DEPTH {
            return reject(range, &format!("more than {} levels of nested elements", limits::MAX_XML_DEPTH));
        }
        if tag.attributes > limits::MAX_XML_ATTRIBUTES {
            return reject(
                range,
                &format!("an element with more than {} attributes", limits::MAX_XML_ATTRIBUTES),
            );
        }
        if namespaces > limits::MAX_XML_NAMESPACES {
            return reject(range, &format!("more than {} namespaces", limits::MAX_XML_NAMESPACES));
        }
    }
    Ok(())
}

/// What begins with `<`.
enum Piece {
    /// Where it begins.
    Tag(usize, Tag),
    /// A comment, a section of text, an instruction.
    Other,
    /// It does not end, or no tag can be there.
    Broken,
}

/// All that begins with `<`, from the beginning of a text on.
fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.find('<')?;
        let rest = &text[start..];
        let skip = |opening: &str, closing: &str| {
            rest.strip_prefix(opening)
                .map(|inside| inside.find(closing).map(|end| opening.len() + end + closing.len()))
        };
        let other = skip("<!--", "-->").or_else(|| skip("<![CDATA[", "]]>")).or_else(|| skip("<?", "?>"));
        let (length, piece) = match other {
            Some(Some(length)) => (length, Piece::Other),
            Some(None) => (rest.len(), Piece::Broken),
            None => match Tag::scan(&rest[1..]) {
                Some(tag) => (1 + tag.length, Piece::Tag(start, tag)),
                None => (rest.len(), Piece::Broken),
            },
        };
        at = start + length;
        Some(piece)
    })
}

/// What counts about a tag.
struct Tag {
    /// Up to and with the `>`.
    length: usize,
    is_end: bool,
    is_empty: bool,
    attributes: usize,
    namespaces: usize,
}

impl Tag {
    /// Of the text behind a `<`; nothing where no tag can be.
    fn scan(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (mut attributes, mut namespaces, mut quote) = (0, 0, None);
        for (at, &byte) in bytes.iter().enumerate() {
            match (quote, byte) {
                (_, b'<') => return None,
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => attributes += 1,
                (None, b'x') if bytes[at..].starts_with(b"xmlns") => namespaces += 1,
                (None, b'>') => {
                    return Some(Self {
                        length: at + 1,
                        is_end: bytes[0] == b'/',
                        is_empty: at > 0 && bytes[at - 1] == b'/',
                        attributes,
                        namespaces,
                    });
                }
                _ => {}
            }
        }
        None
    }
}

/// The tree of a text that has passed [`strip_doctype`] and [`check_limits`].
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Diagnostic> {
    let options = ParsingOptions { nodes_limit: limits::MAX_XML_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| to_diagnostic(text, &error))
}

/// The parser's complaint in plain words.
fn to_diagnostic(text: &str, error: &Error) -> Diagnostic {
    let position = error.pos();
    let at = match error {
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => text.trim_end().len().saturating_sub(1),
        _ => byte_offset(text, position.row as usize, position.col as usize),
    };
    let at = text.floor_char_boundary(at);
    let mut range = at..at + text[at..].chars().next().map_or(0, char::len_utf8);
    let mut related = None;
    let (message, help) = match error {
        Error::NodesLimitReached | Error::AttributesLimitReached | Error::NamespacesLimitReached => {
            return Diagnostic::error(
                "xml-limit",
                format!("more than {} elements and texts", limits::MAX_XML_NODES),
            )
            .at(Location::Config(0..0))
            .help("this exceeds a limit of the format; check the program that generated it");
        }
        Error::NoRootNode => {
            ("there is no element".into(), "an OPKG's `config.xml` is one `<oscar>` element")
        }
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            related = open_tag(text, text.len()).map(|tag| (tag, "this element is not closed"));
            (
                "the file ends before its elements do".to_owned(),
                "see whether it was cut off, or a tag is missing",
            )
        }
        Error::UnexpectedCloseTag(expected, actual, _) => {
            range = at..at + text[at..].find('>').map_or(1, |end| end + 1);
            related = open_tag(text, at).map(|tag| (tag, "this element is still open"));
            let message = format!(
                "`</{}>` stands where `</{}>` should",
                escape_for_display(actual),
                escape_for_display(expected)
            );
            (message, "close the elements in the reverse order in which they were opened")
        }
        Error::UnknownEntityReference(name, _) => {
            range = at..at + text[at..].find(';').map_or(1, |end| end + 1);
            (
                format!("XML knows no entity `&{};`", escape_for_display(name)),
                "write the character itself, or its number: `&#160;`",
            )
        }
        Error::MalformedEntityReference(_) if text[at..].starts_with("&#") => {
            range = at..at + text[at..].find(';').map_or(2, |end| end + 1);
            (
                format!(
                    "`{}` is the number of no character that XML has",
                    escape_for_display(&text[range.clone()])
                ),
                "remove it; control characters have no place in XML, whichever way they are written",
            )
        }
        Error::MalformedEntityReference(_) => {
            ("a `&` that begins no entity".into(), "write `&amp;` where an ampersand is meant")
        }
        Error::InvalidAttributeValue(_) => ("a `<` inside of an attribute".into(), "write `&lt;`"),
        Error::DuplicatedAttribute(name, _) => {
            related = first_attribute(text, at, name).map(|first| (first, "the first"));
            (format!("the attribute `{}` stands here twice", escape_for_display(name)), "remove one of them")
        }
        Error::NonXmlChar(c, _) => {
            (format!("the character U+{:04X} may not stand in XML", u32::from(*c)), "remove it")
        }
        Error::InvalidComment(_) => ("a comment with `--` inside of it".into(), "write a single `-`"),
        Error::UnknownNamespace(prefix, _) => (
            format!("the namespace prefix `{}:` is nowhere declared", escape_for_display(prefix)),
            "remove the prefix",
        ),
        Error::UnexpectedDeclaration(_) => {
            ("the XML declaration does not stand at the very beginning".into(), "remove what is before it")
        }
        Error::DtdDetected => ("a document type where none may be".into(), "remove it"),
        other => {
            let message = other.to_string().replace(&format!(" at {position}"), "");
            (
                format!("this is not well-formed XML: {}", escape_for_display(&message)),
                "correct the markup here",
            )
        }
    };
    let diagnostic = Diagnostic::error("xml", message).at(Location::Config(range)).help(help);
    match related {
        Some((place, what)) => diagnostic.related(Location::Config(place), what),
        None => diagnostic,
    }
}

/// The innermost element that is open at a byte: its tag up to the end of the name.
fn open_tag(text: &str, end: usize) -> Option<Range<usize>> {
    let mut open = Vec::new();
    for piece in pieces(&text[..end]) {
        match piece {
            Piece::Tag(_, tag) if tag.is_end => drop(open.pop()),
            Piece::Tag(start, tag) if !tag.is_empty => open.push(start),
            Piece::Tag(..) | Piece::Other => {}
            Piece::Broken => break,
        }
    }
    let start = open.pop()?;
    Some(start..start + 1 + name_length(&text[start + 1..]))
}

/// The attribute of this name that stands first in the tag around a byte.
fn first_attribute(text: &str, at: usize, name: &str) -> Option<Range<usize>> {
    let start = text[..at].rfind('<')?;
    let mut quote = None;
    for (offset, byte) in text[start..at].bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, _) if byte.is_ascii_whitespace() => {
                let begin = start + offset + 1;
                // As its prefix belongs to it, another attribute may end with the same name.
                let written = &text[begin..begin + name_length(&text[begin..])];
                if written.rsplit(':').next() == Some(name) {
                    return Some(begin..begin + written.len());
                }
            }
            _ => {}
        }
    }
    None
}

/// Bytes of a name at the beginning of a text.
fn name_length(text: &str) -> usize {
    text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '=')).unwrap_or(text.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse_error(text: &str) -> (String, Range<usize>) {
        let result = strip_doctype(text).and_then(|(text, _)| {
            check_limits(&text)?;
            parse(&text).map(drop)
        });
        let diagnostic = result.unwrap_err();
        let Some(Location::Config(range)) = diagnostic.location else { panic!("no place") };
        (diagnostic.code, range)
    }

    #[test]
    fn a_document_type_is_blanked_out() {
        let text = "<?xml version='1.0'?>\n<!-- <!DOCTYPE no> --><!DOCTYPE a SYSTEM\n '>[ä'>\n<a/>";
        let (blanked, range) = strip_doctype(text).unwrap();
        assert_eq!(blanked.len(), text.len());
        assert_eq!(blanked.matches('\n').count(), text.matches('\n').count());
        assert!(text[range.unwrap()].ends_with("'>[ä'>"));
        assert!(parse(&blanked).is_ok());
        assert_eq!(strip_doctype("<a><!DOCTYPE b></a>").unwrap().1, None);
    }

    #[test]
    fn declarations_inside_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"&c;&c;\">]><a>&b;</a>";
        assert_eq!(parse_error(bomb), ("doctype-subset".into(), 0..13));
        assert_eq!(parse_error("<!DOCTYPE a").0, "xml");
    }

    #[test]
    fn what_is_made_to_exhaust_the_parser() {
        let deep = format!("{}{}", "<a>".repeat(1_000_000), "</a>".repeat(1_000_000));
        assert_eq!(parse_error(&deep).0, "xml-limit");
        let wide: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
        assert_eq!(parse_error(&format!("<a{wide}/>")).0, "xml-limit");
        let named: String = (0..100).map(|n| format!("<a xmlns:n{n}='x'/>")).collect();
        assert_eq!(parse_error(&format!("<a>{named}</a>")).0, "xml-limit");
        assert_eq!(parse_error(&format!("<a>{}</a>", "<b/>".repeat(300_000))).0, "xml-limit");
    }

    #[test]
    fn ordinary_markup_is_within_the_limits() {
        let text = "<a x='1>2' y=\"=====\"><!-- <b><b> --><![CDATA[<b><b>]]><?p <b>?><c/></a>";
        assert!(check_limits(text).is_ok());
        let many = "<a><b/></a>".repeat(1000);
        assert!(check_limits(&many).is_ok());
    }

    /// Both places that a complaint is about.
    #[test]
    fn complaints_about_two_places_show_both() {
        for (text, message, first) in [
            ("<a>\n<b>\n</a>", "`</a>` stands where `</b>` should", "<b"),
            ("<a x='/> '><!-- <c> --><b><d/></b></c></a>", "`</c>` stands where `</a>` should", "<a"),
            ("<a><b y='/'><c>", "the file ends before", "<c"),
            ("<a><b/><c></c>", "the file ends before", "<a"),
            ("<a b='1' c=' b=' b='2'/>", "`b` stands here twice", "b"),
            ("<a>\n<b\n c='1'\n d='' c='2'/></a>", "`c` stands here twice", "c"),
        ] {
            let diagnostic = parse(text).map(drop).unwrap_err();
            assert!(diagnostic.message.contains(message), "{text}: {}", diagnostic.message);
            let [(Location::Config(place), _)] = &diagnostic.related[..] else {
                panic!("{text}: {diagnostic:?}")
            };
            assert_eq!(&text[place.clone()], first, "{text}");
            let Some(Location::Config(at)) = diagnostic.location else { panic!("{text}: no place") };
            assert!(place.start < at.start, "{text}");
        }
    }

    #[test]
    fn complaints_have_a_place() {
        for (text, at) in [
            ("", 0..0),
            ("text", 0..1),
            ("<a>", 2..3),
            ("<a>\n<b>\n</a>", 8..12),
            ("<a>&nbsp;</a>", 3..9),
            ("<a>x & y</a>", 5..6),
            ("<a>x&#27;y</a>", 4..9),
            ("<a b='<'/>", 6..7),
            ("<a>\u{1}</a>", 3..4),
            ("<a b='1' b='2'/>", 9..10),
            ("<a/><b/>", 4..5),
            ("<a><!-- a -- b --></a>", 3..4),
            ("<n:a/>", 1..2),
        ] {
            assert_eq!(parse_error(text), ("xml".into(), at), "{text}");
        }
    }
}
