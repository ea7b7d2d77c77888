//! Maintainer scripts, and the packages that the scripts of an OPKG need to be run.

use opkg_sdk::additions::{Addition, Place, TIMES, commands_at};
use opkg_sdk::diagnostic;
use opkg_sdk::model::{Diagnostic, Opkg, ScriptTime};
use opkg_sdk::parts::{InstalledFile, PartPlan};
use opkg_sdk::scriptlet;

use crate::action;
use crate::name::is_essential;
use crate::perl;
use crate::relation::{Dependency, RelationField};
use crate::version::DebVersion;

/// What dpkg calls the scripts of [`TIMES`].
const FILE_NAMES: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// In a script of [`ScriptTime::PostInstall`], up to `;;`: when a package is there again, also after something that did not come
/// about.
pub const CONFIGURED: &str = "case \"$1\" in configure | abort-upgrade | abort-deconfigure | abort-remove)\n";

/// What dpkg runs around one package, with arguments of its own (deb-postinst(5) and the like).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintainerScript {
    pub time: ScriptTime,
    /// What dpkg calls it.
    pub file_name: &'static str,
    /// For `/bin/sh`, without the line that says so.
    pub body: String,
}

impl MaintainerScript {
    #[must_use]
    pub fn text(&self) -> String {
        format!("#!/bin/sh\n{}", self.body)
    }
}

/// The scripts of a part of this version, in the order in which they run in a package's life, each at most once. `triggered` is
/// what begins the one after the installation.
#[must_use]
pub fn from_part(
    part: &PartPlan<'_>,
    opkg: &Opkg,
    version: &DebVersion,
    triggered: &str,
    additions: &[Addition],
) -> Vec<MaintainerScript> {
    let files = part.files.iter();
    let scriptlets: Vec<_> = files
        .filter_map(|file| scriptlet::for_file(file, opkg, |time| action::commands(time, version)))
        .collect();
    let at = |(time, file_name)| {
        let [before, after] = [Place::Before, Place::After].map(|it| commands_at(additions, time, it));
        let bodies: Vec<_> =
            scriptlets.iter().filter(|script| script.time == time).map(|script| &script.body).collect();
        let triggered = if time == ScriptTime::PostInstall { triggered } else { "" };
        let own = match bodies.as_slice() {
            [] if triggered.is_empty() && before.is_empty() && after.is_empty() => return None,
            [] => String::new(),
            [body] if after.is_empty() => (*body).clone(),
            // Each replaces or ends the shell that it runs in.
            several => several.iter().map(|body| format!("(\n{body})\n")).collect(),
        };
        Some(MaintainerScript { time, file_name, body: format!("set -e\n{triggered}{before}{own}{after}") })
    };
    TIMES.into_iter().zip(FILE_NAMES).filter_map(at).collect()
}

/// Tells of scripts that dpkg has no time for.
pub fn report_never_run(part: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for file in &part.files {
        let path = &file.source.path;
        let message = match file.source.script.as_ref().map(|it| it.time) {
            None | Some(ScriptTime::Triggered) => continue,
            Some(time) if TIMES.contains(&time) => continue,
            Some(ScriptTime::PostTransaction) => {
                format!("never run: dpkg has no scripts for the end of a transaction, as `{path}` is")
            }
            Some(_) => format!("never run: dpkg has no scripts of the time that `{path}` is for"),
        };
        let help = "let the post-install script do it, which runs for each package";
        diagnostic::push_unique(diagnostics, diagnostic::warning(file.source.at, message, help));
    }
}

/// What the interpreters of a part's scripts ask for. An interpreter that no package is known for is told
/// only where dpkg itself starts it.
pub fn interpreter_dependencies(part: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Dependency> {
    part.files.iter().filter_map(|file| interpreter_dependency(file, diagnostics)).collect()
}

fn interpreter_dependency(file: &InstalledFile<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Dependency> {
    let program = interpreter_name(&file.source.interpreter)?;
    let time = file.source.script.as_ref().map(|scriptlet| scriptlet.time);
    let path = &file.source.path;
    let Some(package) = interpreter_package(program) else {
        if time.is_some() {
            let message = format!("no Debian package is known for `{program}`, which runs `{path}`");
            let help = format!("require the package that holds `{program}`, or write the script for sh");
            diagnostic::push_unique(diagnostics, diagnostic::warning(file.source.at, message, help));
        }
        return None;
    };
    let text = file.source.script.as_ref().and_then(|scriptlet| scriptlet.text.as_deref());
    let needs_base_alone = package == "perl" && text.is_some_and(perl::is_base_enough);
    if is_essential(package) || needs_base_alone {
        return None;
    }
    if time == Some(ScriptTime::PostUninstall) {
        let message = format!("`{package}` may be gone already when `{path}` runs");
        diagnostic::push_unique(
            diagnostics,
            diagnostic::warning(
                file.source.at,
                message,
                "write it for sh or bash, which always stay; of Perl, what perl-base has stays",
            ),
        );
    }
    let field =
        if time == Some(ScriptTime::PreInstall) { RelationField::PreDepends } else { RelationField::Depends };
    Some(Dependency::unversioned(field, package))
}

/// What a script is written for: the last component of its interpreter, or what `env` shall look for.
fn interpreter_name(interpreter: &[String]) -> Option<&str> {
    let (program, argument) = interpreter.split_first()?;
    let program = match program.rsplit('/').next() {
        Some("env") => argument.first()?.trim_start_matches("-S").split_whitespace().next()?,
        _ => program,
    };
    program.rsplit('/').next().filter(|name| !name.is_empty())
}

/// The package that holds an interpreter.
fn interpreter_package(program: &str) -> Option<&'static str> {
    Some(match program {
        "sh" | "dash" => "dash",
        "bash" | "rbash" => "bash",
        // Of Perl, every system has the interpreter and little more.
        "perl" => "perl",
        "sed" => "sed",
        // One of several packages has it, and base-files depends on that.
        "awk" => "base-files",
        "gawk" => "gawk",
        "mawk" => "mawk",
        "python3" => "python3",
        "python" => "python-is-python3",
        "python2" => "python2",
        "ruby" => "ruby",
        "tclsh" => "tcl",
        "wish" => "tk",
        "expect" => "expect",
        "csh" | "tcsh" => "tcsh",
        "zsh" => "zsh",
        "ksh" => "ksh",
        "fish" => "fish",
        "php" => "php-cli",
        "make" => "make",
        "node" | "nodejs" => "nodejs",
        "Rscript" => "r-base-core",
        "gnuplot" => "gnuplot",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(interpreter: &[&str]) -> Option<&'static str> {
        let words: Vec<String> = interpreter.iter().map(ToString::to_string).collect();
        interpreter_name(&words).and_then(interpreter_package)
    }

    #[test]
    fn interpreters() {
        assert_eq!(of(&["/bin/sh", "-e"]), Some("dash"));
        assert_eq!(of(&["/usr/bin/perl"]), Some("perl"));
        assert_eq!(of(&["/usr/bin/env", "python3"]), Some("python3"));
        assert_eq!(of(&["/usr/bin/env", "-S python3 -u"]), Some("python3"));
        assert_eq!(of(&["/usr/bin/env"]), None);
        assert_eq!(of(&["/opt/x/foo"]), None);
        assert_eq!(of(&[]), None);
    }
}
