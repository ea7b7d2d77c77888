//! Binary packages of format 2.0, see deb(5).

use std::io::{BufReader, Read, Seek};

use crate::archive::{self, ArMember, ArchiveFiles, KeepPredicate};
use crate::control;
use crate::decompress::{self, lossy_text};
use crate::error::FormatError;
use crate::limits::{Budget, MAX_TEXT_BYTES};
use crate::package::{Package, PackageFormat};

/// Control files whose lines are compared. What they hold else is part of the files, below `DEBIAN/`.
const TEXTS: [&str; 6] = ["preinst", "postinst", "prerm", "postrm", "config", "triggers"];

pub(crate) fn read(file: &mut BufReader<impl Read + Seek>, budget: &Budget) -> Result<Package, FormatError> {
    let members = archive::list_ar(file)?;
    let mut package = Package::new(PackageFormat::Deb);

    let inner = read_member(file, &members, "control.tar", |_| true, budget)?;
    let kept = |name: &str| inner.contents.get(name).map(|bytes| lossy_text(bytes));
    package.tags =
        control::parse_fields(&kept("control").ok_or_else(|| FormatError::corrupt("no control file"))?)?;
    package.relations = control::take_relations(&mut package.tags);
    let field = |name: &str| package.tags.get(name).map(String::as_str);
    package.identity =
        field("Package").zip(field("Architecture")).map(|(name, arch)| format!("{name} {arch}"));
    for name in TEXTS {
        package.texts.extend(kept(name).map(|text| (name.to_owned(), text)));
    }

    let contents = read_member(file, &members, "data.tar", is_changelog, budget)?;
    for (path, mut bytes) in contents.contents {
        if decompress::is_compressed(&bytes) {
            let unpacked = decompress::reader(bytes.as_slice(), budget)
                .and_then(|reader| decompress::read_limited(reader, MAX_TEXT_BYTES));
            bytes = unpacked.ok().flatten().unwrap_or_default();
            budget.take_bytes(bytes.len())?;
        }
        package.texts.insert(format!("/{path}"), lossy_text(&bytes));
    }
    package.files = contents.entries.into_iter().map(|(path, entry)| (format!("/{path}"), entry)).collect();
    for line in kept("md5sums").unwrap_or_default().lines() {
        let (digest, path) =
            line.split_once("  ").ok_or_else(|| FormatError::corrupt("a line of md5sums has no path"))?;
        budget.take_file(path)?;
        package.listed_md5.insert(format!("/{path}"), digest.to_owned());
    }
    let configuration = kept("conffiles").unwrap_or_default();
    for path in configuration.lines() {
        if let Some(entry) = package.files.get_mut(path.trim()) {
            entry.flags = "config".into();
        }
    }
    for (path, mut entry) in inner.entries {
        if path == "control" || TEXTS.contains(&path.as_str()) {
            // Told of above, in more detail.
            entry.size = None;
            entry.digest = None;
        }
        package.files.insert(format!("DEBIAN/{path}"), entry);
    }
    Ok(package)
}

/// Reads the archive of that name, whichever ending for its compression it has.
fn read_member(
    file: &mut BufReader<impl Read + Seek>,
    members: &[ArMember],
    name: &str,
    keeps: KeepPredicate,
    budget: &Budget,
) -> Result<ArchiveFiles, FormatError> {
    let is_named = |found: &&ArMember| {
        found.name.strip_prefix(name).is_some_and(|end| end.is_empty() || end.starts_with('.'))
    };
    let found = members
        .iter()
        .find(is_named)
        .ok_or_else(|| FormatError::corrupt(format!("there is no {name} in the archive")))?;
    archive::read_compressed_tar(found.open(file)?, keeps, budget)
        .map_err(|error| error.in_member(&found.name))
}

fn is_changelog(path: &str) -> bool {
    path.starts_with("usr/share/doc/")
        && path.rsplit('/').next().is_some_and(|it| it.starts_with("changelog"))
}
