//! Documents that go beside binary packages, such as lists of what is in them. What they say is not this crate's business.

use std::error::Error as StdError;
use std::path::Path;

use opkg_interface::artefacts::BinaryPackage;

use crate::error::Error;
use crate::output_tree::OutputTree;
use crate::permissions::file_mode;
use crate::sign::Signer;
use crate::source::OpkgSource;
use crate::written::OutputKind;

/// A binary package that is complete.
#[derive(Clone, Copy)]
pub struct CompletePackage<'a> {
    /// As the plugin describes it.
    pub record: &'a BinaryPackage,
    /// What it was made of.
    pub source: OpkgSource<'a>,
    /// The name of its file.
    pub file_name: &'a str,
    /// Where that is at the moment.
    pub path: &'a Path,
}

/// A document about one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Of its file: the package's name with something behind it.
    pub file_name: String,
    /// What is in it.
    pub contents: String,
}

/// Writes documents about packages. The same package has to give the same documents.
pub trait DocumentWriter: Sync {
    /// The documents about a package.
    ///
    /// # Errors
    /// When the package cannot be described.
    fn write(&self, package: CompletePackage<'_>) -> Result<Vec<Document>, Box<dyn StdError + Send + Sync>>;
}

/// Lays the documents about a package into `tree`, each with a signature beside it if there is a signer. Returns their
/// names, and what is behind each.
pub(crate) fn write_documents(
    package: CompletePackage<'_>,
    writer: &dyn DocumentWriter,
    tree: &OutputTree<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    let documents = writer.write(package).map_err(|reason| Error::CannotDescribe {
        package: package.file_name.to_owned(),
        reason: reason.to_string(),
    })?;
    let mut written = Vec::new();
    for Document { file_name, contents } in documents {
        tree.write(&file_name, contents.as_bytes(), file_mode(false))?;
        if let Some(signer) = signer {
            let signature = signer.sign_armored(contents.as_bytes(), package.source.timestamp())?;
            let name = format!("{file_name}.asc");
            tree.write(&name, signature.as_bytes(), file_mode(false))?;
            written.push((file_name, OutputKind::Document));
            written.push((name, OutputKind::Signature));
        } else {
            written.push((file_name, OutputKind::Document));
        }
    }
    Ok(written)
}
