//! The documents that are asked for, about each package of an OPKG.

use std::error::Error as StdError;

use opkg_interface::Target;
use opkg_package::{CompletePackage, Document, DocumentWriter};

use crate::build_facts::BuildFacts;
use crate::document_kind::DocumentKind;
use crate::facts::PackageFacts;
use crate::{cyclonedx, spdx, statement};

/// Writes the documents that are asked for.
#[derive(Debug, Clone)]
pub struct Documents<'a> {
    /// Which ones.
    pub kinds: &'a [DocumentKind],
    /// What the packages are for.
    pub target: &'a Target,
    /// What makes them.
    pub build: BuildFacts<'a>,
}

impl DocumentWriter for Documents<'_> {
    fn write(&self, package: CompletePackage<'_>) -> Result<Vec<Document>, Box<dyn StdError + Send + Sync>> {
        let facts = PackageFacts::new(package, self.target)?;
        let mut documents: Vec<Document> = Vec::new();
        for kind in DocumentKind::ALL.into_iter().filter(|kind| self.kinds.contains(kind)) {
            let contents = match kind {
                DocumentKind::Spdx => spdx::document(&facts, self.build.opkgc_version),
                DocumentKind::CycloneDx => cyclonedx::document(&facts, self.build.opkgc_version),
                DocumentKind::Provenance => {
                    let before = documents.iter().map(|it| (it.file_name.as_str(), it.contents.as_str()));
                    let before: Vec<_> = before.collect();
                    let target = self.target.to_string();
                    statement::document(&facts, package.source.opkg, &self.build, &target, &before)
                }
            };
            documents.push(Document { file_name: kind.file_name(package.file_name), contents });
        }
        Ok(documents)
    }
}
