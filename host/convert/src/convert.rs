//! From a directory in the form before OSCAR 5 to a new one in the present form.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use opkg::model::Timestamp;
use opkg::{LoadResult, Settings, legacy_format_element};

use crate::report::Report;
use crate::staging::StagingDir;
use crate::{Error, config, copy};

/// A conversion that was done.
#[derive(Debug)]
pub struct Conversion {
    /// Of the new OPKG.
    pub name: String,
    /// `[epoch:]upstream-release`.
    pub version: String,
    /// The new directory.
    pub directory: PathBuf,
    /// What was done and is to be done.
    pub report: Report,
    /// What a check of the new directory finds.
    pub check: LoadResult,
}

/// Writes the OPKG in `source`, which has the form before OSCAR 5, anew in the present form, into the directory
/// `target`, which must not exist. `date` is that of the version; without it, the old file's own time stands in.
///
/// # Errors
/// When the source cannot be read or is no such OPKG, or the target cannot be written. Nothing is left behind.
pub fn convert(source: &Path, target: &Path, date: Option<Timestamp>) -> Result<Conversion, Error> {
    let markup = opkg::read_markup(source).map_err(Error::Unreadable)?;
    let document = markup.parse().map_err(Error::Unreadable)?;
    let root = document.root_element();
    let is_opkg = ["oscar", "package"].contains(&root.tag_name().name());
    if !is_opkg || legacy_format_element(root).is_none() {
        return Err(Error::NotOldFormat(source.to_owned()));
    }
    let source = fs::canonicalize(source).map_err(Error::io(source))?;
    ensure_outside(&source, target)?;
    let date = match date {
        Some(date) => date,
        None => modified_time(&source.join("config.xml"))?,
    };
    let directory = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let config::ConvertedConfig { config, mut report } =
        config::convert_config(&markup, root, &directory, date);

    let staging = StagingDir::new(target)?;
    copy::copy_files(&source, &staging.path(), &mut report)?;
    let file = staging.path().join("config.xml");
    fs::write(&file, config.to_xml()).map_err(Error::io(&file))?;
    staging.publish()?;
    report.sort_and_dedup();
    Ok(Conversion {
        name: config.name,
        version: config.version,
        directory: target.to_owned(),
        report,
        check: opkg::load(target, &Settings::default()),
    })
}

/// The old directory is never written to.
fn ensure_outside(source: &Path, target: &Path) -> Result<(), Error> {
    let absolute = std::path::absolute(target).map_err(Error::io(target))?;
    // As much of the path as there is may lead through links.
    let existing = absolute.ancestors().skip(1).find_map(|parent| fs::canonicalize(parent).ok());
    if existing.is_some_and(|parent| parent.starts_with(source)) {
        return Err(Error::TargetInsideSource(target.to_owned()));
    }
    Ok(())
}

/// When a file was written last, within what a package can carry.
fn modified_time(file: &Path) -> Result<Timestamp, Error> {
    let modified = fs::metadata(file).and_then(|found| found.modified()).map_err(Error::io(file))?;
    let seconds = modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(Timestamp { seconds: i64::from(u32::try_from(seconds).unwrap_or(u32::MAX)), offset: 0 })
}
