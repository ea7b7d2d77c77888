//! Versions, releases, and the tags behind them.

use std::cmp::Ordering;

use opkg_interface::artefacts::{BinaryPackage, Container, Output};

use crate::ledger::{Ledger, Place};
use crate::rule::{Rule, RuleGroup};
use crate::scene::{Scene, active_text, excerpt};
use crate::version_order;

pub const GROUP: RuleGroup =
    RuleGroup { title: "Versions", rules: &[KEPT, ORDER, RELEASE_ORDER, TAG, VENDOR] };

const KEPT: Rule = Rule {
    name: "version-kept",
    sentence: "A package has the epoch, the version and the release of the OPKG.",
    reason: "As they are written, where they are numbers, unless a diagnostic says how this version is written; other versions \
             may be adapted to what the format knows. Behind the release stands the tag of the distribution's release.",
    advice: "Use `opkg_sdk::package_version`.",
};
const ORDER: Rule = Rule {
    name: "version-order",
    sentence: "A later version of an OPKG becomes a package that sorts later.",
    reason: "Package managers upgrade by their own order. The suite has a row of versions, with candidates, epochs and long \
             numbers, and compares as the format of packages does.",
    advice: "Write a pre-release so that it sorts before its release: `opkg_sdk::package_version::order_prereleases`.",
};
const RELEASE_ORDER: Rule = Rule {
    name: "distribution-release-order",
    sentence: "From each release of the distribution to the next, the versions of its packages rise.",
    reason: "Whoever upgrades the distribution gets its packages. What the plugin describes first is the newest release.",
    advice: "Put the tag that the distribution's own packages have behind the release, with all of its numbers.",
};
const TAG: Rule = Rule {
    name: "release-tag-heeded",
    sentence: "The tag that a site asks for stands behind the release, and none stands there where it asks for none.",
    reason: "In the release of all packages, and in the names of their files. Where the format has no place for one, the author is \
             told.",
    advice: "Use `opkg_sdk::release_tag`.",
};
const VENDOR: Rule = Rule {
    name: "vendor-told",
    sentence: "The vendor and the distribution that a site names stand in its packages, or it is told that they have no place.",
    reason: "In a field of the packages or in the meta-files. One of the two is enough where the format has place for one.",
    advice: "Write `target.vendor` and `target.distribution`, or report what is left out.",
};

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    let Some(version) = scene.test.opkg.version() else { return };
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    for package in &scene.output.packages {
        let holds = package.epoch == version.epoch
            && (!is_plain(&version.upstream) || package.version == version.upstream)
            && (!is_plain(&version.release) || begins_with_number(&package.release, &version.release));
        // A format that has no place for something like it may write it otherwise, and says so.
        let is_told = package.epoch == version.epoch && scene.is_named(&version.to_string());
        scene.check(ledger, &KEPT, holds || is_told, || {
            format!("{} is {}, the OPKG {version}", package.name, version_of(package))
        });
    }
}

/// Whether `text` goes on with something else than a digit, if it goes on.
fn begins_with_number(text: &str, number: &str) -> bool {
    text.strip_prefix(number).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn version_of(package: &BinaryPackage) -> String {
    format!("{}:{}-{}", package.epoch, package.version, package.release)
}

/// Whether the packages of a later OPKG, or for a later release of the distribution, are later.
fn check_rise(rule: &Rule, place: Place<'_>, older: &Output, newer: &Output, ledger: &mut Ledger) {
    for (one, other) in older.packages.iter().zip(&newer.packages) {
        let Some(order) = version_order::compare(&one.container, one, other) else { continue };
        ledger.check(rule, place, order == Ordering::Less, || {
            format!("{} does not sort before {}", excerpt(&version_of(one)), excerpt(&version_of(other)))
        });
    }
}

/// Of an older OPKG and a newer one.
pub fn check_order(place: Place<'_>, older: &Output, newer: &Output, ledger: &mut Ledger) {
    check_rise(&ORDER, place, older, newer, ledger);
}

/// Of an older release of the distribution and a newer one.
pub fn check_releases(place: Place<'_>, older: &Output, newer: &Output, ledger: &mut Ledger) {
    let same_family = matches!(
        (older.main_container(), newer.main_container()),
        (Some(Container::Rpm(_)), Some(Container::Rpm(_)))
            | (Some(Container::Deb(_)), Some(Container::Deb(_)))
    );
    if same_family {
        check_rise(&RELEASE_ORDER, place, older, newer, ledger);
    }
}

/// Of packages with a tag of the site's own, or without one.
pub fn check_tag(scene: &Scene<'_>, tag: Option<&str>, ledger: &mut Ledger) {
    let Some(version) = scene.test.opkg.version() else { return };
    for package in &scene.output.packages {
        let holds = match tag {
            None => package.release == version.release,
            Some(tag) => {
                let is_there = package.release.ends_with(tag)
                    && package.release.starts_with(&version.release)
                    && package.file_name.contains(tag);
                is_there || scene.is_named(tag)
            }
        };
        scene.check(ledger, &TAG, holds, || {
            format!(
                "the release of {} is {}, asked for was {}",
                package.name,
                excerpt(&package.release),
                tag.unwrap_or("none")
            )
        });
    }
}

/// Of packages for a site that names itself.
pub fn check_vendor(scene: &Scene<'_>, names: [&str; 2], ledger: &mut Ledger) {
    let meta: String = scene.output.meta_files.iter().map(|file| file.contents.as_str()).collect();
    let is_told = |name: &str| {
        let in_packages = scene.output.packages.iter().all(|package| active_text(package).contains(name));
        in_packages || meta.contains(name) || scene.is_named(name)
    };
    scene.check(ledger, &VENDOR, names.iter().any(|name| is_told(name)), || {
        format!("neither {} is anywhere", names.join(" nor "))
    });
}
