//! What the programs that manage RPMs say of their failures, understood: `rpm`, `dnf` 4 and 5, `yum`, `zypper` and
//! `urpmi`, in the language `C`.

use opkg_sdk::package_manager::CommandFailure;

use crate::printed::{MAX_LINES, package_name, plain};
use crate::{passed_over, unresolved};

/// Lines of what a scriptlet printed that are shown with its failure.
const MAX_SCRIPT_LINES: usize = 3;

/// What is said of a lock that somebody else has.
const LOCK_WORDS: [&str; 10] = [
    "already locked by",
    "Waiting for process with pid",
    "System management is locked by",
    "can't create transaction lock",
    "waiting for transaction lock",
    "transaction lock on",
    "Failed to obtain the transaction lock",
    "Failed to obtain rpm transaction lock",
    "currently holding the yum lock",
    "database locked",
];

/// What is said of a network, or of a mirror that is being updated.
const NETWORK_WORDS: [&str; 23] = [
    "Failed to connect to",
    "Couldn't connect to server",
    "Could not connect to server",
    "Could not resolve host",
    "Couldn't resolve host",
    "Name or service not known",
    "Connection refused",
    "Connection timed out",
    "Connection failed",
    "Connection reset",
    "Server returned nothing",
    "Failure when receiving data",
    "Failed sending data",
    "Network is unreachable",
    "Operation too slow",
    "Timeout was reached",
    "Timeout exceeded",
    "checksum doesn't match",
    "Checksum doesn't match",
    "Status code: 429",
    "Status code: 502",
    "Status code: 503",
    "Status code: 504",
];

/// What is said of a database of RPM that cannot be read.
const DATABASE_WORDS: [&str; 7] = [
    "database disk image is malformed",
    "file is not a database",
    "cannot open Packages",
    "rpmdb open failed",
    "DB_RUNRECOVERY",
    "rpmdbNextIterator",
    "Error: rpmdb",
];

/// What is said of a signature that is missing or wrong, what names the package first.
const SIGNATURE_WORDS: [&str; 9] = [
    "OpenPGP check for package",
    "is not signed",
    "GPG check FAILED",
    "Signature verification failed",
    "Public key for ",
    "bad signature",
    "Bad GPG signature",
    "NOKEY",
    "signature verification failed",
];

/// What is said of a disk that is full.
const SPACE_WORDS: [&str; 6] = [
    "No space left on device",
    "more space needed on",
    "more space on the",
    "more inodes on the",
    "Not enough space",
    DATABASE_FULL,
];

/// What SQLite says, whose complaints rpm prints without failing.
const DATABASE_FULL: &str = "database or disk is full";

/// How errors begin that only repeat what others have said.
const EMPTY_ERRORS: [&str; 9] = [
    "Transaction failed",
    "Transaction test error",
    "Transaction check error",
    "Rpm transaction failed",
    "Subprocess failed",
    "Installation has been aborted",
    "Unable to find a match",
    "Nothing to do",
    "Failed dependencies",
];

/// How the lines begin between which scriptlets print.
const PROGRESS_PREFIXES: [&str; 21] = [
    "  Running scriptlet:",
    "  Preparing  ",
    "  Installing ",
    "  Reinstalling ",
    "  Upgrading ",
    "  Downgrading ",
    "  Cleanup ",
    "  Erasing ",
    "  Verifying ",
    "Running transaction",
    "[",
    "(",
    "Retrieving",
    "Preparing",
    "warning:",
    "error:",
    "Installing:",
    "Running ",
    // Debian's rpm says that there is another one for Debian.
    "rpm: ",
    "Additional rpm output:",
    "Error: Subprocess failed.",
];

/// How zypper introduces what rpm said.
const ZYPPER_INTRODUCTION: &str = "Error: Subprocess failed. Error: RPM failed:";

