//! The index of packages that are made of archives, as a plugin makes it of what their members say.

use std::io::Read;
use std::path::Path;

use opkg_interface::built::{IndexContent, IndexFile, IndexNeeds, IndexSource, PackageFile, PackageSource};

use super::archive_file::{self, ReadPackage};
use super::index_files::{IndexFiles, PACKAGES_AT_A_TIME, limit_index};
use super::index_signatures;
use crate::archives::ArchiveBuilder;
use crate::index_request::IndexRequest;
use crate::{Error, Signer};

/// What makes the index, and what it needs for that.
pub(super) struct ArchiveIndex<'a> {
    source: &'a dyn IndexSource,
    needs: IndexNeeds,
}

impl<'a> ArchiveIndex<'a> {
    /// Nothing where the plugin makes no index.
    pub(super) fn describe(directory: &Path, source: &'a dyn IndexSource) -> Result<Option<Self>, Error> {
        let needs = source.describe_index().map_err(|reason| no_index(directory, reason))?;
        Ok(needs.map(|needs| Self { source, needs }))
    }

    /// Whether a file is called as its packages are.
    pub(super) fn claims(&self, name: &str) -> bool {
        self.needs.suffixes.iter().any(|suffix| name.ends_with(suffix.as_str()))
    }

    /// The index. Its time is no later than `now`, in seconds since 1970.
    pub(super) fn build(
        &self,
        directory: &Path,
        names: &[String],
        request: IndexRequest<'_>,
        now: u64,
    ) -> Result<IndexFiles, Error> {
        let mut packages: Vec<PackageFile> = Vec::with_capacity(names.len());
        let (mut time, mut bytes) = (0, 0);
        for names in names.chunks(PACKAGES_AT_A_TIME) {
            let read = opkg_parallel::map(request.threads, names, |name| {
                archive_file::read(directory, name, &self.needs.members)
            });
            for package in read {
                let ReadPackage { file, time: own } = package?;
                time = time.max(own);
                bytes += file.members.iter().map(|it| it.path.len() + it.contents.len()).sum::<usize>();
                bytes += file.paths.iter().map(String::len).sum::<usize>();
                limit_index(directory, bytes)?;
                packages.push(file);
            }
        }
        let time = time.min(now);
        let source = PackageSource {
            name: request.name.to_owned(),
            created: i64::try_from(time).unwrap_or(i64::MAX),
            archs: request.archs.to_vec(),
            signing_key: request.signer.and_then(Signer::rsa_key).cloned(),
        };
        let files = self.source.index(&source, &packages).map_err(|reason| no_index(directory, reason))?;
        write_files(directory, &files, request, time)
    }
}

fn no_index(directory: &Path, reason: String) -> Error {
    Error::NoIndex { directory: directory.to_owned(), reason }
}

/// Makes the files that a plugin described, with the signatures beside them.
fn write_files(
    directory: &Path,
    described: &[IndexFile],
    request: IndexRequest<'_>,
    time: u64,
) -> Result<IndexFiles, Error> {
    let mut index = IndexFiles::default();
    let mut bytes = 0;
    for file in described {
        match &file.content {
            IndexContent::Link(to) => index.links.push((file.path.clone(), to.clone())),
            IndexContent::Archives(archives) => {
                let mut made =
                    ArchiveBuilder::of_index(&file.path, time, directory, request.signer).build(archives)?;
                let mut contents = Vec::new();
                made.reader()?.read_to_end(&mut contents)?;
                bytes += contents.len();
                limit_index(directory, bytes)?;
                index.files.push((file.path.clone(), contents));
            }
        }
    }
    index_signatures::sign(directory, described, request, time, &mut index)?;
    reject_clashes(&index)?;
    Ok(index)
}

/// Two files cannot have one name: a plugin chooses those of files and what signatures end in.
fn reject_clashes(index: &IndexFiles) -> Result<(), Error> {
    let names = index.files.iter().map(|(path, _)| path).chain(index.links.iter().map(|(path, _)| path));
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::InvalidOutput(format!("two files of an index are called {name}")));
        }
    }
    Ok(())
}
