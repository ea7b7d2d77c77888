//! What apt and dpkg say of their failures, understood. Both print in the language `C` what is looked for here, from
//! dpkg 1.16 and apt 1.0 on.

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{CommandFailure, SideEffect, SideEffectKind};

/// Lines of what a script printed that are shown with its failure.
const MAX_SCRIPT_LINES: usize = 3;

/// Lines of apt's that are shown where nothing else explains the failure.
const MAX_OTHER_LINES: usize = 3;

/// What is asked for a lock that somebody else has.
const LOCK_WORDS: [&str; 5] = [
    "Could not get lock",
    "Unable to acquire the dpkg",
    "Unable to lock",
    "lock was locked by",
    "is locked by another process",
];

/// What is said of a network, or of a mirror that is being updated.
const NETWORK_WORDS: [&str; 17] = [
    "Could not resolve",
    "Temporary failure resolving",
    "Could not connect",
    "Unable to connect",
    "Cannot initiate the connection",
    "Connection timed out",
    "Connection failed",
    "connection timed out",
    "Network is unreachable",
    "Error reading from server",
    "File has unexpected size",
    "Hash Sum mismatch",
    "got 'NOSPLIT'",
    "Undetermined Error",
    "429 ",
    "502 ",
    "503 ",
];

/// How the errors of apt begin that only repeat what others have said, or say nothing of the cause.
const EMPTY_ERRORS: [&str; 8] = [
    "Sub-process ",
    "Can not write log",
    "Unable to correct problems",
    "The following information from",
    "Unmet dependencies",
    "Some index files failed to download",
    "Unable to fetch some archives",
    "Broken packages",
];

/// How the lines of dpkg and apt begin between which scripts print.
const PROGRESS_PREFIXES: [&str; 17] = [
    "Setting up ",
    "Removing ",
    "Purging configuration files ",
    "Unpacking ",
    "Preparing to unpack ",
    "Preparing to replace ",
    "Selecting previously ",
    "(Reading database",
    "Processing triggers for ",
    "Errors were encountered ",
    "Installing new version of config file ",
    "dpkg:",
    "Get:",
    "Fetched ",
    "E: ",
    "W: ",
    "debconf: ",
];

/// How lines of dpkg begin that name the package it works on, and what it does with it.
const WORK_PREFIXES: [(&str, &str); 5] = [
    ("Setting up ", "set up"),
    ("Unpacking ", "unpacked"),
    ("Preparing to unpack ", "unpacked"),
    ("Purging configuration files for ", "removed"),
    ("Removing ", "removed"),
];
/// What stands above the packages that would be downgraded.
const DOWNGRADED_HEADING: &str = "The following packages will be DOWNGRADED:";

/// What went wrong with a command that failed.
pub(crate) fn explain(printed: &str) -> Vec<CommandFailure> {
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let mut failures = dpkg_failures(&lines);
    if failures.is_empty() {
        failures = unasked_changes(&lines);
    }
    if failures.is_empty() {
        failures = unmet_dependencies(&lines);
    }
    if failures.is_empty() {
        failures = apt_errors(&lines);
    }
    deduplicate(failures)
}

/// What a command passed over that succeeded: a package that was to be installed again, and no package source has.
/// Neither apt nor dpkg succeeds where anything failed.
pub(crate) fn passed_over(printed: &str) -> Vec<CommandFailure> {
    let failure = |line: &str| {
        let rest = line.trim_end().strip_prefix("Reinstallation of ")?;
        let name = package_of(rest.strip_suffix(" is not possible, it cannot be downloaded.")?);
        let cause = format!("no package source has the version of {name} that is installed");
        Some(CommandFailure::of_package(cause, name))
    };
    printed.lines().filter_map(failure).collect()
}

