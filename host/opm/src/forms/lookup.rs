//! Forms of packages, in their homes on the head node, and the files that answer them.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use opkg_configurator::{AnswerFile, AnswerFileError, Form, FormDiagnostic, FormError, limits, values_file};
use opkg_oda::{Cluster, PackageId, PackageName, Stage, StateKey, Target, TargetId, TargetKind, TargetName};

use crate::hooks::{HomeError, package_home};
use crate::roots::{RootError, TargetRoot};

/// Why a form, or the file that answers it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormFileError {
    /// The root of the head node.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The home of the package.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The form cannot be read.
    #[error("the form {} cannot be used: {error}", .path.display())]
    UnreadableForm {
        /// As it is seen in the root of the head node.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The form cannot be understood.
    #[error("the form {} cannot be used: {error}", .path.display())]
    InvalidForm {
        /// As it is seen in the root of the head node.
        path: PathBuf,
        /// What is wrong with it.
        error: FormError,
    },
    /// What should be the file of answers is another kind of file, or far too large.
    #[error("the answers {}: no regular file of a usual size", .0.display())]
    UnusualAnswers(PathBuf),
    /// The file of answers cannot be read.
    #[error("the answers {}: {error}", .path.display())]
    UnreadableAnswers {
        /// The path of the file.
        path: PathBuf,
        /// What the system says.
        error: ErrorKind,
    },
    /// The file of answers cannot be understood.
    #[error("the answers {}: {error}", .path.display())]
    InvalidAnswers {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it.
        error: AnswerFileError,
    },
}

/// What there is of a form.
#[derive(Debug)]
pub enum FormLookup {
    /// The package has no home on the head node yet; who can say what it will ask.
    NotInstalled,
    /// The package has none.
    NoForm,
    /// The form, and what its author should know of it.
    Form(Box<Form>, Vec<FormDiagnostic>),
}

/// Looks for the form of a package on a head node, the one for an image or that for the whole cluster.
///
/// # Errors
/// When there is one that cannot be used.
pub fn find_form(
    server: &Target,
    package: &PackageName,
    image: Option<&TargetName>,
) -> Result<FormLookup, FormFileError> {
    let (root, home) = (TargetRoot::of_target(server)?, package_home(package));
    let found = root.metadata(&home).map_err(|error| HomeError {
        path: home,
        root: root.path().to_owned(),
        error,
    })?;
    if found.is_none() {
        return Ok(FormLookup::NotInstalled);
    }
    Ok(match read_form(&root, package, image)? {
        Some((form, findings)) => FormLookup::Form(Box::new(form), findings),
        None => FormLookup::NoForm,
    })
}

/// Reads a form, if there is one.
pub(crate) fn read_form(
    root: &TargetRoot,
    package: &PackageName,
    image: Option<&TargetName>,
) -> Result<Option<(Form, Vec<FormDiagnostic>)>, FormFileError> {
    let path = form_path(package, image.is_some());
    let bytes = match root.read(&path, limits::FORM_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(FormFileError::UnreadableForm { path, error }),
    };
    Form::parse(&bytes, image.map(TargetName::as_str))
        .map(Some)
        .map_err(|error| FormFileError::InvalidForm { path, error })
}

/// Where a form is, in the root of the head node.
pub(crate) fn form_path(package: &PackageName, for_image: bool) -> PathBuf {
    package_home(package).join(if for_image { "configurator_image.html" } else { "configurator.html" })
}

/// Where the values are that a form led to, in the root of the head node.
pub(crate) fn values_path(package: &PackageName, image: Option<&TargetName>) -> PathBuf {
    let home = package_home(package);
    let directory = image.map_or(home.clone(), |it| home.join(".configs").join(it.as_str()));
    directory.join(values_file::FILE_NAME)
}

/// The images that are to have or to keep a package, by name: each has a form of its own.
#[must_use]
pub fn images_with_package(cluster: &Cluster, package: PackageId) -> Vec<&Target> {
    let concerned = |it: &&Target| {
        let row = cluster.state(StateKey { target: it.id, package });
        row.is_some_and(|row| row.requested > Stage::ShouldNotBeInstalled)
    };
    let mut images: Vec<&Target> = cluster.targets_of_kind(TargetKind::Image).filter(concerned).collect();
    images.sort_by(|a, b| a.address.cmp(&b.address));
    images
}

/// The contexts of a package: the whole cluster, then its images.
pub(crate) fn form_contexts(
    cluster: &Cluster,
    package: PackageId,
) -> Vec<(Option<TargetId>, Option<&TargetName>)> {
    let images = images_with_package(cluster, package);
    let images = images.into_iter().map(|it| (Some(it.id), Some(&it.address.name)));
    std::iter::once((None, None)).chain(images).collect()
}

/// Reads the file that answers a package, from the directory of all of them; without one nothing is answered.
///
/// # Errors
/// When it cannot be read or understood.
pub fn read_answer_file(directory: &Path, package: &PackageName) -> Result<AnswerFile, FormFileError> {
    let path = directory.join(format!("{package}.toml"));
    let unreadable =
        |error: io::Error| FormFileError::UnreadableAnswers { path: path.clone(), error: error.kind() };
    match fs_err::metadata(&path) {
        Ok(metadata) if metadata.len() > limits::FILE_BYTES as u64 || !metadata.is_file() => {
            return Err(FormFileError::UnusualAnswers(path));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(AnswerFile::default()),
        Err(error) => return Err(unreadable(error)),
    }
    let text = fs_err::read_to_string(&path).map_err(unreadable)?;
    AnswerFile::parse(&text).map_err(|error| FormFileError::InvalidAnswers { path, error })
}