/// What went wrong with a command: failed scriptlets, and a database that is damaged or cannot be written, even if it
/// exited with 0, as dnf 4, yum, urpmi and rpm do; and what was passed over.
#[must_use]
pub fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
    let printed = without_colors(printed);
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let mut failures = failed_scriptlets(&lines);
    failures.extend(
        first_with(&lines, &DATABASE_WORDS)
            .map(|line| CommandFailure::new(format!("RPM's database is damaged: {}", plain(line)))),
    );
    if failures.is_empty() {
        failures.extend(
            first_with(&lines, &[DATABASE_FULL]).map(|line| {
                CommandFailure::new(format!("RPM's database cannot be written: {}", plain(line)))
            }),
        );
    }
    if succeeded {
        failures.extend(passed_over::unavailable(&lines));
        failures.extend(passed_over::left_out(&lines));
        return failures;
    }
    if !failures.is_empty() {
        return failures;
    }
    let explanations: [Explanation; 11] = [
        lock,
        full_disk,
        needed_by_others,
        file_conflicts,
        unresolved::missing_packages,
        passed_over::unavailable,
        network,
        unresolved::unsolved_problems,
        signature,
        unpacking,
        zypper_steps,
    ];
    let explained = explanations.into_iter().map(|explain| explain(&lines)).find(|found| !found.is_empty());
    explained.unwrap_or_else(|| other_errors(&lines))
}

/// What one kind of cause looks like, in the lines of an output.
type Explanation = fn(&[&str]) -> Vec<CommandFailure>;

fn lock(lines: &[&str]) -> Vec<CommandFailure> {
    first_with(lines, &LOCK_WORDS).map(|line| CommandFailure::transient(plain(line))).into_iter().collect()
}

fn signature(lines: &[&str]) -> Vec<CommandFailure> {
    first_with(lines, &SIGNATURE_WORDS).map(|line| CommandFailure::new(plain(line))).into_iter().collect()
}

/// `%post(x-1.0-1.noarch) scriptlet failed, exit status 3`, and what dnf 4 and yum say where rpm says otherwise.
fn failed_scriptlets(lines: &[&str]) -> Vec<CommandFailure> {
    let mut failures: Vec<CommandFailure> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((scriptlet, package, how)) = failed_scriptlet(line) else { continue };
        if failures.iter().any(|known| known.packages.first() == Some(&package)) {
            continue;
        }
        let mut cause = format!("the scriptlet {scriptlet} of {package} failed{how}");
        let said = script_output(&lines[..index]);
        if !said.is_empty() {
            cause.push_str(&format!(": {}", said.join("; ")));
        }
        failures.push(CommandFailure::of_package(cause, package));
    }
    failures
}

/// The scriptlet, the name of the package, and how it ended as the end of a sentence.
fn failed_scriptlet(line: &str) -> Option<(String, String, String)> {
    if let Some(start) = line.find('%')
        && let Some((scriptlet, rest)) = line[start..].split_once('(')
        && scriptlet[1..].bytes().all(|byte| byte.is_ascii_lowercase())
        && let Some((package, rest)) = rest.split_once(')')
    {
        let how = if let Some(how) = rest.strip_prefix(" scriptlet failed") {
            format!(" with {}", how.trim_start_matches([',', ' ']))
        } else if line.contains("lua script failed") {
            rest.split_once("]:").map_or_else(String::new, |(_, said)| format!(": line {said}"))
        } else {
            return None;
        };
        // As its tags are called, and not as specs do.
        let scriptlet = match scriptlet {
            "%prein" => "%pre",
            "%postin" => "%post",
            name => name,
        };
        return Some((scriptlet.to_owned(), package_name(package).to_owned(), how));
    }
    let (before, package) = line
        .split_once(" scriptlet in rpm package ")
        .or_else(|| line.split_once(" scriptlet failure in rpm package "))?;
    let kind = before.rsplit(' ').next()?.to_lowercase();
    let name = package.split_whitespace().next()?;
    // yum shows the version as well.
    let name = if before.contains("Non-fatal") { package_name(name) } else { name };
    Some((format!("%{kind}"), name.to_owned(), String::new()))
}

