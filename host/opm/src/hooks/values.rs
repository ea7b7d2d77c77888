//! The values of a package's form, as the configurator wrote them for hooks.

use std::io;
use std::path::{Path, PathBuf};

use opkg_configurator::values_file::ValuesFileError;
use opkg_configurator::{limits, values_file};

use super::home::VALUES_FILE;
use crate::roots::TargetRoot;

/// A field and its values.
pub(crate) type FieldValues = (String, Vec<String>);

/// Why the values of a package are not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValuesError {
    #[error("{} cannot be read: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: {error}", .path.display())]
    Invalid { path: PathBuf, error: ValuesFormatError },
}

/// Why a file of values cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValuesFormatError {
    #[error("it is not in UTF-8")]
    NotUtf8,
    #[error(transparent)]
    Xml(#[from] ValuesFileError),
}

/// The values of a package: those of the image, where the hook is about one, then what the form of the whole cluster
/// says besides.
///
/// # Errors
/// When a file is there that cannot be read or understood.
pub(crate) fn read_values(
    root: &TargetRoot,
    home: &Path,
    image: Option<&str>,
) -> Result<Vec<FieldValues>, ValuesError> {
    let paths = image.map(|image| image_values_path(home, image)).into_iter().chain([home.join(VALUES_FILE)]);
    let mut all: Vec<FieldValues> = Vec::new();
    for path in paths {
        let bytes = match root.read(&path, limits::FILE_BYTES as u64) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ValuesError::Unreadable { path, error }),
        };
        let fields = parse_values(&bytes).map_err(|error| ValuesError::Invalid { path, error })?;
        let known = all.len();
        for (name, values) in fields {
            if !all[..known].iter().any(|(it, _)| *it == name) {
                all.push((name, values));
            }
        }
    }
    Ok(all)
}

/// Where the values of an image are.
fn image_values_path(home: &Path, image: &str) -> PathBuf {
    home.join(".configs").join(image).join(VALUES_FILE)
}

/// One element for each value, in the order of the form.
fn parse_values(bytes: &[u8]) -> Result<Vec<FieldValues>, ValuesFormatError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ValuesFormatError::NotUtf8)?;
    let mut fields: Vec<FieldValues> = Vec::new();
    for (name, value) in values_file::parse_xml(text)? {
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn the_values_of_an_image_come_first() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("home");
        fs::create_dir_all(home.join(".configs/compute")).unwrap();
        let write = |path: &str, text: &str| fs::write(home.join(path), text).unwrap();
        let root = TargetRoot::open(directory.path()).unwrap();
        let all = |image| read_values(&root, Path::new("/home"), image);
        assert_eq!(all(None).unwrap(), []);
        write(
            VALUES_FILE,
            "<config>\n  <port>1</port>\n  <a>&lt;x&gt; é</a>\n  <list>1</list><list>2</list><empty/></config>\n",
        );
        write(".configs/compute/.configurator.values", "<config><port>2</port><port>3</port></config>");
        let field = |name: &str, values: &[&str]| {
            (name.to_owned(), values.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let others = [field("a", &["<x> é"]), field("list", &["1", "2"]), field("empty", &[""])];
        assert_eq!(all(None).unwrap(), [&[field("port", &["1"])][..], &others].concat());
        assert_eq!(all(Some("compute")).unwrap(), [&[field("port", &["2", "3"])][..], &others].concat());
        assert_eq!(all(Some("login")).unwrap(), all(None).unwrap());
        write(VALUES_FILE, "<config><a></config>");
        assert!(all(None).unwrap_err().to_string().starts_with("/home/.configurator.values: "));
    }
}
