//! What the managers of RPMs could not resolve: packages that no package source has or may give, and dependencies.

use opkg_sdk::package_manager::CommandFailure;

use crate::printed::{MAX_LINES, plain};

/// What was asked for, and no package source has or may give.
pub(crate) fn missing_packages(lines: &[&str]) -> Vec<CommandFailure> {
    let texts = lines.iter().map(|line| line.trim());
    texts.filter_map(|text| missing_package(text).or_else(|| excluded_package(text))).collect()
}

fn missing_package(text: &str) -> Option<CommandFailure> {
    let wanted = text
        .strip_prefix("No match for argument: ")
        .or_else(|| text.strip_prefix("No provider of '")?.strip_suffix("' found."))
        .or_else(|| text.strip_prefix("No package ")?.strip_suffix(" available."))
        .or_else(|| text.strip_prefix("No package named "))
        .or_else(|| text.strip_prefix("Package '")?.strip_suffix("' not found."))?;
    // Of zypper, with the version that is asked for.
    let package = wanted.split('=').next().unwrap_or(wanted);
    Some(CommandFailure::of_package(format!("no package source has {wanted}"), package))
}

/// A package that the configuration forbids, as dnf 4 and 5 tell.
fn excluded_package(line: &str) -> Option<CommandFailure> {
    let (filter, name) = if let Some(rest) = line.strip_prefix("All matches were filtered out by ") {
        rest.split_once(" filtering for argument: ")?
    } else {
        let (name, packages) = line.strip_prefix("Argument '")?.split_once("' matches only ")?;
        let is_locked = packages.contains("versionlock");
        (if is_locked { "versionlock" } else { packages.split(' ').next().unwrap_or(packages) }, name)
    };
    if filter == "source" {
        return Some(CommandFailure::of_package(
            format!("no package source has {name}, but for its sources"),
            name,
        ));
    }
    let cause = format!("the configuration of the package manager leaves {name} out ({filter})");
    Some(CommandFailure::of_package(cause, name))
}

/// What the solver of dnf (`  - nothing provides x needed by y`), zypper (`Problem: 1: …`), yum or urpmi says.
pub(crate) fn unsolved_problems(lines: &[&str]) -> Vec<CommandFailure> {
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        let text = line.trim();
        let reason = text.strip_prefix("- ").or_else(|| {
            // `Problem: …`, `Problem 1: …`, `Problem: 1: …`
            let rest =
                text.strip_prefix("Problem")?.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
            let rest = rest.strip_prefix(':')?;
            let rest = rest.trim_start_matches(|c: char| c == ':' || c == ' ' || c.is_ascii_digit());
            // dnf has the reasons below.
            (!rest.starts_with("conflicting requests") && !rest.starts_with("problem with installed package"))
                .then_some(rest)
        });
        let reason = reason.or_else(|| text.starts_with("Error: Package: ").then_some(text)).or_else(|| {
            (text.contains("(due to unsatisfied") || text.contains("(due to conflicts")).then_some(text)
        });
        let is_empty = |reason: &&str| {
            reason.is_empty()
                || *reason == "conflicting requests"
                || *reason == "cannot install the best candidate for the job"
        };
        if let Some(reason) = reason.filter(|reason| !is_empty(reason)) {
            found.push(plain(reason));
        }
    }
    // Who is missing in the first place tells more than who suffers from it.
    if found.iter().any(|reason| reason.contains("nothing provides")) {
        found.retain(|reason| reason.contains("nothing provides"));
    }
    // Of a repository, libcurl's complaints are lists of the same form.
    found.retain(|reason| {
        !reason.contains("Curl error")
            && !reason.contains("Download (curl) error")
            && !reason.starts_with("[|]")
    });
    found.extend(locked_packages(lines));
    found.truncate(MAX_LINES);
    if found.is_empty() { Vec::new() } else { vec![CommandFailure::new(found.join("; "))] }
}

/// What zypper would have to unlock, which it names among its solutions alone.
fn locked_packages(lines: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        let Some((_, rest)) = line.split_once("remove lock to allow ") else { continue };
        let Some((what, package)) = rest.split_once(" of ") else { continue };
        let package = package.split('[').next().unwrap_or(package);
        let locked = format!("a lock of the package manager forbids the {what} of {package}");
        if !found.contains(&locked) {
            found.push(locked);
        }
    }
    found
}
