//! `filters` and the attributes `rel` and `version`: what restricts something to some distributions,
//! architectures or versions.

use roxmltree::Node as Xml;

use super::reader::Reader;
use crate::diagnostic::Diagnostic;
use crate::limits::FILTER_ENTRIES;
use crate::model::{Bound, Comparison, DistFilter, Filter};
use crate::text::show;
use crate::version::{comparison, fault_in_bound, split_relation};
use crate::{arch, nearest};

/// The `filters` of an element; what matches anything where there is none.
pub(super) fn read(reader: &mut Reader<'_>, parent: Xml<'_, '_>) -> Filter {
    let mut filter = Filter::default();
    let Some(element) = reader.only(parent, "filters") else {
        return filter;
    };
    reader.check(element, &["dist", "arch"], &[]);
    let entries = reader.elements(element);
    if entries.len() > FILTER_ENTRIES {
        let finding = Diagnostic::error(
            "filter-too-long",
            format!("more than {FILTER_ENTRIES} alternatives in one filter"),
        )
        .help("leave the filter out where the package goes everywhere");
        reader.report(reader.tag(element), finding);
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

fn read_dist(reader: &mut Reader<'_>, element: Xml<'_, '_>) -> Option<DistFilter> {
    reader.check_leaf(element, &[], &["rel", "version"]);
    let written = crate::text::fold(&reader.raw(element));
    let range = reader.content(element);
    if written.is_empty() {
        reader.report_empty(element);
        return None;
    }
    let id = written.to_ascii_lowercase();
    let is_id = id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'));
    if !is_id {
        let finding =
            Diagnostic::error("filter-dist", format!("`{}` cannot be a distribution", show(&written)))
                .help("write its id alone; a version belongs into the attribute `version`");
        reader.report(range, finding);
        return None;
    }
    let bound = read_bound(reader, element, true);
    Some(DistFilter { at: reader.node(range), id, bound })
}

fn read_arch(reader: &mut Reader<'_>, element: Xml<'_, '_>) -> Option<String> {
    let written = reader.line(element)?;
    let known = arch::canonical(&written);
    if known.is_none() {
        let help = match nearest(&written, arch::spellings()) {
            _ if matches!(written.as_str(), "noarch" | "all" | "any") => {
                "leave the `arch` out: without one, the package goes on every architecture".to_owned()
            }
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are `{}`", arch::ALL.join("`, `")),
        };
        let message = format!("there is no architecture `{}`", show(&written));
        reader.report(reader.content(element), Diagnostic::error("filter-arch", message).help(help));
    }
    known.map(str::to_owned)
}

/// The attributes `rel` and `version` of an element, also where the relation stands inside of the version.
/// `without_rel_is_usual`: whether a version alone needs no word.
pub(super) fn read_bound(
    reader: &mut Reader<'_>,
    element: Xml<'_, '_>,
    without_rel_is_usual: bool,
) -> Option<Bound> {
    let rel = reader.attribute(element, "rel").filter(|(written, _)| !written.is_empty());
    let written = reader.attribute(element, "version");
    let (inside, version) = written.as_ref().map_or(("", ""), |(text, _)| split_relation(text));
    let range = written.as_ref().or(rel.as_ref()).map(|(_, range)| range.clone())?;

    if version.is_empty() {
        if rel.is_none() && inside.is_empty() {
            let finding = Diagnostic::note("empty-attribute", "the version is empty and counts as absent");
            reader.report(range, finding.help("fill it in, or remove the attribute"));
        } else {
            let finding = Diagnostic::error("relation-version", "a relation to no version");
            reader.report(
                range,
                finding.help("add the version: `rel=\">=\" version=\"3.0\"`, or remove `rel`"),
            );
        }
        return None;
    }
    if let Some(fault) = fault_in_bound(version) {
        let finding =
            Diagnostic::error("relation-version", format!("the version `{}` {fault}", show(version)))
                .help("a version is letters, digits and `. _ + ~ ^ - :`");
        reader.report(range, finding);
        return None;
    }
    let known = |reader: &mut Reader<'_>, range: &std::ops::Range<usize>, text: &str| {
        let comparison = comparison(text);
        if comparison.is_none() {
            let finding = Diagnostic::error("relation", format!("there is no relation `{}`", show(text)))
                .help("write `&lt;`, `&lt;=`, `=`, `>=` or `>`");
            reader.report(range.clone(), finding);
        }
        comparison
    };
    let comparison = match (&rel, inside) {
        (Some((outside, at)), "") => known(reader, at, outside)?,
        (None, "") => {
            if !without_rel_is_usual {
                let finding =
                    Diagnostic::note("relation-implicit", format!("without `rel` this means `= {version}`"));
                reader.report(range, finding.help("say what is meant: `rel=\"=\"`, or `rel=\">=\"`"));
            }
            Comparison::Eq
        }
        (rel, inside) => {
            let read = known(reader, &range, inside)?;
            if let Some((outside, at)) = rel
                && known(reader, at, outside)? != read
            {
                let message = format!("`rel` says `{}`, but `version` says `{inside}`", show(outside));
                reader.report(
                    range,
                    Diagnostic::error("relation", message).help("leave only the right one, in `rel`"),
                );
                return None;
            }
            let finding = Diagnostic::note(
                "relation-inside-version",
                format!("read as `rel=\"{inside}\" version=\"{version}\"`"),
            );
            reader.report(range, finding.help("write it like that"));
            read
        }
    };
    Some(Bound { comparison, version: version.into() })
}
