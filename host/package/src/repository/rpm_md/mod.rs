//! The index of RPMs, binary and source: `repodata/`, with what is in the packages in three lists, and
//! `repomd.xml` over these.

mod integrity;
mod package;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use fs_err as fs;
use sha2::{Digest, Sha256};

use super::client_config::ClientConfig;
use super::index_files::{
    IndexError, IndexFiles, PACKAGES_AT_A_TIME, cannot_index, limit_index, open_package,
};
use super::xml::XmlWriter;
use crate::checksums::DigestReader;
use crate::index_request::IndexRequest;
use crate::ownership;
use crate::rpm::reader;
use crate::{Error, compress};
use opkg::digest::hex;
use package::PackageMetadata;

/// Where the index is, within the directory.
pub(crate) const REPODATA_DIR: &str = "repodata";

/// What readers begin with.
const REPOMD: &str = "repomd.xml";

/// What it lists.
const LISTS: [&str; 3] = ["primary", "filelists", "other"];

/// Bytes of a `repomd.xml`: some thousand lists.
const MAX_REPOMD_BYTES: u64 = 1 << 20;

/// Namespaces of the documents.
const NS_COMMON: &str = "http://linux.duke.edu/metadata/common";
const NS_FILELISTS: &str = "http://linux.duke.edu/metadata/filelists";
const NS_OTHER: &str = "http://linux.duke.edu/metadata/other";
const NS_REPO: &str = "http://linux.duke.edu/metadata/repo";
const NS_RPM: &str = "http://linux.duke.edu/metadata/rpm";

/// The index. Its time is no later than `now`, in seconds since 1970.
pub(super) fn build_index(
    directory: &Path,
    rpms: &[String],
    request: IndexRequest<'_>,
    now: u64,
) -> Result<IndexFiles, Error> {
    let IndexRequest { name, signer, url, threads, .. } = request;
    let count = rpms.len().to_string();
    let mut primary = XmlWriter::new();
    primary.start_element("metadata", &[("xmlns", NS_COMMON), ("xmlns:rpm", NS_RPM), ("packages", &count)]);
    let mut file_lists = XmlWriter::new();
    file_lists.start_element("filelists", &[("xmlns", NS_FILELISTS), ("packages", &count)]);
    let mut other = XmlWriter::new();
    other.start_element("otherdata", &[("xmlns", NS_OTHER), ("packages", &count)]);

    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut newest = 0;
    for names in rpms.chunks(PACKAGES_AT_A_TIME) {
        let read = opkg_parallel::map(threads, names, |name| IndexEntries::read(directory, name));
        for (name, entries) in names.iter().zip(read) {
            let entries = entries?;
            // Which of the two would be fetched is anybody's guess.
            if let Some(twin) = seen.insert(entries.identity.clone(), name) {
                let reason = format!("{twin} is {} as well", entries.identity);
                return Err(cannot_index(directory, name, reason));
            }
            newest = newest.max(entries.time);
            primary.append(&entries.primary);
            file_lists.append(&entries.file_lists);
            other.append(&entries.other);
            limit_index(directory, primary.len() + file_lists.len() + other.len())?;
        }
    }

    let newest = newest.min(now);
    let mut files = Vec::new();
    let mut repository = XmlWriter::new();
    let time = newest.to_string();
    repository.start_element("repomd", &[("xmlns", NS_REPO), ("xmlns:rpm", NS_RPM)]);
    repository.text_element("revision", &[], &time);
    let documents = [primary, file_lists, other].map(XmlWriter::finish);
    let lists = opkg_parallel::map(threads, &documents, |document| PackedList::new(document));
    for (kind, list) in LISTS.into_iter().zip(lists) {
        files.push(list?.enter(&mut repository, kind, &time));
    }
    let repository = repository.finish();
    if let Some(signer) = signer {
        let signature = signer.sign_armored(repository.as_slice(), newest)?;
        files.push((format!("{REPODATA_DIR}/{REPOMD}.asc"), signature.into_bytes()));
        let key = format!("{REPODATA_DIR}/{REPOMD}.key");
        files.extend(url.map(|url| ClientConfig { name, url, signer }.repo_file(&key)));
        files.push((key, signer.public_key().into()));
    }
    // Last, since it is what readers begin with.
    files.push((format!("{REPODATA_DIR}/{REPOMD}"), repository));
    Ok(IndexFiles { files, obsolete: existing_files(directory)?, ..IndexFiles::default() })
}

/// What the lists say of one package.
struct IndexEntries {
    identity: String,
    time: u64,
    primary: XmlWriter,
    file_lists: XmlWriter,
    other: XmlWriter,
}

