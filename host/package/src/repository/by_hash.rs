//! Lists under their checksums. Readers that are told of it fetch them from there, so that whoever has read the `Release`
//! of before still finds what that lists: those of the last index stay, those of earlier ones go.

use std::collections::BTreeSet;
use std::path::Path;

use fs_err as fs;

use crate::Error;
use crate::deb822::find_field;

/// Where they are, within the directory.
pub(crate) const BY_HASH_DIR: &str = "by-hash/SHA256";

/// The path of a list with this checksum.
pub(super) fn by_hash_path(sha256: &str) -> String {
    format!("{BY_HASH_DIR}/{sha256}")
}

/// The paths of lists that neither the index of `release` has, whose fields these are, nor a later one.
pub(super) fn find_outdated(directory: &Path, release: &[(String, String)]) -> Result<Vec<String>, Error> {
    let listed = find_field(release, "SHA256").unwrap_or_default();
    let last: BTreeSet<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let entries = match fs::read_dir(directory.join(BY_HASH_DIR)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut outdated = Vec::new();
    for entry in entries {
        // What has another name is somebody else's.
        if let Ok(name) = entry?.file_name().into_string()
            && is_sum(&name)
            && !last.contains(name.as_str())
        {
            outdated.push(by_hash_path(&name));
        }
    }
    outdated.sort();
    Ok(outdated)
}

fn is_sum(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
