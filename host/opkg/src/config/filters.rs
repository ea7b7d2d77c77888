//! `filters` and the attributes `rel` and `version`: what restricts something to some distributions,
//! architectures or versions.

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_FILTER_ENTRIES;
use crate::model::{Bound, Comparison, DistFilter, Filter};
use crate::text::escape_for_display;
use crate::version::{check_bound, parse_comparison, split_operator};
use crate::{arch, closest_match};

/// The `filters` of an element; what matches anything where there is none.
pub(super) fn read_filter(reader: &mut ElementReader<'_>, parent: XmlNode<'_, '_>) -> Filter {
    let mut filter = Filter::default();
    let Some(element) = reader.single_child(parent, "filters") else {
        return filter;
    };
    reader.check_container(element, &["dist", "arch"], &[]);
    let entries = reader.child_elements(element);
    if entries.len() > MAX_FILTER_ENTRIES {
        let diagnostic = Diagnostic::error(
            "filter-too-long",
            format!("more than {MAX_FILTER_ENTRIES} alternatives in one filter"),
        )
        .help("leave the filter out where the package goes everywhere");
        reader.report(reader.tag_range(element), diagnostic);
        return filter;
    }
    for entry in entries {
        match entry.tag_name().name() {
            "dist" => filter.dists.extend(read_dist(reader, entry)),
            "arch" => {
                let arch = read_arch(reader, entry).filter(|arch| !filter.archs.contains(arch));
                filter.archs.extend(arch);
            }
            _ => {}
        }
    }
    filter
}

fn read_dist(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<DistFilter> {
    reader.check_leaf(element, &[], &["rel", "version"]);
    let written = crate::text::collapse_whitespace(&reader.raw_text(element));
    let range = reader.text_range(element);
    if written.is_empty() {
        reader.report_empty(element);
        return None;
    }
    let id = written.to_ascii_lowercase();
    let is_id = id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'));
    if !is_id {
        let diagnostic = Diagnostic::error(
            "filter-dist",
            format!("`{}` cannot be a distribution", escape_for_display(&written)),
        )
        .help("write its id alone; a version belongs into the attribute `version`");
        reader.report(range, diagnostic);
        return None;
    }
    let bound = read_bound(reader, element, true);
    Some(DistFilter { at: reader.add_node(range), id, bound })
}

fn read_arch(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<String> {
    let written = reader.text_line(element)?;
    let known = arch::canonical_name(&written);
    if known.is_none() {
        let help = match closest_match(&written, arch::all_spellings()) {
            _ if matches!(written.as_str(), "noarch" | "all" | "any") => {
                "leave the `arch` out: without one, the package goes on every architecture".to_owned()
            }
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are `{}`", arch::CANONICAL_NAMES.join("`, `")),
        };
        let message = format!("there is no architecture `{}`", escape_for_display(&written));
        reader.report(reader.text_range(element), Diagnostic::error("filter-arch", message).help(help));
    }
    known.map(str::to_owned)
}

/// The attributes `rel` and `version` of an element, also where the relation stands inside of the version.
/// `is_rel_optional`: whether a version alone is not reported.
pub(super) fn read_bound(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    is_rel_optional: bool,
) -> Option<Bound> {
    let rel = reader.attribute(element, "rel").filter(|(written, _)| !written.is_empty());
    let written = reader.attribute(element, "version");
    let (inside, version) = written.as_ref().map_or(("", ""), |(text, _)| split_operator(text));
    let range = written.as_ref().or(rel.as_ref()).map(|(_, range)| range.clone())?;

    if version.is_empty() {
        if rel.is_none() && inside.is_empty() {
            let diagnostic = Diagnostic::note("empty-attribute", "the version is empty and counts as absent");
            reader.report(range, diagnostic.help("fill it in, or remove the attribute"));
        } else {
            let diagnostic = Diagnostic::error("relation-version", "a relation to no version");
            reader.report(
                range,
                diagnostic.help("add the version: `rel=\">=\" version=\"3.0\"`, or remove `rel`"),
            );
        }
        return None;
    }
    if let Err(error) = check_bound(version) {
        let diagnostic = Diagnostic::error(
            "relation-version",
            format!("the version `{}` {error}", escape_for_display(version)),
        )
        .help("a version is letters, digits and `. _ + ~ ^ - :`");
        reader.report(range, diagnostic);
        return None;
    }
    let parse = |reader: &mut ElementReader<'_>, range: &std::ops::Range<usize>, text: &str| {
        let comparison = parse_comparison(text);
        if comparison.is_none() {
            let diagnostic =
                Diagnostic::error("relation", format!("there is no relation `{}`", escape_for_display(text)))
                    .help("write `&lt;`, `&lt;=`, `=`, `>=` or `>`");
            reader.report(range.clone(), diagnostic);
        }
        comparison
    };
    let comparison = match (&rel, inside) {
        (Some((outer, at)), "") => parse(reader, at, outer)?,
        (None, "") => {
            if !is_rel_optional {
                let diagnostic =
                    Diagnostic::note("relation-implicit", format!("without `rel` this means `= {version}`"));
                reader.report(range, diagnostic.help("say what is meant: `rel=\"=\"`, or `rel=\">=\"`"));
            }
            Comparison::Eq
        }
        (rel, inside) => {
            let comparison = parse(reader, &range, inside)?;
            if let Some((outer, at)) = rel
                && parse(reader, at, outer)? != comparison
            {
                let message =
                    format!("`rel` says `{}`, but `version` says `{inside}`", escape_for_display(outer));
                reader.report(
                    range,
                    Diagnostic::error("relation", message).help("leave only the right one, in `rel`"),
                );
                return None;
            }
            let diagnostic = Diagnostic::note(
                "relation-inside-version",
                format!("read as `rel=\"{inside}\" version=\"{version}\"`"),
            );
            reader.report(range, diagnostic.help("write it like that"));
            comparison
        }
    };
    Some(Bound { comparison, version: version.into() })
}
