//! `payloads`: what others have built, and what is taken of it.

use std::ops::Range;

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use super::values::{self, read_choice};
use crate::arch;
use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::limits::{MAX_PAYLOAD_PATTERNS, MAX_PAYLOAD_SOURCE_CHARS, MAX_PAYLOAD_STRIP, MAX_PAYLOADS};
use crate::model::{Part, Payload, PayloadForm, PayloadTake};
use crate::text::escape_for_display;
use crate::tree::is_known_top_level_name;

/// Of what is wrong with an element.
const CODE: &str = "payload";

const FORMS: [(&str, PayloadForm); 5] = [
    ("tar", PayloadForm::Tar),
    ("rpm", PayloadForm::Rpm),
    ("deb", PayloadForm::Deb),
    ("file", PayloadForm::File),
    ("directory", PayloadForm::Directory),
];

/// How the names of archives end, whatever these are compressed with.
const ENDINGS: [(&str, PayloadForm); 16] = [
    ("/", PayloadForm::Directory),
    (".rpm", PayloadForm::Rpm),
    (".deb", PayloadForm::Deb),
    (".tar", PayloadForm::Tar),
    (".tar.gz", PayloadForm::Tar),
    (".tgz", PayloadForm::Tar),
    (".tar.xz", PayloadForm::Tar),
    (".txz", PayloadForm::Tar),
    (".tar.zst", PayloadForm::Tar),
    (".tar.zstd", PayloadForm::Tar),
    (".tzst", PayloadForm::Tar),
    (".tar.lzma", PayloadForm::Tar),
    (".tlz", PayloadForm::Tar),
    (".tar.bz2", PayloadForm::Tar),
    (".tbz2", PayloadForm::Tar),
    (".tbz", PayloadForm::Tar),
];

/// Schemes of addresses that payloads can be fetched from.
const SCHEMES: [&str; 3] = ["https://", "http://", "file:///"];

