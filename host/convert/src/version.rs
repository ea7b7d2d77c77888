//! The version of the package, put together from its parts.

use opkg::model::Version;
use roxmltree::Node as Xml;

use crate::old::Old;
use crate::report::At;

/// How much of the upstream version and of the release is kept.
const LONGEST: (usize, usize) = (70, 15);

/// `[epoch:]major[.minor[.subversion]]-release` as the format takes it.
pub(crate) fn read(old: &mut Old<'_>, root: Xml<'_, '_>) -> String {
    let Some(element) = old.named(root, "version").into_iter().next() else {
        let version = "0-1".to_owned();
        old.report.leave_open(At::Whole, format!("there is no version: `{version}` stands in; correct it"));
        return version;
    };
    old.place(element);
    let mut part = |name: &str| {
        let found = old.first(element, name);
        if let Some((part, _)) = found {
            old.place_text(part);
        }
        found
    };
    let upstream: Vec<_> = ["major", "minor", "subversion"].into_iter().filter_map(&mut part).collect();
    let (release, epoch) = (part("release"), part("epoch"));

    let words: Vec<&str> = upstream.iter().map(|(_, text)| text.as_str()).collect();
    let written = words.join(".");
    let mut clean = passable(&written, LONGEST.0, true);
    if clean.is_empty() {
        old.report.leave_open(old.at(element), "the version has no number: `0` stands in; correct it");
        clean = "0".into();
    }
    if clean != written && !written.is_empty() {
        old.decided(
            element,
            "version",
            &written,
            format!("`version`: `{}` became `{clean}`", opkg::show(&written)),
        );
    }
    let release = match release {
        None => {
            old.report.decide(old.at(element), "the version has no release: `1` stands in");
            "1".to_owned()
        }
        Some((part, written)) => {
            let clean = Some(passable(&written, LONGEST.1, false)).filter(|clean| !clean.is_empty());
            let clean = clean.unwrap_or_else(|| "1".into());
            if clean != written {
                old.became(part, "release", &written, &clean);
            }
            clean
        }
    };
    let epoch = epoch.and_then(|(part, written)| match written.parse::<u32>() {
        Ok(epoch) => {
            if epoch.to_string() != written {
                old.keep(part, "epoch", &written);
            }
            Some(epoch)
        }
        Err(_) => {
            old.keep(part, "epoch", &written);
            let text = format!("the epoch `{}` is no number and left out", opkg::show(&written));
            old.report.leave_open(old.at(part), text);
            None
        }
    });
    if epoch == Some(0) {
        old.report.decide(old.at(element), "the epoch is 0, which is the same as none");
    }
    let version = Version { epoch: epoch.unwrap_or(0), upstream: clean, release }.to_string();
    old.report.take(old.at(element), format!("`version`: {version}"));
    version
}

/// What a version can hold of a text: a `.` stands for everything else.
fn passable(text: &str, longest: usize, may_have_hyphen: bool) -> String {
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || "._+~^".contains(c) || (c == '-' && may_have_hyphen);
    let clean: String = text.chars().map(|c| if is_allowed(c) { c } else { '.' }).take(longest).collect();
    clean.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches(['-', '.']).to_owned()
}
