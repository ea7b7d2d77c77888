//! The values of a package's form, as the configurator wrote them for hooks.

use std::path::{Path, PathBuf};

use opkg_configurator::{limits, values};

use super::hooks::VALUES;
use super::root::Root;

/// A field and its values.
pub(super) type Field = (String, Vec<String>);

/// The values of a package: those of the image, where the hook is about one, then what the form of the whole cluster
/// says besides.
///
/// # Errors
/// One line: a file is there that cannot be understood.
pub(super) fn read(root: &Root, home: &Path, image: Option<&str>) -> Result<Vec<Field>, String> {
    let places = image.map(|image| of_image(home, image)).into_iter().chain([home.join(VALUES)]);
    let mut all: Vec<Field> = Vec::new();
    for place in places {
        let bytes = match root.read(&place, limits::FILE_BYTES as u64) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{} cannot be read: {error}", place.display())),
        };
        let fields = parse(&bytes).map_err(|reason| format!("{}: {reason}", place.display()))?;
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
fn of_image(home: &Path, image: &str) -> PathBuf {
    home.join(".configs").join(image).join(VALUES)
}

/// One element for each value, in the order of the form.
fn parse(bytes: &[u8]) -> Result<Vec<Field>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not in UTF-8".to_owned())?;
    let mut fields: Vec<Field> = Vec::new();
    for (name, value) in values::read(text).map_err(|error| error.to_string())? {
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
        let root = Root::open(directory.path()).unwrap();
        let all = |image| read(&root, Path::new("/home"), image);
        assert_eq!(all(None).unwrap(), []);
        write(
            VALUES,
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
        write(VALUES, "<config><a></config>");
        assert!(all(None).unwrap_err().starts_with("/home/.configurator.values: "));
    }
}