/// What dpkg could not do with single packages. What failed for another package's sake is said only where nothing
/// else is.
fn dpkg_failures(lines: &[&str]) -> Vec<CommandFailure> {
    let (mut causes, mut consequences) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let rest = line.strip_prefix("dpkg: error processing ").or_else(|| {
            // What dpkg does afterwards, when it cannot go back either, is no other cause.
            line.strip_prefix("dpkg: error: error processing ")
        });
        let Some(rest) = rest else { continue };
        let subject = rest.trim_start_matches("package ").trim_start_matches("archive ").split(" (").next();
        let package = package_of(subject.unwrap_or_default());
        let reason = lines.get(index + 1).map_or("", |next| next.trim());
        if reason.contains("dependency problems") {
            consequences.extend(dependency_problem(&lines[..index], &package));
        } else if reason.contains("script") && reason.contains("exit status") {
            causes.push(script_failure(&lines[..index], &package, reason));
        } else if is_lock(reason) {
            causes.push(CommandFailure::transient(without_unseen_process(reason)));
        } else {
            causes.push(CommandFailure::of_package(format!("{package}: {reason}"), package));
        }
    }
    if causes.is_empty() { consequences } else { causes }
}

/// The name of a package, as dpkg names it or the file that it comes from.
fn package_of(subject: &str) -> String {
    let file = subject.rsplit('/').next().unwrap_or(subject);
    let name = if file.ends_with(".deb") { file.split('_').next().unwrap_or(file) } else { file };
    name.split(':').next().unwrap_or(name).trim().to_owned()
}

/// A script of a package failed: ` installed x package post-installation script subprocess returned error exit
/// status 7`, or, before dpkg 1.19, ` subprocess installed post-installation script returned error exit status 7`.
fn script_failure(before: &[&str], package: &str, reason: &str) -> CommandFailure {
    let script = ["pre-installation", "post-installation", "pre-removal", "post-removal"]
        .into_iter()
        .find(|script| reason.contains(script))
        .unwrap_or("maintainer");
    let status = reason.rsplit("exit status ").next().unwrap_or_default();
    let mut cause = format!("the {script} script of {package} failed with exit status {status}");
    let printed: Vec<&str> = before
        .iter()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take_while(|line| !is_progress(line))
        .take(MAX_SCRIPT_LINES)
        .map(|line| line.trim())
        .collect();
    if !printed.is_empty() {
        let printed: Vec<&str> = printed.into_iter().rev().collect();
        cause.push_str(&format!(": {}", printed.join("; ")));
    }
    CommandFailure::of_package(cause, package)
}

fn is_progress(line: &str) -> bool {
    PROGRESS_PREFIXES.iter().any(|prefix| line.starts_with(prefix))
}

/// `dpkg: dependency problems prevent removal of x:`, and below it who needs what.
fn dependency_problem(before: &[&str], package: &str) -> Option<CommandFailure> {
    let is_heading = |line: &&str| line.starts_with("dpkg: dependency problems prevent ");
    let heading = before.iter().rposition(is_heading)?;
    let what = before[heading].trim_start_matches("dpkg: dependency problems prevent ").trim_end_matches(':');
    let reasons: Vec<&str> = before[heading + 1..]
        .iter()
        .take_while(|line| line.starts_with(' '))
        .map(|line| line.trim().trim_end_matches('.').trim_end_matches("; however:"))
        .collect();
    let reasons = reasons.join("; ");
    match what.split_once(" of ") {
        Some(("removal", _)) => Some(CommandFailure::new(format!("others need {package}: {reasons}"))),
        _ => Some(CommandFailure::of_package(format!("{package} cannot be configured: {reasons}"), package)),
    }
}

/// What apt would have done besides, had its options not forbidden it.
fn unasked_changes(lines: &[&str]) -> Vec<CommandFailure> {
    let is_refused = |words: &str| lines.iter().any(|line| line.starts_with("E: ") && line.contains(words));
    let changes = [
        ("remove is disabled", "The following packages will be REMOVED:", "remove"),
        ("--allow-remove-essential", "WARNING: The following essential packages will be removed.", "remove"),
        ("Packages were downgraded", DOWNGRADED_HEADING, "downgrade"),
        (
            "Held packages were changed",
            "The following held packages will be changed:",
            "change, though held,",
        ),
    ];
    changes
        .into_iter()
        .filter(|(words, ..)| is_refused(words))
        .map(|(_, heading, verb)| {
            let names = indented_below(lines, heading).join(" ");
            let names: Vec<&str> = names.split_whitespace().collect();
            CommandFailure::new(format!("it would {verb} {}, which nobody asked for", names.join(", ")))
        })
        .collect()
}

