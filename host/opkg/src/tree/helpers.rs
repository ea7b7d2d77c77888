//! Whether the files that a script calls are installed where it runs.
//!
//! The parts go to different machines: what the client's scripts call must be in the client part, and nothing of that
//! is on the head node. Only plain calls by a path can be seen: `$OSCAR_PACKAGE_HOME/helper`, `./helper`.

use super::contents::read_limited;
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::DiagnosticSink;
use crate::limits;
use crate::model::{Part, SourceFile};
use crate::source_dir::SourceDir;
use crate::text::escape_for_display;

/// Files of `scripts/` that are looked at, and bytes of scripts that are searched: far more than anybody has, and few
/// enough to search each script for each file.
const MAX_SEARCHED_FILES: usize = 200;
const MAX_SEARCHED_BYTES: u64 = 2 << 20;

/// Warns of calls to files that are in the part of another machine.
pub(super) fn check(source: &SourceDir, home: &str, files: &[SourceFile], diagnostics: &mut DiagnosticSink) {
    let helpers: Vec<(&SourceFile, &str)> = files
        .iter()
        .filter_map(|file| Some((file, file.path.strip_prefix("scripts/")?)))
        .take(MAX_SEARCHED_FILES)
        .collect();
    let mut bytes_left = MAX_SEARCHED_BYTES;
    for (script, _) in &helpers {
        let is_text = !script.interpreter.is_empty() && script.size <= limits::MAX_EMBEDDED_SCRIPT_BYTES;
        let is_apart = |helper: &SourceFile| !is_within_reach(script.part, helper.part);
        if script.link.is_some() || !is_text || !helpers.iter().any(|(helper, _)| is_apart(helper)) {
            continue;
        }
        let Some(left) = bytes_left.checked_sub(script.size) else { break };
        bytes_left = left;
        let read = source
            .open_file(&script.path)
            .and_then(|file| read_limited(file, limits::MAX_EMBEDDED_SCRIPT_BYTES));
        let Ok((bytes, _)) = read else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for (helper, name) in helpers.iter().filter(|(helper, _)| is_apart(helper)) {
            if text.lines().any(|line| calls(line, name, home)) {
                diagnostics.push(unreachable(script, helper, name));
            }
        }
    }
}

/// Whether what is in one part may rely on a file of another: the server part requires the api part.
pub(super) fn is_within_reach(from: Part, to: Part) -> bool {
    from == to || (from == Part::Server && to == Part::Api)
}

fn unreachable(script: &SourceFile, helper: &SourceFile, name: &str) -> Diagnostic {
    let place = |part: Part| match part {
        Part::Api => "the api part, on the head node",
        Part::Server => "the server part, on the head node",
        Part::Client => "the client part, on the nodes",
    };
    let message = format!(
        "the script calls `{}`, which is in {}, and itself is in {}",
        escape_for_display(&helper.path),
        place(helper.part),
        place(script.part)
    );
    let file = name.rsplit('/').next().unwrap_or_default();
    let help = match script.part {
        Part::Client => format!(
            "put the helper, or a copy of it, into `scripts/client/`, and call `$OSCAR_PACKAGE_HOME/client/{}`",
            escape_for_display(file)
        ),
        Part::Server | Part::Api => format!(
            "put a copy of it right into `scripts/`, and call `$OSCAR_PACKAGE_HOME/{}`",
            escape_for_display(file)
        ),
    };
    Diagnostic::warning("script-helper", message)
        .at(Location::File(script.path.clone()))
        .help(help)
        .related(Location::File(helper.path.clone()), "what it calls")
}

/// Whether a line of a script names a file of the package's home by a path. Comments do not count.
fn calls(line: &str, name: &str, home: &str) -> bool {
    if line.trim_start().starts_with('#') {
        return false;
    }
    line.match_indices(name).any(|(at, _)| {
        let ends = !line[at + name.len()..].starts_with(|c: char| is_name_char(c) || c == '/');
        ends && line[..at].strip_suffix('/').is_some_and(|directory| is_home(directory, home))
    })
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Whether a text ends with a directory that may be the home: itself, `.`, or something that is worked out only when
/// the script runs: `$DIR`, `${DIR}`, `$(dirname "$0")`, `` `pwd` ``.
fn is_home(text: &str, home: &str) -> bool {
    if text.ends_with(home) {
        return true;
    }
    let text = text.strip_suffix(['"', '\'']).unwrap_or(text);
    if text.ends_with(['}', ')', '`']) {
        return true;
    }
    let start = text
        .rfind(|c: char| !is_name_char(c))
        .map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    let (before, last) = text.split_at(start);
    last == "." && !before.ends_with('/') || before.ends_with('$') && !last.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_by_a_path() {
        let home = "/usr/lib/oscar/packages/x";
        for line in [
            "$OSCAR_PACKAGE_HOME/fix",
            "\"$OSCAR_PACKAGE_HOME\"/fix -a",
            "  . \"${OSCAR_PACKAGE_HOME}/fix\"",
            "exec ./fix",
            "`dirname $0`/fix",
            "$(dirname \"$0\")/fix||exit",
            "system(\"$ENV{OSCAR_PACKAGE_HOME}/fix\");",
            "/usr/lib/oscar/packages/x/fix",
        ] {
            assert!(calls(line, "fix", home), "{line}");
        }
        for line in [
            "fix",
            "# ./fix is called later",
            "/usr/bin/fix",
            "/etc/fix",
            "$root/etc/fix",
            "./fix.conf",
            "./fix-it",
            "./fixed",
            "../fix",
            "/usr/lib/oscar/packages/y/fix",
            "./fix/other",
            "lib/fix",
            "",
        ] {
            assert!(!calls(line, "fix", home), "{line}");
        }
        assert!(calls("$OSCAR_PACKAGE_HOME/client/lib/fix", "client/lib/fix", home));
        assert!(!calls("$OSCAR_PACKAGE_HOME/client/lib/fix", "fix", home));
        assert!(calls("é$é/fix", "fix", home) && !calls("é/fix", "fix", home));
    }
}