impl IndexEntries {
    fn read(directory: &Path, name: &str) -> Result<Self, Error> {
        let refuse = |reason: IndexError| cannot_index(directory, name, reason);
        if name.contains(['%', '?', '#', '\\']) {
            return Err(refuse("its name has a character that means something else in an address".into()));
        }
        let mut file: DigestReader<_, Sha256> = DigestReader::new(open_package(directory, name)?);
        let headers = reader::read_headers(&mut file)?;
        let rpm = reader::read(&headers).map_err(|error| refuse(error.to_string().into()))?;
        if let Some(damage) = integrity::find_damage(&headers, &mut file, &rpm)? {
            return Err(refuse(damage.into()));
        }
        let (size, digest) = file.finish()?;
        let package = PackageMetadata::new(&rpm, name, size, hex(&digest.finalize())).map_err(refuse)?;
        let mut entries = Self {
            identity: package.identity(),
            time: package.time(),
            primary: XmlWriter::within("metadata"),
            file_lists: XmlWriter::within("filelists"),
            other: XmlWriter::within("otherdata"),
        };
        package.write_primary(&mut entries.primary);
        package.write_filelists(&mut entries.file_lists);
        package.write_other(&mut entries.other);
        Ok(entries)
    }
}

/// A list as it is written.
struct PackedList {
    bytes: Vec<u8>,
    sum: String,
    open_size: usize,
    open_sum: String,
}

impl PackedList {
    fn new(document: &[u8]) -> Result<Self, Error> {
        let sum = |bytes: &[u8]| hex(&Sha256::digest(bytes));
        let bytes = compress::gzip_bytes(document)?;
        Ok(Self { sum: sum(&bytes), bytes, open_size: document.len(), open_sum: sum(document) })
    }

    /// Enters it. Its name holds its checksum, so that no cache mistakes it for an older one.
    fn enter(self, repository: &mut XmlWriter, kind: &'static str, time: &str) -> (String, Vec<u8>) {
        let path = format!("{REPODATA_DIR}/{}-{kind}.xml.gz", self.sum);
        repository.start_element("data", &[("type", kind)]);
        repository.text_element("checksum", &[("type", "sha256")], &self.sum);
        repository.text_element("open-checksum", &[("type", "sha256")], &self.open_sum);
        repository.empty_element("location", &[("href", &path)]);
        repository.text_element("timestamp", &[], time);
        repository.text_element("size", &[], &self.bytes.len().to_string());
        repository.text_element("open-size", &[], &self.open_size.to_string());
        repository.end_element();
        (path, self.bytes)
    }
}

/// The files of the earlier index: once its `repomd.xml` is gone, nothing refers to the rest. What others keep in the
/// same directory is not among them.
fn existing_files(directory: &Path) -> Result<Vec<String>, Error> {
    let repodata = directory.join(REPODATA_DIR);
    let mut paths = Vec::new();
    ownership::check_path(directory, &format!("{REPODATA_DIR}/{REPOMD}"))?;
    let entries = match fs::read_dir(&repodata) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(paths),
        entries => entries?,
    };
    reject_foreign_lists(&repodata.join(REPOMD))?;
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string()
            && (is_list_name(&name)
                || name.strip_prefix(REPOMD).is_some_and(|rest| matches!(rest, "" | ".asc" | ".key")))
        {
            paths.push(format!("{REPODATA_DIR}/{name}"));
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a file is called as [`PackedList::enter`] calls one.
fn is_list_name(name: &str) -> bool {
    name.split_once('-').is_some_and(|(sum, rest)| {
        let is_sum = sum.len() == 64 && sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_sum && LISTS.iter().any(|kind| rest.strip_prefix(kind) == Some(".xml.gz"))
    })
}

/// Refuses to replace an index that has more lists than this one will: groups, updates, modules, which another program
/// has put there. One that is damaged has nothing to lose.
fn reject_foreign_lists(file: &Path) -> Result<(), Error> {
    let mut bytes = Vec::new();
    match fs::File::open(file) {
        Ok(opened) => opened.take(MAX_REPOMD_BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let Ok(document) = roxmltree::Document::parse(&text) else { return Ok(()) };
    let kinds = document.root_element().children().filter(|node| node.has_tag_name((NS_REPO, "data")));
    match kinds.filter_map(|node| node.attribute("type")).find(|kind| !LISTS.contains(kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::ForeignIndex {
            file: file.to_owned(),
            reason: format!("it has a list `{}`", kind.escape_debug()),
        }),
    }
}
