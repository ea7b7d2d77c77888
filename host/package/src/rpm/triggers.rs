//! Triggers that RPM runs once for a transaction in which files come or go.

use opkg_interface::artefacts::{BinaryPackage, FileTrigger, TriggerTime};

use super::header::Header;
use super::tag;
use crate::Error;

/// What `rpmbuild` gives a trigger that says nothing of it.
const DEFAULT_PRIORITY: u32 = 1_000_000;

/// The file triggers of a package, in their order; the prefixes of all of them are sorted, as `rpmbuild` has them.
///
/// # Errors
/// [`Error::InvalidOutput`] for what RPM could not read again, or would read as something else; a deb's interests as well.
pub(super) fn write_file_triggers(header: &mut Header, package: &BinaryPackage) -> Result<(), Error> {
    if let Some(path) = package.interests.first() {
        return Err(Error::InvalidOutput(format!("an interest in {path:?} in an RPM")));
    }
    let triggers = &package.file_triggers;
    triggers.iter().try_for_each(check)?;
    let mut prefixes: Vec<(&str, u32, u32)> = (0..)
        .zip(triggers)
        .flat_map(|(index, trigger)| {
            trigger.prefixes.iter().map(move |prefix| (prefix.as_str(), flag(trigger.time), index))
        })
        .collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    header.strings(tag::FILE_TRIGGER_BODIES, triggers.iter().map(|it| it.body.clone()).collect());
    header.strings(tag::FILE_TRIGGER_PROGRAMS, triggers.iter().map(|it| it.interpreter.clone()).collect());
    header.strings(tag::FILE_TRIGGER_PREFIXES, prefixes.iter().map(|it| it.0.to_owned()).collect());
    header.numbers(tag::FILE_TRIGGER_INDEXES, prefixes.iter().map(|it| it.2).collect());
    header.strings(tag::FILE_TRIGGER_VERSIONS, prefixes.iter().map(|_| String::new()).collect());
    header.numbers(tag::FILE_TRIGGER_FLAGS, prefixes.iter().map(|it| it.1).collect());
    header.numbers(tag::FILE_TRIGGER_PRIORITIES, triggers.iter().map(|_| DEFAULT_PRIORITY).collect());
    Ok(())
}

fn check(trigger: &FileTrigger) -> Result<(), Error> {
    let is_prefix = |prefix: &String| prefix.starts_with('/') && prefix.chars().all(|c| c.is_ascii_graphic());
    if trigger.prefixes.is_empty() || !trigger.prefixes.iter().all(is_prefix) {
        return Err(Error::InvalidOutput(format!("a file trigger for {:?}", trigger.prefixes)));
    }
    let program = &trigger.interpreter;
    if !program.starts_with('/') || program.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(Error::InvalidOutput(format!("a file trigger for the program {program:?}")));
    }
    Ok(())
}

fn flag(time: TriggerTime) -> u32 {
    match time {
        TriggerTime::BeforeRemoval => tag::TRIGGER_UN,
        TriggerTime::AfterInstallation => tag::TRIGGER_IN,
        TriggerTime::AfterRemoval => tag::TRIGGER_POST_UN,
    }
}
