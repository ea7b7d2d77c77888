//! What managers of RPMs pass over and tell only in passing, with an exit status of 0: packages that are not installed
//! again since no package source has them any more, and packages that are left out since something they need is missing.

use opkg_sdk::package_manager::CommandFailure;

use crate::printed::package_name;
use crate::unresolved::unsolved_problems;

/// How dnf introduces the packages that it leaves out, in its table.
const SKIPPED_HEADING: &str = "Skipping packages with ";

/// How yum does.
const YUM_SKIPPED_HEADING: &str = "Packages skipped because of dependency problems:";

/// What dnf and yum say at the end of a simulation, which has installed nothing anyway.
const SIMULATION_ENDS: [&str; 2] = ["Operation aborted", "Exiting on user command"];

/// Packages that were to be installed again, and cannot.
pub(crate) fn unavailable(lines: &[&str]) -> Vec<CommandFailure> {
    let failure = |name: &str| {
        let cause = format!("no package source has the version of {name} that is installed");
        CommandFailure::of_package(cause, name)
    };
    lines.iter().filter_map(|line| unavailable_package(line.trim(), lines)).map(failure).collect()
}

/// Of dnf 4 and yum, dnf 5, urpmi, and zypper.
fn unavailable_package<'a>(line: &'a str, lines: &[&str]) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("Installed package ") {
        // `x-1.0-1.noarch (from SOURCE) not available.`, with the source where it is known.
        let nevra = rest.strip_suffix(" not available.")?;
        return nevra.split_whitespace().next().map(package_name);
    }
    if let Some(rest) = line.strip_prefix("Installed packages for argument '") {
        return rest
            .split_once("' are not available in repositories in the same version")
            .map(|(name, _)| name);
    }
    if let Some(rest) = line.strip_prefix("Packages for argument '") {
        return rest.strip_suffix("' installed, but not available.");
    }
    if let Some(rest) = line.strip_prefix("found package(s) ") {
        let names = rest.strip_suffix(" in urpmi db, but none are installed")?;
        return names.split(", ").next().map(package_name);
    }
    let (name, _) = line
        .strip_prefix("Package '")?
        .split_once("' is not available in your repositories. Cannot reinstall")?;
    // Without `--force` it is as it should be: `'x' is already installed.`, or `'x = 1.0-1' …`.
    let is_asked_for = |line: &str| {
        line.strip_suffix("' is already installed.")
            .and_then(|rest| rest.strip_prefix('\''))
            .is_some_and(|asked| asked.split(' ').next() == Some(name))
    };
    (!lines.iter().any(|line| is_asked_for(line.trim()))).then_some(name)
}

/// Packages that were to be installed, and were left out.
pub(crate) fn left_out(lines: &[&str]) -> Vec<CommandFailure> {
    if lines.iter().any(|line| SIMULATION_ENDS.iter().any(|end| line.starts_with(end))) {
        return Vec::new();
    }
    let problems = unsolved_problems(lines);
    let failure = |name: &str| {
        let cause = problems.first().map_or_else(
            || format!("{name} was left out, since something that it needs is missing or in its way"),
            |problem| problem.cause.clone(),
        );
        CommandFailure::of_package(cause, name)
    };
    skipped_packages(lines).into_iter().map(failure).collect()
}

/// The names of what stands, indented, below the headings.
fn skipped_packages<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_yum = line.starts_with(YUM_SKIPPED_HEADING);
        if !is_yum && !line.starts_with(SKIPPED_HEADING) {
            continue;
        }
        // Before its packages dnf 4 may tell how they could be upgraded.
        let below = lines[index + 1..].iter().skip_while(|line| line.starts_with('('));
        let packages =
            below.take_while(|line| line.starts_with(' ')).filter_map(|line| line.split_whitespace().next());
        names.extend(packages.map(|package| if is_yum { package_name(package) } else { package }));
    }
    names
}
