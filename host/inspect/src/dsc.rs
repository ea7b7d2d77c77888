//! Source packages of which a control file (`.dsc`) holds the checksums, see dsc(5).

use std::io::BufReader;
use std::path::Path;

use crate::archive;
use crate::control;
use crate::error::FormatError;
use crate::file::open_regular_file;
use crate::limits::Budget;
use crate::package::{FileEntry, Package, PackageFormat};

/// Reads the control file, and the archives that stand beside it, if it is known where it stands.
pub(crate) fn read(text: &str, directory: Option<&Path>, budget: &Budget) -> Result<Package, FormatError> {
    let mut package = Package::new(PackageFormat::Dsc);
    package.tags = control::parse_fields(strip_signature(text))?;
    package.relations = control::take_relations(&mut package.tags);
    let source = package.tags.get("Source").cloned().unwrap_or_default();
    package.identity = Some(format!("{source} source"));
    // Three lists of the same files; the strongest checksum is enough.
    let list = package.tags.remove("Checksums-Sha256").unwrap_or_default();
    for weaker in ["Checksums-Sha1", "Files"] {
        package.tags.remove(weaker);
    }
    for line in list.lines().filter(|line| !line.is_empty()) {
        let [digest, size, name] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(FormatError::corrupt(format!("the control file has the line {line:?}")));
        };
        if name.contains('/') || name.starts_with('.') {
            return Err(FormatError::corrupt(format!("the control file names the file {name:?}")));
        }
        let entry =
            FileEntry { size: size.parse().ok(), digest: Some(digest.to_owned()), ..FileEntry::default() };
        // Two versions of an archive are known by what follows name and version.
        let role = name.find(".orig").or_else(|| name.find(".debian")).or_else(|| name.find(".tar"));
        let role = role.map_or(name, |at| &name[at + 1..]);
        let role = if package.files.contains_key(role) { name } else { role };
        package.files.insert(role.to_owned(), entry);
        if let Some(archive) = directory.and_then(|it| open_regular_file(&it.join(name)).ok()) {
            let inside = archive::read_compressed_tar(BufReader::new(archive), |_| false, budget)
                .map_err(|error| error.in_member(name))?;
            let inside = inside.entries.into_iter();
            package.files.extend(inside.map(|(path, entry)| (format!("{role}: {path}"), entry)));
        }
    }
    Ok(package)
}

/// What is between the lines of a signature.
fn strip_signature(text: &str) -> &str {
    const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
    let Some(rest) = text.strip_prefix(BEGIN) else { return text };
    let rest = rest.split_once("\n\n").map_or("", |it| it.1);
    rest.split("-----BEGIN PGP SIGNATURE-----").next().unwrap_or_default()
}
