//! Every error of the libraries, turned into what an administrator reads: what happened, and which command goes on.

use std::io;

use opkg_oda::{Error as Database, Holder, Invalid};
use opkg_opm::choice::NoTarget;
use opkg_opm::engine::RunError;
use opkg_opm::requests::Refusal;
use opkg_opm::targets::Refusal as TargetRefusal;

use crate::failure::{UsageError, causes, is_broken_pipe};
use crate::opm::clock::{date, seconds, span};
use crate::opm::exit::Exit;
use crate::shell::Shell;

/// Says what went wrong and how the program ends.
pub fn report(shell: Shell, error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Done;
    }
    let mut text = causes(error);
    if let Some(RunError::Held { holder, .. }) = error.downcast_ref() {
        text.push_str(&format!("\n  {}", who(holder, seconds())));
    }
    if let Some(help) = help(error) {
        text.push_str(&format!("\n  help: {help}"));
    }
    shell.message(&text);
    exit(error)
}

fn exit(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<RunError>() {
        Some(RunError::Held { .. }) => return Exit::Held,
        Some(RunError::Database(_)) => return Exit::Database,
        None => {}
    }
    if error.is::<Database>() { Exit::Database } else { Exit::Usage }
}

/// Who has a target, and since when.
fn who(holder: &Holder, now: i64) -> String {
    let process = holder.process.map_or_else(|| "another process".to_owned(), |it| format!("process {it}"));
    let since = holder.since.map_or_else(String::new, |it| {
        format!(", since {} (for {})", date(it.saturating_mul(1000)), span(now.saturating_sub(it) * 1000))
    });
    format!("{process} holds it{since}")
}

fn help(error: &anyhow::Error) -> Option<String> {
    if let Some(usage) = error.downcast_ref::<UsageError>() {
        return Some(usage.help().to_owned());
    }
    if let Some(run) = error.downcast_ref::<RunError>() {
        return match run {
            RunError::Held { .. } => {
                Some("`opm status --watch` shows what it does; run opm again when it has ended".into())
            }
            RunError::Database(error) => database(error),
        };
    }
    if let Some(error) = error.downcast_ref::<Database>() {
        return database(error);
    }
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return Some(refused(refusal));
    }
    if let Some(refusal) = error.downcast_ref::<TargetRefusal>() {
        return Some(target_refused(refusal));
    }
    if error.is::<NoTarget>() || error.is::<Invalid>() {
        return Some("`opm target list` lists the targets".into());
    }
    error.chain().find_map(|it| it.downcast_ref::<io::Error>()).and_then(|it| io_help(it.kind()))
}

fn database(error: &Database) -> Option<String> {
    Some(match error {
        Database::Missing(_) => {
            "`opm init --name NAME` makes one; --database FILE or $OPM_DATABASE names another".into()
        }
        Database::Exists(path) => {
            format!("it is not touched; move {} away if it is not wanted any longer", path.display())
        }
        Database::Foreign(_) => "name the right file with --database FILE or $OPM_DATABASE".into(),
        Database::Newer { .. } => "use the opm that wrote it, or a newer one".into(),
        Database::Damaged { .. } => {
            "put a backup in its place (`opm export` makes one); nothing was changed".into()
        }
        Database::Unsafe { .. } => "put it on a local disk, and name it with --database FILE".into(),
        Database::ReadOnly { .. } => {
            "run opm as root, or name a database that you may write to with --database FILE".into()
        }
        Database::Full(path) => format!(
            "make room on the disk of {}, then run opm again: it goes on where it was",
            path.display()
        ),
        Database::Busy { .. } => "run it again when the other process has ended".into(),
        Database::Other { .. } => "nothing was changed; run it again when the cause is gone".into(),
    })
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::UnknownPackage(_) => "`opm package list` lists the packages that are known".into(),
        Refusal::Core(_) => "it stays; nothing was changed".into(),
        Refusal::Needed { needed, by, .. } => format!(
            "`opm remove --cascade {needed}` removes {} as well; nothing was changed",
            if by.len() == 1 { "it" } else { "them" }
        ),
        Refusal::NotRequested { package, .. } => {
            format!("`opm status {package}` shows where it was requested")
        }
        Refusal::Removal(package) => format!("`opm remove {package}` asks for its removal"),
        Refusal::NoWork(_) => "name a stage with work, post-clients or post-install say".into(),
        Refusal::NoClient(_) => {
            "only clients are assigned packages; `opm request --on` asks for them elsewhere".into()
        }
    }
}

fn target_refused(refusal: &TargetRefusal) -> String {
    match refusal {
        TargetRefusal::SecondServer(_) => "a cluster has one head node; other machines are clients".into(),
        TargetRefusal::NoClient(_) => "leave out --image".into(),
        TargetRefusal::NoImage(image) => {
            format!("`opm target add image:{} --root DIR` makes it known", image.name)
        }
        TargetRefusal::Root { .. } => "name a directory of its own with --root DIR".into(),
        TargetRefusal::NoRoot(image) => format!("`opm target add {image} --root DIR` says where it is"),
        TargetRefusal::Server(_) => "move the database away to begin anew".into(),
        TargetRefusal::Occupied { address, .. } => {
            format!(
                "`opm status --on {address}` shows them; --force forgets them, without removing them there"
            )
        }
    }
}

fn io_help(kind: io::ErrorKind) -> Option<String> {
    let help = match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "run opm as root, or name a place that you may write to"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, then run it again",
        io::ErrorKind::NotFound => "see whether the path is right",
        _ => return None,
    };
    Some(help.into())
}
