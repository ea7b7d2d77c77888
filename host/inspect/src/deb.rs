//! Binary packages of format 2.0, see deb(5).

use crate::archive::{self, MAX_TEXT_BYTES};
use crate::control;
use crate::decompress::{self, lossy_text};
use crate::error::FormatError;
use crate::package::{Package, PackageFormat};

/// Control files whose lines are compared. What they hold else is part of the files, below `DEBIAN/`.
const SCRIPTS: [&str; 5] = ["preinst", "postinst", "prerm", "postrm", "config"];

pub(crate) fn read(bytes: &[u8]) -> Result<Package, FormatError> {
    let members = archive::read_ar(bytes)?;
    let member = |name: &str| {
        let found = members
            .iter()
            .find(|it| it.0.strip_prefix(name).is_some_and(|end| end.is_empty() || end.starts_with('.')));
        found.map(|it| it.1).ok_or_else(|| FormatError::corrupt(format!("there is no {name} in the archive")))
    };
    let mut package = Package::new(PackageFormat::Deb);

    let inner = archive::read_tar(decompress::reader(member("control.tar")?)?, |_| true)?;
    let kept = |name: &str| inner.contents.get(name).map(|bytes| lossy_text(bytes));
    package.tags =
        control::parse_fields(&kept("control").ok_or_else(|| FormatError::corrupt("no control file"))?)?;
    package.relations = control::take_relations(&mut package.tags);
    let field = |name: &str| package.tags.get(name).map(String::as_str);
    package.identity =
        field("Package").zip(field("Architecture")).map(|(name, arch)| format!("{name} {arch}"));
    for script in SCRIPTS {
        package.texts.extend(kept(script).map(|text| (script.to_owned(), text)));
    }

    let contents = archive::read_tar(decompress::reader(member("data.tar")?)?, is_changelog)?;
    for (path, mut bytes) in contents.contents {
        if decompress::is_compressed(&bytes) {
            let unpacked =
                decompress::reader(&bytes).and_then(|it| decompress::read_limited(it, MAX_TEXT_BYTES));
            bytes = unpacked.ok().flatten().unwrap_or_default();
        }
        package.texts.insert(format!("/{path}"), lossy_text(&bytes));
    }
    package.files = contents.entries.into_iter().map(|(path, entry)| (format!("/{path}"), entry)).collect();
    let configuration = kept("conffiles").unwrap_or_default();
    for path in configuration.lines() {
        if let Some(entry) = package.files.get_mut(path.trim()) {
            entry.flags = "config".into();
        }
    }
    for (path, mut entry) in inner.entries {
        if path == "control" || SCRIPTS.contains(&path.as_str()) {
            // Told of above, in more detail.
            entry.size = None;
            entry.digest = None;
        }
        package.files.insert(format!("DEBIAN/{path}"), entry);
    }
    Ok(package)
}

fn is_changelog(path: &str) -> bool {
    path.starts_with("usr/share/doc/")
        && path.rsplit('/').next().is_some_and(|it| it.starts_with("changelog"))
}
