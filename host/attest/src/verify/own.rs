//! What a package says of itself: its checksums, and its signature.

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
    let (name, bytes) = (evidence.file_name, evidence.package);
    let mut is_signed = false;
    if let Ok(rpm) = reader::read(bytes) {
        for check in integrity::check_digests(bytes, &rpm) {
            let result = if check.holds { Ok(()) } else { Err("it is not that of the file".to_owned()) };
            report.add(name, check.what, result);
        }
        let signatures = integrity::header_signatures(&rpm);
        if let Some(keys) = keys.filter(|_| !signatures.is_empty()) {
            // Of several, others may be by keys that are nobody's here.
            let header = &bytes[rpm.header_range.clone()];
            is_signed = signatures.iter().any(|signature| keys.verify(header, signature));
            report.add(name, "signature of the header", signed(is_signed));
        }
    }
    if let Some((keys, signature)) = keys.zip(evidence.signature) {
        let holds = keys.verify(bytes, signature);
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

/// What to say of a signature.
pub(super) fn signed(holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err("it is not by one of these keys, or of other contents".into()) }
}
