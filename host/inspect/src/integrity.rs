//! Whether a package is the one that it was when it was made, as far as it says so itself.

use std::io::{Read, Seek, SeekFrom};

use opkg_package::rpm::{integrity, reader};

use crate::contents::{ContentsError, ContentsFormat};

/// Holds a package against the checksums that it carries of itself, without looking into it. Only RPMs carry such; other formats
/// have them in what their archives are compressed with, where [`visit_contents`](crate::visit_contents) compares them.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub fn check_integrity(file: &mut (impl Read + Seek), format: ContentsFormat) -> Result<(), ContentsError> {
    if format != ContentsFormat::Rpm {
        return Ok(());
    }
    file.seek(SeekFrom::Start(0))?;
    let headers = reader::read_headers(file)?;
    let rpm = reader::read(&headers).map_err(|error| ContentsError::Invalid(error.to_string()))?;
    match integrity::check_digests(file, &rpm)?.into_iter().find(|check| !check.holds) {
        None => Ok(()),
        Some(check) => Err(ContentsError::Invalid(format!(
            "it is damaged: the {} is not what it says itself",
            check.what
        ))),
    }
}