/// The last lines before that of the failure that are a program's and not the manager's.
fn script_output<'a>(before: &[&'a str]) -> Vec<&'a str> {
    let is_progress = |line: &str| {
        PROGRESS_PREFIXES.iter().any(|prefix| line.starts_with(prefix))
            || [".", "error]", "done]"].contains(&line)
            || line.starts_with(">>> Scriptlet output:")
            || line.starts_with(">>> Running ")
            || line.starts_with(">>> Error in ")
            || line.starts_with(">>> Non-critical ")
            || line.starts_with(">>> [RPM]")
    };
    let said: Vec<&str> = before
        .iter()
        .rev()
        .copied()
        .take_while(|line| !is_progress(line))
        .map(|line| line.trim_start_matches(">>>").trim())
        .filter(|line| !line.is_empty())
        .take(MAX_SCRIPT_LINES)
        .collect();
    said.into_iter().rev().collect()
}

fn full_disk(lines: &[&str]) -> Vec<CommandFailure> {
    first_with(lines, &SPACE_WORDS).map(|line| CommandFailure::new(plain(line))).into_iter().collect()
}

/// `\tx is needed by (installed) y-1-1.noarch`, of `rpm -e`.
fn needed_by_others(lines: &[&str]) -> Vec<CommandFailure> {
    let needs: Vec<String> = lines
        .iter()
        .filter_map(|line| line.trim().split_once(" is needed by "))
        .map(|(needed, by)| format!("{} needs {needed}", by.trim_start_matches("(installed) ")))
        .collect();
    if needs.is_empty() {
        Vec::new()
    } else {
        vec![CommandFailure::new(format!("others need it: {}", needs.join("; ")))]
    }
}

fn file_conflicts(lines: &[&str]) -> Vec<CommandFailure> {
    let is_conflict = |line: &&&str| {
        let line = line.trim_start_matches([' ', '-']);
        line.starts_with("file ")
            && (line.contains(" conflicts with ") || line.contains(" conflicts between "))
    };
    let of_rpm = lines.iter().filter(is_conflict).map(|line| plain(line));
    let conflicts: Vec<String> = of_rpm.chain(zypper_conflicts(lines)).take(MAX_LINES).collect();
    if conflicts.is_empty() { Vec::new() } else { vec![CommandFailure::new(conflicts.join("; "))] }
}

/// The same as zypper has it: `File /path`, and indented below it `from install of`, a package, `conflicts with file from
/// package`, another one, each on a line of its own.
fn zypper_conflicts<'a>(lines: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    lines.iter().enumerate().filter(|(_, line)| line.starts_with("File /")).filter_map(|(index, line)| {
        let below = lines[index + 1..].iter().take_while(|line| line.starts_with(' '));
        // Behind each package stands where it comes from.
        let words = below.map(|line| line.split(" (").next().unwrap_or(line).trim());
        let said = words.collect::<Vec<_>>().join(" ");
        said.contains("conflicts with").then(|| format!("file {} {said}", line.trim_start_matches("File ")))
    })
}

/// `Error unpacking rpm package x-1.0-1.noarch`, wherever on a line, and what rpm said of it; of dnf 4 and 5.
fn unpacking(lines: &[&str]) -> Vec<CommandFailure> {
    let said = first_with(lines, &["unpacking of archive failed"]);
    let failure = |name: &str| {
        let cause = said.map_or_else(
            || format!("{name} could not be unpacked: something else may be in the place of its files"),
            plain,
        );
        CommandFailure::of_package(cause, name)
    };
    let nevras = lines.iter().filter_map(|line| {
        let (_, rest) =
            line.split_once("Error unpacking rpm package ").or_else(|| line.split_once("Unpack error: "))?;
        rest.split_whitespace().next()
    });
    nevras.map(package_name).map(failure).collect()
}