/// What a simulated installation would downgrade, as apt announces it.
///
/// # Errors
/// It does not say how much it would do, so that its silence means nothing. Or it would install what a name matches that
/// no package source has.
pub(crate) fn simulated_downgrades(printed: &str) -> Result<Vec<SideEffect>, PackageManagerError> {
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    // `0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.`
    if !lines.iter().any(|line| line.contains(" upgraded, ") && line.contains(" newly installed, ")) {
        return Err(PackageManagerError::new("the simulation of apt-get does not tell what it would do"));
    }
    // `Note, selecting 'x' for regex 'y'`
    let pattern =
        lines.iter().find_map(|line| line.strip_prefix("Note, selecting '")?.split_once("' for regex '"));
    if let Some((matching, pattern)) = pattern {
        let name = pattern.trim_end_matches('\'');
        return Err(PackageManagerError::new(format!(
            "no package source has {name}, which apt takes for a pattern, of {matching}"
        )));
    }
    let names = indented_below(&lines, DOWNGRADED_HEADING).join(" ");
    let downgrade = |name: &str| SideEffect { name: package_of(name), kind: SideEffectKind::Downgrade };
    Ok(names.split_whitespace().map(downgrade).collect())
}

/// The indented lines below a heading.
fn indented_below<'a>(lines: &[&'a str], heading: &str) -> Vec<&'a str> {
    let start =
        lines.iter().position(|line| line.starts_with(heading)).map_or(lines.len(), |found| found + 1);
    lines[start..].iter().take_while(|line| line.starts_with(' ')).map(|line| line.trim()).collect()
}

/// `x : Depends: y (>= 2) but it is not installable`, with further lines for further dependencies. What only fails for
/// the sake of others is left out where those are named.
fn unmet_dependencies(lines: &[&str]) -> Vec<CommandFailure> {
    let mut found = indented_below(lines, "The following packages have unmet dependencies:");
    let is_root = |line: &&str| !line.ends_with("but it is not going to be installed");
    if found.iter().any(is_root) {
        found.retain(is_root);
    }
    if found.is_empty() {
        // The solver of apt 3 says it in steps.
        found = indented_below(lines, "E: Unable to satisfy dependencies");
    }
    if found.is_empty() {
        return Vec::new();
    }
    vec![CommandFailure::new(format!("unmet dependencies: {}", found.join("; ")))]
}

/// `E: Sub-process /usr/bin/dpkg exited unexpectedly`: a signal ended it. What it was about stands above.
fn killed_program(lines: &[&str]) -> Option<CommandFailure> {
    let is_killed = |rest: &str| rest.ends_with(" exited unexpectedly") || rest.contains(" received a ");
    let program = lines.iter().find_map(|line| {
        let rest = line.strip_prefix("E: Sub-process ")?;
        is_killed(rest).then(|| rest.split(' ').next().unwrap_or_default())
    })?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let work = lines.iter().rev().find_map(|line| {
        let (verb, package) =
            WORK_PREFIXES.iter().find_map(|(prefix, verb)| Some((*verb, line.strip_prefix(prefix)?)))?;
        let package = package.split([' ', ':']).next().unwrap_or(package);
        Some(format!(" while it {verb} {package}"))
    });
    let cause = format!("{program} was killed{}", work.unwrap_or_default());
    Some(CommandFailure::new(format!("{cause}: the system's log tells whether memory ran out")))
}

