//! Source packages of format `3.0 (quilt)`: an archive of upstream, an archive of packaging, and a
//! control file (`.dsc`) that holds their checksums. See deb-src-control(5) and dsc(5).

use std::fmt::Write as _;
use std::io;

use md5::Md5;
use opkg_runtime::artefacts::{Field, QuiltSource, TextFile};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::compress::{gzip, xz};
use crate::source::Source;
use crate::tarball::Tarball;
use crate::tree::Tree;
use crate::{Error, mode};

/// Writes the two archives and the control file into `tree`; returns the file names, control file last.
pub(crate) fn write(
    package: &QuiltSource,
    meta_files: &[TextFile],
    source: Source<'_>,
    tree: &Tree<'_>,
) -> Result<Vec<String>, Error> {
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    let Some((upstream, _)) = version.rsplit_once('-') else {
        return Err(Error::Unpackable(format!(
            "a quilt source package needs a revision, and the version `{version}` has none"
        )));
    };
    let name = &package.name;
    let original = (format!("{name}_{upstream}.orig.tar.gz"), original(package, source)?);
    let packaging = (format!("{name}_{version}.debian.tar.xz"), packaging(package, meta_files, source)?);
    let archives = [original, packaging];
    let control = (format!("{name}_{version}.dsc"), control(package, &archives)?.into_bytes());

    let mut names = Vec::new();
    for (name, contents) in archives.into_iter().chain([control]) {
        tree.write(&name, &contents, mode(false))?;
        names.push(name);
    }
    Ok(names)
}

fn original(package: &QuiltSource, source: Source<'_>) -> Result<Vec<u8>, Error> {
    let mut archive = Tarball::new(gzip(Vec::new(), 6), source.time());
    archive.sources(source, &package.directory)?;
    Ok(archive.finish()?.finish()?)
}

fn packaging(package: &QuiltSource, meta_files: &[TextFile], source: Source<'_>) -> io::Result<Vec<u8>> {
    let mut archive = Tarball::new(Vec::new(), source.time());
    for file in meta_files {
        // The archive holds the folder `debian` itself; anything else has no place in it.
        if let Some(path) = file.path.strip_prefix(&format!("{}/", package.directory))
            && path.starts_with("debian/")
        {
            archive.text(path, file)?;
        }
    }
    xz(&archive.finish()?)
}

fn control(package: &QuiltSource, archives: &[(String, Vec<u8>)]) -> Result<String, Error> {
    let mut text = String::new();
    put(&mut text, "Format", "3.0 (quilt)")?;
    put(&mut text, "Source", &package.name)?;
    put(&mut text, "Version", &package.version)?;
    for Field { name, value } in &package.fields {
        put(&mut text, name, value)?;
    }
    put(&mut text, "Checksums-Sha1", &sums::<Sha1>(archives))?;
    put(&mut text, "Checksums-Sha256", &sums::<Sha256>(archives))?;
    put(&mut text, "Files", &sums::<Md5>(archives))?;
    Ok(text)
}

fn sums<D: Digest>(archives: &[(String, Vec<u8>)]) -> String {
    let mut lines = String::new();
    for (name, contents) in archives {
        let sum = D::digest(contents);
        let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push_str(&format!("\n {hex} {} {name}", contents.len()));
    }
    lines
}

/// One field of a control file. Continuation lines start with a blank and are not empty, so that a value
/// can never start another field.
fn put(text: &mut String, name: &str, value: &str) -> Result<(), Error> {
    let name_is_sound = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|it| it.is_ascii_graphic() && it != ':');
    let mut lines = value.split('\n');
    let first_is_sound = lines.next().is_some_and(|line| !line.contains('\r'));
    let value_is_sound = first_is_sound
        && lines.all(|line| line.starts_with(' ') && !line.trim().is_empty() && !line.contains('\r'));
    if !name_is_sound || !value_is_sound {
        return Err(Error::Unpackable(format!("the control field `{name}` has an unsound name or value")));
    }
    let gap = if value.is_empty() || value.starts_with('\n') { "" } else { " " };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name}:{gap}{value}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_cannot_start_another_field() {
        for value in ["a\nFiles: x", "a\n", "a\n\n b", "a\r\n b", "a\n  \n b"] {
            assert!(put(&mut String::new(), "Homepage", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_name_is_one_word() {
        for name in ["", "A B", "A:B", "-A", "#A", "A\nB", "Ä"] {
            assert!(put(&mut String::new(), name, "x").is_err(), "{name:?}");
        }
    }

    #[test]
    fn values_may_go_on() {
        let mut text = String::new();
        put(&mut text, "Package-List", "\n a deb\n b deb").unwrap();
        put(&mut text, "Homepage", "x").unwrap();
        assert_eq!(text, "Package-List:\n a deb\n b deb\nHomepage: x\n");
    }
}
