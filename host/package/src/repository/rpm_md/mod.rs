//! The index of RPMs, binary and source: `repodata/`, with what is in the packages in three lists, and
//! `repomd.xml` over these.

mod package;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use fs_err as fs;
use sha2::{Digest, Sha256};

use super::xml::Xml;
use super::{Index, open, refusal};
use crate::digest::Sums;
use crate::hex::hex;
use crate::rpm::reader;
use crate::{Error, Signer, compress};
use package::Package;

/// Where the index is, within the directory.
const DIRECTORY: &str = "repodata";

/// Namespaces of the documents.
const COMMON: &str = "http://linux.duke.edu/metadata/common";
const FILE_LISTS: &str = "http://linux.duke.edu/metadata/filelists";
const OTHER: &str = "http://linux.duke.edu/metadata/other";
const REPOSITORY: &str = "http://linux.duke.edu/metadata/repo";
const RPM: &str = "http://linux.duke.edu/metadata/rpm";

/// Bytes in front of a payload: no more than the reader of headers lets pass.
const LARGEST_HEADERS: u64 = 160 << 20;

pub(super) fn index(directory: &Path, rpms: &[String], signer: Option<&Signer>) -> Result<Index, Error> {
    let count = rpms.len().to_string();
    let mut primary = Xml::new();
    primary.open("metadata", &[("xmlns", COMMON), ("xmlns:rpm", RPM), ("packages", &count)]);
    let mut file_lists = Xml::new();
    file_lists.open("filelists", &[("xmlns", FILE_LISTS), ("packages", &count)]);
    let mut other = Xml::new();
    other.open("otherdata", &[("xmlns", OTHER), ("packages", &count)]);

    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut newest = 0;
    for name in rpms {
        let refuse = |reason: String| refusal(directory, name, reason);
        if name.contains(['%', '?', '#', '\\']) {
            return Err(refuse("its name has a character that means something else in an address".into()));
        }
        let mut headers = Vec::new();
        open(directory, name)?.take(LARGEST_HEADERS).read_to_end(&mut headers)?;
        let rpm = reader::read(&headers).map_err(|error| refuse(error.to_string()))?;
        let sums = Sums::of(open(directory, name)?)?;
        let package = Package::new(&rpm, name, &sums).map_err(refuse)?;
        // Which of the two would be fetched is anybody's guess.
        if let Some(twin) = seen.insert(package.identity(), name) {
            return Err(refuse(format!("{twin} is {} as well", package.identity())));
        }
        newest = newest.max(package.time());
        package.primary(&mut primary);
        package.file_list(&mut file_lists);
        package.other(&mut other);
    }

    let mut files = Vec::new();
    let mut repository = Xml::new();
    let time = newest.to_string();
    repository.open("repomd", &[("xmlns", REPOSITORY), ("xmlns:rpm", RPM)]);
    repository.text("revision", &[], &time);
    for (kind, document) in [("primary", primary), ("filelists", file_lists), ("other", other)] {
        files.push(list(&mut repository, kind, &document.finish(), &time)?);
    }
    let repository = repository.finish();
    if let Some(signer) = signer {
        let signature = signer.armored(&repository, newest)?;
        files.push((format!("{DIRECTORY}/repomd.xml.asc"), signature.into_bytes()));
        files.push((format!("{DIRECTORY}/repomd.xml.key"), signer.public_key().into()));
    }
    // Last, since it is what readers begin with.
    files.push((format!("{DIRECTORY}/repomd.xml"), repository));
    Ok(Index { files, obsolete: present(directory)? })
}

/// Compresses a list and enters it. Its name holds its checksum, so that no cache mistakes it for an older one.
fn list(
    repository: &mut Xml,
    kind: &'static str,
    document: &[u8],
    time: &str,
) -> Result<(String, Vec<u8>), Error> {
    let packed = compress::gzip_bytes(document)?;
    let sum = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    let path = format!("{DIRECTORY}/{}-{kind}.xml.gz", sum(&packed));
    repository.open("data", &[("type", kind)]);
    repository.text("checksum", &[("type", "sha256")], &sum(&packed));
    repository.text("open-checksum", &[("type", "sha256")], &sum(document));
    repository.empty("location", &[("href", &path)]);
    repository.text("timestamp", &[], time);
    repository.text("size", &[], &packed.len().to_string());
    repository.text("open-size", &[], &document.len().to_string());
    repository.close();
    Ok((path, packed))
}

/// What an earlier index consists of: once its `repomd.xml` is gone, nothing refers to the rest.
fn present(directory: &Path) -> Result<Vec<String>, Error> {
    let mut paths = Vec::new();
    let entries = match fs::read_dir(directory.join(DIRECTORY)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(paths),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
            paths.push(format!("{DIRECTORY}/{name}"));
        }
    }
    paths.sort();
    Ok(paths)
}