/// What apt and dpkg say of themselves.
fn apt_errors(lines: &[&str]) -> Vec<CommandFailure> {
    let is_empty = |text: &&str| EMPTY_ERRORS.iter().any(|prefix| text.starts_with(prefix));
    let errors: Vec<&str> = error_texts(lines).filter(|it| !is_empty(it)).collect();
    // Of several, the one that tells most.
    if let Some(lock) = errors.iter().find(|text| is_lock(text)) {
        return vec![CommandFailure::transient(without_unseen_process(lock))];
    }
    if errors.iter().any(|text| text.contains("No space left") || text.contains("enough free space")) {
        let full = errors.iter().find(|text| text.contains("space"));
        return full.map(|text| CommandFailure::new(*text)).into_iter().collect();
    }
    let fetches: Vec<&&str> = errors.iter().filter(|text| is_network(text)).collect();
    if let Some(first) = fetches.first() {
        return vec![CommandFailure::transient(one_blank(first))];
    }
    let named: Vec<CommandFailure> = errors.iter().filter_map(|text| missing_package(text)).collect();
    if !named.is_empty() {
        return named;
    }
    if let Some(killed) = killed_program(lines) {
        return vec![killed];
    }
    let unsigned = "there were unauthenticated packages";
    let signature = lines.iter().find(|line| line.contains("NO_PUBKEY") || line.contains("GPG error"));
    if let Some(signature) = signature.filter(|_| !errors.is_empty()) {
        return vec![CommandFailure::new(signature.trim_start_matches(['E', 'W', ':', ' ']))];
    }
    if errors.iter().any(|text| text.to_lowercase().starts_with(unsigned)) {
        let names =
            indented_below(lines, "WARNING: The following packages cannot be authenticated!").join(" ");
        return vec![CommandFailure::new(format!(
            "nobody vouches for {names}: their package source has no valid signature"
        ))];
    }
    errors.into_iter().take(MAX_OTHER_LINES).map(|text| CommandFailure::new(one_blank(text))).collect()
}

/// The texts of errors. What ends dpkg at once stands in a line of its own.
fn error_texts<'a>(lines: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let text = |(index, line): (usize, &&'a str)| {
        if line.starts_with("dpkg: unrecoverable fatal error, aborting:") {
            return lines.get(index + 1).map(|next| next.trim());
        }
        let prefixes = ["E: ", "dpkg: error: ", "dpkg-query: error: "];
        prefixes.into_iter().find_map(|prefix| line.strip_prefix(prefix)).map(str::trim)
    };
    lines.iter().enumerate().filter_map(text)
}

/// Who holds a lock from outside the sandbox that the program runs in has no number there.
fn without_unseen_process(lock: &str) -> &str {
    let unseen = [" with pid 0", ". It is held by process 0"];
    unseen.iter().find_map(|words| Some(lock.split_once(words)?.0)).unwrap_or(lock)
}

fn is_lock(text: &str) -> bool {
    LOCK_WORDS.iter().any(|words| text.contains(words))
}

/// What comes from this machine's own disk does not pass by itself.
fn is_network(text: &str) -> bool {
    let is_local = ["file:", "copy:", "cdrom:"].iter().any(|scheme| text.contains(scheme));
    !is_local && NETWORK_WORDS.iter().any(|words| text.contains(words))
}

/// A package that no package source has.
fn missing_package(text: &str) -> Option<CommandFailure> {
    if let Some(name) = text.strip_prefix("Unable to locate package ") {
        return Some(CommandFailure::of_package(format!("no package source has {name}"), name));
    }
    let name =
        text.strip_prefix("Package ").and_then(|rest| rest.strip_suffix(" has no installation candidate"));
    if let Some(name) = name {
        let name = name.trim_matches('\'');
        // apt says the same of a package that it knows by name alone.
        let cause =
            format!("no package source has {name}, or a pin forbids it (see `apt-cache policy {name}`)");
        return Some(CommandFailure::of_package(cause, name));
    }
    let name = text.strip_prefix("The package ")?.split_once(" needs to be reinstalled")?.0;
    Some(CommandFailure::of_package(
        format!("{name} is installed in part and needs to be reinstalled, but no package source has it"),
        name,
    ))
}

fn one_blank(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn deduplicate(failures: Vec<CommandFailure>) -> Vec<CommandFailure> {
    let mut kept: Vec<CommandFailure> = Vec::new();
    for failure in failures {
        if !kept.iter().any(|known| known.cause == failure.cause || is_same_script(known, &failure)) {
            kept.push(failure);
        }
    }
    kept
}

/// dpkg names a package again when it cannot go back either; the first cause is the one.
fn is_same_script(known: &CommandFailure, failure: &CommandFailure) -> bool {
    !known.packages.is_empty() && known.packages == failure.packages
}
