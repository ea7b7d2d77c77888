//! What a package says of itself: its checksums, and its signature.

use std::io::{self, Cursor};

use opkg_inspect::{Package, PackageFormat};
use opkg_package::Verifier;
use opkg_package::rpm::{integrity, reader};

use super::evidence::Evidence;
use super::report::Report;
use crate::facts::installed_files;

/// Looks at the package alone. Whether one of the keys signed it.
pub(super) fn check(
    evidence: &Evidence<'_>,
    package: Option<&Package>,
    keys: Option<&Verifier>,
    report: &mut Report,
) -> bool {
    let name = evidence.file_name;
    let mut is_signed = false;
    match check_rpm(evidence, keys, report) {
        Ok(holds) => is_signed |= holds,
        Err(error) => report.add(name, "checksums", Err(error.to_string())),
    }
    if let Some((keys, signature)) = keys.zip(evidence.signature) {
        let holds = evidence.open().is_ok_and(|mut file| keys.verify(&mut file, signature));
        report.add(&format!("{name}.sig"), "signature", signed(holds));
        is_signed |= holds;
    }
    if let Some(package) = package.filter(|package| package.format == PackageFormat::Deb) {
        let result = match installed_files(package)
            .find(|(path, entry)| package.listed_md5.get(*path).map(String::as_str) != entry.md5.as_deref())
        {
            Some((path, _)) => Err(format!("{} is not the file that is listed", path.escape_debug())),
            None => Ok(()),
        };
        report.add(name, "MD5 of its files", result);
    }
    is_signed
}

/// Looks at what an RPM says of its own bytes; at nothing of other files. Whether one of the keys signed it.
fn check_rpm(evidence: &Evidence<'_>, keys: Option<&Verifier>, report: &mut Report) -> io::Result<bool> {
    let name = evidence.file_name;
    let headers = reader::read_headers(&mut evidence.open()?)?;
    let Ok(rpm) = reader::read(&headers) else { return Ok(false) };
    for check in integrity::check_digests(&mut evidence.open()?, &rpm)? {
        let result = if check.holds { Ok(()) } else { Err("it is not that of the file".to_owned()) };
        report.add(name, check.what, result);
    }
    let signatures = integrity::header_signatures(&rpm);
    let Some(keys) = keys.filter(|_| !signatures.is_empty()) else { return Ok(false) };
    // Of several, others may be by keys that are nobody's here.
    let mut header = Cursor::new(&headers[rpm.header_range.clone()]);
    let is_signed = signatures.iter().any(|signature| keys.verify(&mut header, signature));
    report.add(name, "signature of the header", signed(is_signed));
    Ok(is_signed)
}

/// What to say of a signature.
pub(super) fn signed(holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err("it is not by one of these keys, or of other contents".into()) }
}
