//! Whether shells can read the scripts of an OPKG: each is given to its own interpreter with `-n`, which reads and runs
//! nothing.
//!
//! Only shells: other interpreters run parts of what they are to check (`BEGIN` of Perl). Where a shell is not
//! installed, its scripts are left alone.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use opkg::diagnostic::{Diagnostic, Location};
use opkg::model::{Opkg, SourceFile};
use opkg::{escape_for_display, limits};

/// Shells that read without running when they are asked to.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ksh", "zsh"];

/// How long all shells together may read; each takes milliseconds.
const TIME_LIMIT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Bytes of a complaint that are read.
const MAX_COMPLAINT_BYTES: u64 = 4 << 10;

/// Warns of scripts that their shells cannot read.
#[must_use]
pub fn check_syntax(directory: &Path, opkg: &Opkg) -> Vec<Diagnostic> {
    let Ok(directory) = fs_err::canonicalize(directory) else { return Vec::new() };
    let deadline = Instant::now() + TIME_LIMIT;
    opkg.files.iter().filter_map(|file| check_file(&directory, file, deadline)).collect()
}

fn check_file(directory: &Path, file: &SourceFile, deadline: Instant) -> Option<Diagnostic> {
    let is_script = file.path.starts_with("scripts/") || file.path.starts_with("testing/");
    if !is_script || file.link.is_some() || file.size > limits::MAX_EMBEDDED_SCRIPT_BYTES {
        return None;
    }
    let shell = shell_name(&file.interpreter)?;
    let program = find_program(shell)?;
    let path = directory.join(&file.path);
    let complaint = read_only(&program, &path, deadline)?;
    let complaint = complaint.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let shown = complaint.replace(&path.to_string_lossy().into_owned(), "");
    let shown = shown.trim_start_matches([':', ' ']);
    let message = format!("`{shell} -n` cannot read the script: {}", escape_for_display(shown));
    let help = format!(
        "correct it; nothing of it was run. `{shell} -n {}` tells all",
        escape_for_display(&file.path)
    );
    Some(Diagnostic::warning("script-syntax", message).at(Location::File(file.path.clone())).help(help))
}

/// The shell that an interpreter's words name, by itself or by way of `env`.
fn shell_name(interpreter: &[String]) -> Option<&'static str> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (program, arguments) = interpreter.split_first()?;
    let program = match name(program).as_str() {
        "env" => name(arguments.first()?.trim_start_matches("-S").split_whitespace().next()?),
        program => program.to_owned(),
    };
    SHELLS.into_iter().find(|shell| *shell == program)
}

/// A program in the search path.
fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    directories.map(|directory| directory.join(name)).find(|program| program.is_file())
}

/// What a shell has to complain about a file that it reads; nothing where there is nothing, or it does not come to
/// an end.
fn read_only(shell: &Path, script: &Path, deadline: Instant) -> Option<String> {
    if Instant::now() >= deadline {
        return None;
    }
    let mut child = Command::new(shell)
        .arg("-n")
        .arg(script)
        // Shells read further files whose names are in variables.
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let complaint = child.stderr.take()?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL_INTERVAL),
            // It has filled the pipe, or hangs.
            Ok(None) | Err(_) => break None,
        }
    };
    let Some(status) = status else {
        // One that has just ended is none to be ended.
        let _ = child.kill();
        let _ = child.wait();
        return None;
    };
    if status.success() || status.code().is_none() {
        return None;
    }
    let mut bytes = Vec::new();
    complaint.take(MAX_COMPLAINT_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shells() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            shell_name(&words)
        };
        for (words, expected) in [
            (&["/bin/sh"][..], Some("sh")),
            (&["/usr/bin/bash", "-e"], Some("bash")),
            (&["/usr/bin/env", "bash"], Some("bash")),
            (&["/usr/bin/env", "-S bash -e"], Some("bash")),
            (&["/usr/bin/perl"], None),
            (&["/usr/bin/env", "python3"], None),
            (&["/usr/bin/env"], None),
            (&["/bin/tcsh"], None),
            (&[], None),
        ] {
            assert_eq!(of(words), expected, "{words:?}");
        }
    }

    #[test]
    fn scripts_are_read_and_never_run() {
        let directory = tempfile::tempdir().unwrap();
        let (script, witness) = (directory.path().join("script"), directory.path().join("witness"));
        let shell = find_program("sh").unwrap();
        let touch = format!("touch '{}'\n", witness.display());
        for (text, is_refused) in [
            (format!("{touch}$({touch})\n`{touch}`\ntrap '{touch}' EXIT\n").as_str(), false),
            ("", false),
            ("if true; then\n  echo x\n", true),
            ("echo 'never ends\n", true),
            ("case x in esac )\n", true),
            ("for x in; do done\n", true),
        ] {
            fs_err::write(&script, text).unwrap();
            let complaint = read_only(&shell, &script, Instant::now() + TIME_LIMIT);
            assert_eq!(complaint.is_some(), is_refused, "{text}: {complaint:?}");
            assert!(!witness.exists(), "{text}");
        }
    }
}
