//! Maintainer scripts, and the packages that the scripts of an OPKG need to be run.

use opkg_plugin::finding;
use opkg_plugin::opkg::{Diagnostic, HookTime};
use opkg_plugin::parts::{Part, Placed};
use opkg_plugin::scriptlet;

use crate::name::is_essential;
use crate::relation::{Dependency, Field};

/// What dpkg runs around one package, with arguments of its own (deb-postinst(5) and the like).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// When.
    pub time: HookTime,
    /// For `/bin/sh`, without the line that says so.
    pub body: String,
}

impl Script {
    /// What dpkg calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.time {
            HookTime::PreInstall => "preinst",
            HookTime::PostInstall => "postinst",
            HookTime::PreUninstall => "prerm",
            HookTime::PostUninstall => "postrm",
        }
    }

    /// The whole file.
    #[must_use]
    pub fn text(&self) -> String {
        format!("#!/bin/sh\n{}", self.body)
    }
}

/// The scripts of a part, in the order in which they run in a package's life, each at most once.
#[must_use]
pub fn of_part(part: &Part<'_>, home: &str) -> Vec<Script> {
    const TIMES: [HookTime; 4] =
        [HookTime::PreInstall, HookTime::PostInstall, HookTime::PreUninstall, HookTime::PostUninstall];
    let scriptlets: Vec<_> = part.files.iter().filter_map(|file| scriptlet::of(file, home)).collect();
    let at = |time: HookTime| {
        let bodies: Vec<_> = scriptlets.iter().filter(|it| it.time == time).map(|it| &it.body).collect();
        let body = match bodies.as_slice() {
            [] => return None,
            [body] => format!("set -e\n{body}"),
            // Each replaces or ends the shell that it runs in.
            several => several.iter().fold("set -e\n".to_owned(), |text, body| format!("{text}(\n{body})\n")),
        };
        Some(Script { time, body })
    };
    TIMES.into_iter().filter_map(at).collect()
}

/// What the interpreters of a part's scripts ask for. An interpreter that no package is known for is told
/// only where dpkg itself starts it.
pub fn needs(part: &Part<'_>, findings: &mut Vec<Diagnostic>) -> Vec<Dependency> {
    part.files.iter().filter_map(|file| need(file, findings)).collect()
}

fn need(file: &Placed<'_>, findings: &mut Vec<Diagnostic>) -> Option<Dependency> {
    let program = program(&file.source.interpreter)?;
    let time = file.source.scriptlet.as_ref().map(|scriptlet| scriptlet.time);
    let path = &file.source.path;
    let Some(package) = package(program) else {
        if time.is_some() {
            let message = format!("no Debian package is known for `{program}`, which runs `{path}`");
            let help = format!("require the package that holds `{program}`, or write the script for sh");
            finding::add(findings, finding::warning(file.source.at, message, help));
        }
        return None;
    };
    if is_essential(package) {
        return None;
    }
    if time == Some(HookTime::PostUninstall) {
        let message = format!("`{package}` may be gone already when `{path}` runs");
        finding::add(
            findings,
            finding::warning(file.source.at, message, "write it for sh, bash or perl, which always stay"),
        );
    }
    let field = if time == Some(HookTime::PreInstall) { Field::PreDepends } else { Field::Depends };
    Some(Dependency::on(field, package))
}

/// What a script is written for: the last component of its interpreter, or what `env` shall look for.
fn program(interpreter: &[String]) -> Option<&str> {
    let (program, argument) = interpreter.split_first()?;
    let program = match program.rsplit('/').next() {
        Some("env") => argument.first()?.trim_start_matches("-S").split_whitespace().next()?,
        _ => program,
    };
    program.rsplit('/').next().filter(|name| !name.is_empty())
}

/// The package that holds an interpreter.
fn package(program: &str) -> Option<&'static str> {
    Some(match program {
        "sh" | "dash" => "dash",
        "bash" | "rbash" => "bash",
        "perl" => "perl-base",
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
        program(&words).and_then(package)
    }

    #[test]
    fn interpreters() {
        assert_eq!(of(&["/bin/sh", "-e"]), Some("dash"));
        assert_eq!(of(&["/usr/bin/perl"]), Some("perl-base"));
        assert_eq!(of(&["/usr/bin/env", "python3"]), Some("python3"));
        assert_eq!(of(&["/usr/bin/env", "-S python3 -u"]), Some("python3"));
        assert_eq!(of(&["/usr/bin/env"]), None);
        assert_eq!(of(&["/opt/x/foo"]), None);
        assert_eq!(of(&[]), None);
    }
}
