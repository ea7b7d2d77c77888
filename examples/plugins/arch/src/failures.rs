//! What went wrong, out of what pacman prints in English.

use opkg_sdk::package_manager::CommandFailure;

/// The line that is printed where a script of a package or a hook failed; pacman goes on, and exits with 0.
const SCRIPT_FAILED: &str = "error: command failed to execute correctly";

/// What pacman says before it works on a package.
const STEPS: [&str; 5] = ["installing ", "upgrading ", "reinstalling ", "downgrading ", "removing "];

/// Errors that only sum up what the lines behind them say.
const SUMMARIES: [&str; 3] = [
    "failed to prepare transaction (",
    "failed to commit transaction (conflicting files)",
    "failed to init transaction (",
];

/// What passes by itself.
const TRANSIENT: [&str; 4] =
    ["unable to lock database", "failed retrieving file", "failed to synchronize", "could not resolve host"];

/// The causes; of a command that succeeded only scripts that failed.
pub fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
    let mut failures = failed_scripts(printed);
    if !succeeded {
        failures.extend(printed.lines().filter_map(cause));
        if failures.is_empty() {
            // Nothing but a summary is better than nothing at all.
            let errors = printed.lines().filter_map(|line| line.strip_prefix("error: "));
            failures.extend(errors.map(CommandFailure::new));
        }
    }
    failures
}

/// Scripts by the packages that they are of; what they printed stands before the line that says so.
fn failed_scripts(printed: &str) -> Vec<CommandFailure> {
    let mut failures = Vec::new();
    let mut step: Option<&str> = None;
    let mut said: Vec<&str> = Vec::new();
    for line in printed.lines() {
        if line == SCRIPT_FAILED {
            let output = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
            failures.push(match step {
                Some(package) => {
                    CommandFailure::of_package(format!("a script of {package} failed{output}"), package)
                }
                None => CommandFailure::new(format!("a hook failed{output}")),
            });
            said.clear();
        } else if let Some(package) = worked_on(line) {
            step = Some(package);
            said.clear();
        } else if line.starts_with(":: Running ") {
            step = None;
            said.clear();
        } else if !line.trim().is_empty() {
            said.push(line.trim());
        }
    }
    failures
}

/// `opkg-x` of `(1/2) installing opkg-x...`, and of the same without a count.
fn worked_on(line: &str) -> Option<&str> {
    let line =
        line.rsplit_once(") ").filter(|(count, _)| count.starts_with('(')).map_or(line, |(_, rest)| rest);
    let step = STEPS.iter().find_map(|step| line.strip_prefix(step))?;
    let name = step.split("...").next().unwrap_or(step).split_whitespace().next()?;
    (step.len() > name.len()).then_some(name)
}

fn cause(line: &str) -> Option<CommandFailure> {
    if line == SCRIPT_FAILED {
        return None;
    }
    if let Some(error) = line.strip_prefix("error: ") {
        if SUMMARIES.iter().any(|it| error.starts_with(it)) && !is_transient(error) {
            return None;
        }
        return Some(match (is_transient(error), error.strip_prefix("target not found: ")) {
            (true, _) => CommandFailure::transient(error),
            (false, Some(package)) => CommandFailure::of_package(error, package),
            (false, None) => CommandFailure::new(error),
        });
    }
    if let Some(told) = line.strip_prefix(":: ") {
        let is_cause = ["unable to satisfy dependency", "breaks dependency", " are in conflict"]
            .iter()
            .any(|it| told.contains(it));
        let package = told.rsplit_once("required by ").map(|(_, package)| package.trim());
        return is_cause.then(|| match package {
            Some(package) => CommandFailure::of_package(told, package),
            None => CommandFailure::new(told),
        });
    }
    let (package, rest) = line.split_once(": /")?;
    rest.contains(" exists in ").then(|| CommandFailure::of_package(line, package))
}

fn is_transient(error: &str) -> bool {
    TRANSIENT.iter().any(|it| error.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(printed: &str, succeeded: bool) -> Vec<(String, Vec<String>, bool)> {
        explain(printed, succeeded).into_iter().map(|it| (it.cause, it.packages, it.transient)).collect()
    }

    #[test]
    fn a_script_that_failed_is_told_with_what_it_said() {
        let printed = "resolving dependencies...\nlooking for conflicting packages...\n\nPackages (1) opkg-x-1.0-1\n\n\
                       installing opkg-x...\nno such network\nerror: command failed to execute correctly\n";
        let expected = "a script of opkg-x failed: no such network".to_owned();
        assert_eq!(causes(printed, true), [(expected, vec!["opkg-x".to_owned()], false)]);
        let hook = "installing opkg-x...\n:: Running post-transaction hooks...\n(1/1) Running it...\n\
                    error: command failed to execute correctly\n";
        assert_eq!(
            causes(hook, true),
            [("a hook failed: (1/1) Running it...".to_owned(), Vec::new(), false)]
        );
    }

    #[test]
    fn what_is_missing_or_in_the_way() {
        for (printed, cause, packages, transient) in [
            (
                "resolving dependencies...\nwarning: cannot resolve \"nothing\", a dependency of \"opkg-x\"\n\
                 error: failed to prepare transaction (could not satisfy dependencies)\n\
                 :: unable to satisfy dependency 'nothing' required by opkg-x\n",
                "unable to satisfy dependency 'nothing' required by opkg-x",
                &["opkg-x"][..],
                false,
            ),
            (
                "checking dependencies...\nerror: failed to prepare transaction (could not satisfy dependencies)\n\
                 :: removing opkg-x breaks dependency 'opkg-x=1.0-1' required by opkg-x-server\n",
                "removing opkg-x breaks dependency 'opkg-x=1.0-1' required by opkg-x-server",
                &["opkg-x-server"],
                false,
            ),
            (
                "error: failed to commit transaction (conflicting files)\n\
                 opkg-x: /usr/bin/x exists in filesystem (owned by y)\nErrors occurred, no packages were upgraded.\n",
                "opkg-x: /usr/bin/x exists in filesystem (owned by y)",
                &["opkg-x"],
                false,
            ),
            ("error: target not found: opkg-x\n", "target not found: opkg-x", &["opkg-x"], false),
            (
                "error: failed to init transaction (unable to lock database)\nerror: could not lock database: File exists\n",
                "failed to init transaction (unable to lock database)",
                &[],
                true,
            ),
            (
                "error: failed retrieving file 'site.db' from example.org : Could not resolve host: example.org\n",
                "failed retrieving file 'site.db' from example.org : Could not resolve host: example.org",
                &[],
                true,
            ),
        ] {
            let found = causes(printed, false);
            let packages: Vec<String> = packages.iter().map(ToString::to_string).collect();
            assert_eq!(found[0], (cause.to_owned(), packages, transient), "{found:?}");
        }
    }

    #[test]
    fn nothing_is_wrong_with_a_success() {
        let printed = "warning: opkg-x-1.0-1 is up to date -- skipping\n there is nothing to do\n";
        assert_eq!(causes(printed, true), []);
    }
}