/// All payloads in the order of the file. What is in them is not known here.
pub(super) fn read_payloads(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<Payload> {
    let mut payloads = Vec::new();
    let mut patterns_left = MAX_PAYLOAD_PATTERNS;
    for group in reader.children_named(root, "payloads") {
        reader.check_container(group, &["payload"], &[]);
        let elements = reader.children_named(group, "payload");
        if elements.is_empty() {
            reader.report_empty(group);
        }
        for element in elements {
            if payloads.len() >= MAX_PAYLOADS {
                let message = format!("more than {MAX_PAYLOADS} `payload` elements");
                let help = "put what belongs together into one archive";
                reader.report(reader.tag_range(element), Diagnostic::error(CODE, message).help(help));
                return payloads;
            }
            payloads.extend(read_payload(reader, element, &mut patterns_left));
        }
    }
    payloads
}

/// Nothing where it has no source that can be read, which was reported.
fn read_payload(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    patterns_left: &mut usize,
) -> Option<Payload> {
    reader.check_container(element, &["take", "omit"], &["source", "from", "part", "arch", "strip"]);
    reader.check_order(element, &[&["take"], &["omit"]]);
    let part = read_part(reader, element);
    let arch = read_arch(reader, element);
    let strip = read_strip(reader, element);
    let Some((source, range)) = reader.attribute(element, "source") else {
        let diagnostic = Diagnostic::error(CODE, "the payload has no attribute `source`")
            .help("say where it comes from: `source=\"https://example.org/tool-1.0.tar.gz\"`");
        reader.report(reader.tag_range(element), diagnostic);
        return None;
    };
    let form = read_form(reader, element, &source, &range)?;
    let (source, is_inside) = check_source(reader, &source, form, &range)?;
    let at = reader.add_node(range.clone());
    let count = reader.child_elements(element).len();
    let Some(left) = patterns_left.checked_sub(count) else {
        let message = format!("more than {MAX_PAYLOAD_PATTERNS} `take` and `omit` elements");
        let help = "take a directory with all that is in it: `path=\"lib/\"`";
        reader.report(reader.tag_range(element), Diagnostic::error(CODE, message).help(help));
        return None;
    };
    *patterns_left = left;
    let mut takes = Vec::new();
    for child in reader.children_named(element, "take") {
        takes.extend(read_take(reader, child, form));
    }
    if reader.children_named(element, "take").is_empty() {
        if form == PayloadForm::File {
            let diagnostic = Diagnostic::error(CODE, "nothing says where the file goes")
                .help("add `<take to=\"/usr/bin/tool\" mode=\"0755\"/>`");
            reader.report(reader.tag_range(element), diagnostic);
        }
        takes.push(PayloadTake { at, path: "/".into(), to: "/".into(), mode: None });
    }
    let mut omits = Vec::new();
    for child in reader.children_named(element, "omit") {
        reader.check_leaf(child, &[], &["path"]);
        match reader.attribute(child, "path") {
            Some((written, range)) => omits.extend(check_pattern(reader, &written, &range, "omit")),
            None => {
                let diagnostic = Diagnostic::error(CODE, "the `omit` has no attribute `path`")
                    .help("say what is left: `path=\"usr/share/doc/\"`");
                reader.report(reader.tag_range(child), diagnostic);
            }
        }
    }
    Some(Payload { at, source, is_inside, form, part: part?, arch, strip, takes, omits, digest: None })
}

fn read_part(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<Part> {
    if !element.has_attribute("part") {
        let diagnostic = Diagnostic::error(CODE, "the payload has no attribute `part`")
            .help("say which part its files are in: `part=\"client\"`, for nodes and their images");
        reader.report(reader.tag_range(element), diagnostic);
    }
    read_choice(reader, element, error, "part", &Part::NAMES)
}

fn read_arch(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<&'static str> {
    let (written, range) = reader.attribute(element, "arch")?;
    let known = arch::canonical_name(&written);
    if known.is_none() {
        let help = match closest_match(&written, arch::all_spellings()) {
            _ if matches!(written.as_str(), "noarch" | "all" | "any") => {
                "leave the attribute out: without it, packages for every architecture have the files"
                    .to_owned()
            }
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are `{}`", arch::CANONICAL_NAMES.join("`, `")),
        };
        values::reject(reader, range, error, "payload", "arch", &written, &help);
    }
    known
}

fn read_strip(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> usize {
    let Some((written, range)) = reader.attribute(element, "strip") else { return 0 };
    let number = written.parse().ok().filter(|number| *number <= MAX_PAYLOAD_STRIP);
    if number.is_none() {
        let help = format!("write how many leading names paths lose: 0 to {MAX_PAYLOAD_STRIP}");
        values::reject(reader, range, error, "payload", "strip", &written, &help);
    }
    number.unwrap_or(0)
}

/// As the attribute `from` says, or else the name of the source.
fn read_form(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    source: &str,
    range: &Range<usize>,
) -> Option<PayloadForm> {
    if element.has_attribute("from") {
        return read_choice(reader, element, error, "from", &FORMS);
    }
    let name = source.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending));
    if ending.is_none() {
        let message = format!("nothing says what `{}` is", escape_for_display(source));
        let help = match name.ends_with(".zip") {
            true => {
                "zip archives are not read: take a tar if there is one, or a directory that it was unpacked into"
            }
            false => {
                "add `from=\"tar\"`, `rpm`, `deb`, `file` for one that is taken as it is, or `directory`"
            }
        };
        reader.report(range.clone(), Diagnostic::error(CODE, message).help(help));
    }
    ending.map(|(_, form)| *form)
}

/// The source, and whether it is inside of the OPKG.
fn check_source(
    reader: &mut ElementReader<'_>,
    source: &str,
    form: PayloadForm,
    range: &Range<usize>,
) -> Option<(String, bool)> {
    let mut refuse = |help: &str| {
        values::reject(reader, range.clone(), error, "payload", "source", source, help);
        None
    };
    if source.chars().count() > MAX_PAYLOAD_SOURCE_CHARS {
        return refuse(&format!("it has more than {MAX_PAYLOAD_SOURCE_CHARS} characters"));
    }
    if source.contains("://") {
        let Some(scheme) = SCHEMES.iter().find(|scheme| source.starts_with(**scheme)) else {
            return refuse("payloads are fetched from `https://`, `http://` and `file:///`");
        };
        if form == PayloadForm::Directory {
            return refuse("a directory lies in the OPKG: write its path in there");
        }
        let rest = &source[scheme.len()..];
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if *scheme != "file:///" && authority.contains('@') {
            return refuse("whoever gets the package would read the credentials: leave them out");
        }
        let name = rest.split('?').next().unwrap_or_default().trim_end_matches('/').rsplit('/').next();
        if matches!(name, None | Some("" | "." | "..")) {
            return refuse("write the address of a file: its name is at the end");
        }
        let is_name = |c: char| c.is_ascii_graphic() && !"\"#<>\\^`{|}".contains(c);
        if rest.is_empty() || !rest.chars().all(is_name) {
            return refuse(
                "write the address in full, in ASCII and without a `#`; others are written as `%20`",
            );
        }
        return Some((source.to_owned(), false));
    }
    let path = source.strip_suffix('/').filter(|_| form == PayloadForm::Directory).unwrap_or(source);
    if !path.split('/').all(|name| !matches!(name, "" | "." | "..")) {
        return refuse(
            "a path leads to something in the directory of the OPKG, without `.` and `..`; what lies elsewhere has an \
             address: `file:///srv/tool.tar.gz`",
        );
    }
    let top = path.split('/').next().unwrap_or_default();
    if is_known_top_level_name(top) {
        let help = format!("`{top}` is packaged already: put it elsewhere, as into `payloads/`");
        return refuse(&help);
    }
    Some((path.to_owned(), true))
}

/// Nothing where it cannot be meant, which was reported.
fn read_take(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    form: PayloadForm,
) -> Option<PayloadTake> {
    reader.check_leaf(element, &[], &["path", "to", "mode"]);
    let at_range = reader.tag_range(element);
    let mode = read_mode(reader, element);
    let path = match reader.attribute(element, "path") {
        Some((written, range)) => check_pattern(reader, &written, &range, "take")?,
        None => "/".to_owned(),
    };
    let has_many = path.ends_with('/') || path.contains(['*', '?']);
    let (to, range) = match reader.attribute(element, "to") {
        Some(to) => to,
        None if form == PayloadForm::File => {
            let diagnostic = Diagnostic::error(CODE, "nothing says where the file goes")
                .help("add `to=\"/usr/bin/tool\"`");
            reader.report(at_range, diagnostic);
            return None;
        }
        // Where it is in the source, from the root on.
        None => match path.rsplit_once('/') {
            _ if path == "/" => ("/".to_owned(), at_range.clone()),
            _ if path.ends_with('/') => (format!("/{path}"), at_range.clone()),
            Some((directory, _)) => (format!("/{directory}/"), at_range.clone()),
            None => ("/".to_owned(), at_range.clone()),
        },
    };
    if to.contains(['*', '?']) && !element.has_attribute("to") {
        let diagnostic =
            Diagnostic::error(CODE, "nothing says where the files go").help("add `to=\"/usr/lib/tool/\"`");
        reader.report(range, diagnostic);
        return None;
    }
    let clean = to.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let is_clean = |name: &str| !matches!(name, "" | "." | "..");
    if !clean.is_some_and(|rest| rest.is_empty() || rest.split('/').all(is_clean)) {
        let help = "write where it is installed from `/` on, without `.` and `..`: `/usr/bin/tool`";
        values::reject(reader, range, error, "take", "to", &to, help);
        return None;
    }
    if has_many && form != PayloadForm::File && !to.ends_with('/') {
        let message = format!("several files are to be installed as `{}`", escape_for_display(&to));
        let help = format!("where they go is a directory: write `{}/`", escape_for_display(&to));
        reader.report(range, Diagnostic::error(CODE, message).help(help));
        return None;
    }
    Some(PayloadTake { at: reader.add_node(at_range), path, to, mode })
}

fn read_mode(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<u32> {
    let (written, range) = reader.attribute(element, "mode")?;
    let is_octal = matches!(written.len(), 3..=4) && written.chars().all(|digit| digit.is_digit(8));
    let mode = u32::from_str_radix(&written, 8).ok().filter(|mode| is_octal && *mode <= 0o777);
    if mode.is_none() {
        let help = "write it as chmod takes it, in octal: `0755`; other bits are given by `<files>`";
        values::reject(reader, range, error, "take", "mode", &written, help);
    }
    mode
}

/// A pattern without a `/` in front, or `/`.
fn check_pattern(
    reader: &mut ElementReader<'_>,
    written: &str,
    range: &Range<usize>,
    element: &str,
) -> Option<String> {
    if written == "/" {
        return Some(written.to_owned());
    }
    let path = written.strip_prefix("./").or_else(|| written.strip_prefix('/')).unwrap_or(written);
    let names = path.strip_suffix('/').unwrap_or(path);
    if names.split('/').all(|name| !matches!(name, "" | "." | ".." | "**")) {
        return Some(path.to_owned());
    }
    let help = "write the path that it has in the source: `bin/tool`; `*` and `?` stand for parts of a name, and a `/` at \
                the end for all that is below";
    values::reject(reader, range.clone(), error, element, "path", written, help);
    None
}

fn error(message: String) -> Diagnostic {
    Diagnostic::error(CODE, message)
}
