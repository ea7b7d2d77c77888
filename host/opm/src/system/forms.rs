//! Forms of packages, in their homes on the head node, and the files that answer them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use opkg_configurator::{AnswerFile, Finding, Form, limits, values};
use opkg_oda::{Cluster, Key, Kind, PackageId, PackageName, Stage, Target, TargetId, TargetName};

use super::hooks::home;
use super::root::Root;
use super::root_of;

/// What there is of a form.
#[derive(Debug)]
pub enum Found {
    /// The package has no home on the head node yet; who can say what it will ask.
    NotInstalled,
    /// It asks nothing.
    NoForm,
    /// This, and what its author should know of it.
    Form(Box<Form>, Vec<Finding>),
}

/// Looks for the form of a package on a head node, the one for an image or that for the whole cluster.
///
/// # Errors
/// One line: there is one that cannot be used.
pub fn find_form(
    server: &Target,
    package: &PackageName,
    image: Option<&TargetName>,
) -> Result<Found, String> {
    let root = root_of(server)?;
    let cannot =
        |error| format!("{} in the root {}: {error}", home(package).display(), root.path().display());
    if root.find(&home(package)).map_err(cannot)?.is_none() {
        return Ok(Found::NotInstalled);
    }
    Ok(match form(&root, package, image)? {
        Some((form, findings)) => Found::Form(Box::new(form), findings),
        None => Found::NoForm,
    })
}

/// Reads a form, if there is one.
pub(super) fn form(
    root: &Root,
    package: &PackageName,
    image: Option<&TargetName>,
) -> Result<Option<(Form, Vec<Finding>)>, String> {
    let path = form_file(package, image.is_some());
    let cannot =
        |error: &dyn std::fmt::Display| format!("the form {} cannot be used: {error}", path.display());
    let bytes = match root.read(&path, limits::FORM_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(cannot(&error)),
    };
    Form::read(&bytes, image.map(TargetName::as_str)).map(Some).map_err(|error| cannot(&error))
}

/// Where a form is, in the root of the head node.
pub(super) fn form_file(package: &PackageName, for_image: bool) -> PathBuf {
    home(package).join(if for_image { "configurator_image.html" } else { "configurator.html" })
}

/// Where the values are that a form led to, in the root of the head node.
pub(super) fn values_file(package: &PackageName, image: Option<&TargetName>) -> PathBuf {
    let home = home(package);
    let directory = image.map_or(home.clone(), |it| home.join(".configs").join(it.as_str()));
    directory.join(values::FILE_NAME)
}

/// The images that are to have or to keep a package, by name: each has a form of its own.
#[must_use]
pub fn images_with(cluster: &Cluster, package: PackageId) -> Vec<&Target> {
    let concerned = |it: &&Target| {
        let row = cluster.row(Key { target: it.id, package });
        row.is_some_and(|row| row.requested > Stage::ShouldNotBeInstalled)
    };
    let mut images: Vec<&Target> = cluster.of_kind(Kind::Image).filter(concerned).collect();
    images.sort_by(|a, b| a.address.cmp(&b.address));
    images
}

/// The contexts of a package: the whole cluster, then its images.
pub(super) fn contexts(
    cluster: &Cluster,
    package: PackageId,
) -> Vec<(Option<TargetId>, Option<&TargetName>)> {
    let images = images_with(cluster, package);
    let images = images.into_iter().map(|it| (Some(it.id), Some(&it.address.name)));
    std::iter::once((None, None)).chain(images).collect()
}

/// Reads the file that answers a package, from the directory of all of them; without one nothing is answered.
///
/// # Errors
/// One line that names the file: it cannot be read or understood.
pub fn answer_file(directory: &Path, package: &PackageName) -> Result<AnswerFile, String> {
    let path = directory.join(format!("{package}.toml"));
    let cannot = |error: &dyn std::fmt::Display| format!("the answers {}: {error}", path.display());
    match fs_err::metadata(&path) {
        Ok(metadata) if metadata.len() > limits::FILE_BYTES as u64 || !metadata.is_file() => {
            return Err(cannot(&"no regular file of a usual size"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(AnswerFile::default()),
        Err(error) => return Err(cannot(&error.kind())),
    }
    let text = fs_err::read_to_string(&path).map_err(|error| cannot(&error.kind()))?;
    AnswerFile::read(&text).map_err(|error| cannot(&error))
}