/// What does not come over the network, or is not there at all, does not pass by itself.
fn network(lines: &[&str]) -> Vec<CommandFailure> {
    let is_remote = |line: &&str| !line.contains("file:/") && !line.contains("dir:/");
    let remote: Vec<&str> = lines.iter().copied().filter(is_remote).collect();
    let Some(line) = first_with(&remote, &NETWORK_WORDS) else { return Vec::new() };
    // zypper says above what it was about: `Download (curl) error for 'ADDRESS':`.
    let details = ["Error code: ", "Error message: "].iter().find_map(|prefix| line.strip_prefix(prefix));
    let position = remote.iter().position(|other| *other == line).unwrap_or_default();
    let subject = remote[..position].iter().rev().find(|other| other.contains("error for '"));
    let cause = match (details, subject) {
        (Some(details), Some(subject)) => format!("{} {}", plain(subject), plain(details)),
        _ => plain(line),
    };
    vec![CommandFailure::transient(without_time(&cause))]
}

/// Without how long libcurl tried, `after 4 ms`: what is the same another time must be told in the same words.
fn without_time(text: &str) -> String {
    let mut pieces = text.split(" after ");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        match rest.strip_prefix(" ms").filter(|_| rest.len() < piece.len()) {
            Some(rest) => plain.push_str(rest),
            None => plain.extend([" after ", piece]),
        }
    }
    plain
}

/// `Installation of x-1.0-1.noarch failed:` and what rpm said of it, of zypper, which has rpm do one package after the
/// other.
fn zypper_steps(lines: &[&str]) -> Vec<CommandFailure> {
    let failed = |(index, line): (usize, &&str)| {
        let step = line.strip_suffix(" failed:")?;
        let nevra = step.strip_prefix("Installation of ").or_else(|| step.strip_prefix("Removal of "))?;
        let said: Vec<String> = lines[index + 1..]
            .iter()
            .take_while(|line| !line.trim().is_empty())
            .map(|line| plain(line.strip_prefix(ZYPPER_INTRODUCTION).unwrap_or(line)))
            .filter(|line| !line.is_empty() && !line.starts_with("rpm: "))
            .take(MAX_LINES)
            .collect();
        let package = package_name(nevra);
        (!said.is_empty()).then(|| {
            CommandFailure::of_package(
                format!("{}: {}", step.replace(nevra, package), said.join("; ")),
                package,
            )
        })
    };
    lines.iter().enumerate().filter_map(failed).collect()
}

fn other_errors(lines: &[&str]) -> Vec<CommandFailure> {
    if lines.iter().any(|line| line.starts_with("However, you do not have any GPG public keys installed")) {
        return vec![CommandFailure::new(
            "packages of a source must be signed, but no public key is installed to check them with",
        )];
    }
    let text = |line: &&str| {
        let rest = ["Error: ", "error: ", "Failed to ", "fatal: "].iter().find_map(|prefix| {
            line.trim_start_matches([' ', '>']).strip_prefix(prefix).map(|rest| (prefix, rest))
        });
        let (prefix, rest) = rest?;
        let text = if prefix.starts_with("Failed") { line.trim() } else { rest.trim() };
        let is_empty = text.is_empty() || EMPTY_ERRORS.iter().any(|empty| text.starts_with(empty));
        (!is_empty).then(|| plain(text))
    };
    lines.iter().filter_map(text).take(MAX_LINES).map(CommandFailure::new).collect()
}

/// Without the sequences by which a terminal shows colors, whatever the configuration says.
fn without_colors(printed: &str) -> String {
    let mut pieces = printed.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let mut rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').chars();
        rest.next();
        plain.push_str(rest.as_str());
    }
    plain
}

/// The line with the first of these words that there is.
fn first_with<'a>(lines: &[&'a str], words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|words| lines.iter().copied().find(|line| line.contains(words)))
}
