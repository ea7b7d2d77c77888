//! The version of the package, put together from its parts.

use opkg::model::Version;
use roxmltree::Node as XmlNode;

use crate::old_config::OldConfig;
use crate::report::ReportLocation;

/// How much of the upstream version and of the release is kept.
const MAX_CHARS: (usize, usize) = (70, 15);

/// `[epoch:]major[.minor[.subversion]]-release` as the format takes it.
pub(crate) fn convert_version(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> String {
    let Some(element) = old.children_named(root, "version").into_iter().next() else {
        let version = "0-1".to_owned();
        old.report.add_needs_review(
            ReportLocation::Package,
            format!("there is no version: `{version}` stands in; correct it"),
        );
        return version;
    };
    old.mark_element(element);
    let mut part = |name: &str| {
        let found = old.first_text(element, name);
        if let Some((part, _)) = found {
            old.mark_text(part);
        }
        found
    };
    let upstream: Vec<_> = ["major", "minor", "subversion"].into_iter().filter_map(&mut part).collect();
    let (release, epoch) = (part("release"), part("epoch"));

    let words: Vec<&str> = upstream.iter().map(|(_, text)| text.as_str()).collect();
    let written = words.join(".");
    let mut clean = sanitize(&written, MAX_CHARS.0, true);
    if clean.is_empty() {
        old.report
            .add_needs_review(old.location(element), "the version has no number: `0` stands in; correct it");
        clean = "0".into();
    }
    if clean != written && !written.is_empty() {
        old.record_change(
            element,
            "version",
            &written,
            format!("`version`: `{}` became `{clean}`", opkg::escape_for_display(&written)),
        );
    }
    let release = match release {
        None => {
            old.report.add_changed(old.location(element), "the version has no release: `1` stands in");
            "1".to_owned()
        }
        Some((part, written)) => {
            let clean = Some(sanitize(&written, MAX_CHARS.1, false)).filter(|clean| !clean.is_empty());
            let clean = clean.unwrap_or_else(|| "1".into());
            if clean != written {
                old.record_conversion(part, "release", &written, &clean);
            }
            clean
        }
    };
    let epoch = epoch.and_then(|(part, written)| match written.parse::<u32>() {
        Ok(epoch) => {
            if epoch.to_string() != written {
                old.keep_original(part, "epoch", &written);
            }
            Some(epoch)
        }
        Err(_) => {
            old.keep_original(part, "epoch", &written);
            let text =
                format!("the epoch `{}` is no number and left out", opkg::escape_for_display(&written));
            old.report.add_needs_review(old.location(part), text);
            None
        }
    });
    if epoch == Some(0) {
        old.report.add_changed(old.location(element), "the epoch is 0, which is the same as none");
    }
    let version = Version { epoch: epoch.unwrap_or(0), upstream: clean, release }.to_string();
    old.report.add_converted(old.location(element), format!("`version`: {version}"));
    version
}

/// What a version can hold of a text: a `.` stands for everything else.
fn sanitize(text: &str, longest: usize, may_have_hyphen: bool) -> String {
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || "._+~^".contains(c) || (c == '-' && may_have_hyphen);
    let clean: String = text.chars().map(|c| if is_allowed(c) { c } else { '.' }).take(longest).collect();
    clean.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches(['-', '.']).to_owned()
}
