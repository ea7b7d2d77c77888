//! What a package is to do when files of others come and go: which formats have a place for it, and paths that mean the same
//! to all of them.

use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{BinaryPackage, Container, FileTrigger};

use crate::validate_words::{ValidationError, invalid, validate_absolute, validate_single_line};

/// Checks the triggers of a package in its container.
///
/// # Errors
/// When they are those of another format, or about something that is no directory.
pub(crate) fn validate_triggers(package: &BinaryPackage) -> Result<(), ValidationError> {
    let says_so = match &package.container {
        Container::Rpm(_) | Container::Deb(_) => false,
        Container::Archives(archives) => archives.metadata.contains(ArchiveMetadata::TRIGGERS),
    };
    if !package.file_triggers.is_empty() && !matches!(package.container, Container::Rpm(_)) && !says_so {
        return invalid("file triggers, which only an RPM has, and archives whose members say so");
    }
    if !package.interests.is_empty() && !matches!(package.container, Container::Deb(_)) && !says_so {
        return invalid("interests, which only a deb has, and archives whose members say so");
    }
    package.file_triggers.iter().try_for_each(validate_file_trigger)?;
    package.interests.iter().try_for_each(|path| validate_path(path))
}

fn validate_file_trigger(trigger: &FileTrigger) -> Result<(), ValidationError> {
    if trigger.prefixes.is_empty() {
        return invalid("a file trigger without a prefix");
    }
    for prefix in &trigger.prefixes {
        match prefix.strip_suffix('/') {
            Some(path) => validate_path(path)?,
            None => return invalid("the prefix of a file trigger without a `/` at its end"),
        }
    }
    if trigger.interpreter.is_empty() {
        return invalid("a file trigger without an interpreter");
    }
    validate_single_line("interpreter", &trigger.interpreter)?;
    if trigger.body.contains('\0') {
        return invalid("a file trigger with a zero byte");
    }
    Ok(())
}

/// Package managers keep several on one line.
fn validate_path(path: &str) -> Result<(), ValidationError> {
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return invalid("the path of a trigger with a blank");
    }
    validate_absolute(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_interface::artefacts::TriggerTime;

    fn error_of(prefixes: &[&str], interpreter: &str, body: &str) -> String {
        let trigger = FileTrigger {
            time: TriggerTime::AfterRemoval,
            prefixes: prefixes.iter().map(ToString::to_string).collect(),
            interpreter: interpreter.to_owned(),
            body: body.to_owned(),
        };
        validate_file_trigger(&trigger).err().map_or_else(|| "accepted".into(), |error| error.to_string())
    }

    #[test]
    fn what_a_file_trigger_can_be() {
        assert_eq!(error_of(&["/etc/site.d/", "/usr/share/x/"], "/bin/sh", "true\n"), "accepted");
        for (prefixes, interpreter, body, expected) in [
            (&[][..], "/bin/sh", "", "without a prefix"),
            (&["/etc/site.d"], "/bin/sh", "", "without a `/` at its end"),
            (&["/"], "/bin/sh", "", "not absolute"),
            (&["etc/site.d/"], "/bin/sh", "", "not absolute"),
            (&["/etc/../x/"], "/bin/sh", "", "not clean"),
            (&["/etc/a b/"], "/bin/sh", "", "blank"),
            (&["/etc/site.d/"], "", "", "without an interpreter"),
            (&["/etc/site.d/"], "/bin/sh\n%post", "", "interpreter"),
            (&["/etc/site.d/"], "/bin/sh", "\0", "zero byte"),
        ] {
            let said = error_of(prefixes, interpreter, body);
            assert!(said.contains(expected), "{prefixes:?}: {said}");
        }
    }
}
