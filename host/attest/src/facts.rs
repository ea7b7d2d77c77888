//! What documents say of a package: its own bytes, read again, and the record that it was made from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use opkg::digest::hex;
use opkg::model::{Opkg, SourceFile};
use opkg_inspect::FileKind;
use opkg_interface::Target;
use opkg_interface::artefacts::{BinaryPackage, Comparison, Content, NativeKind};
use opkg_package::CompletePackage;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::payloads::payload_digests;
use crate::purl::package_url;

/// Why a package cannot be described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// It cannot be read back.
    #[error(transparent)]
    Unreadable(#[from] opkg_inspect::Error),
    /// Its file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its payload is compressed in a way that is not read.
    #[error("the contents of {0:?} in it cannot be read")]
    UnreadableFile(String),
}

/// What documents say of a package.
pub(crate) struct PackageFacts {
    pub(crate) file_name: String,
    pub(crate) name: String,
    /// With epoch and release.
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) license: String,
    pub(crate) homepage: Option<String>,
    pub(crate) maintainer: Person,
    pub(crate) purl: String,
    /// Hexadecimal, as all checksums here.
    pub(crate) sha256: String,
    pub(crate) sha1: String,
    /// In the order of paths.
    pub(crate) files: Vec<FileFacts>,
    /// Sources of payloads that files of it come from.
    pub(crate) payloads: Vec<PayloadFacts>,
    /// In the order of the record, each name once, without what is one of several alternatives.
    pub(crate) requires: Vec<Requirement>,
    /// What stands for the present, as `2014-07-11T13:25:17Z`.
    pub(crate) time: String,
}

/// Who looks after a package.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: Option<String>,
}

/// A regular file of a package.
pub(crate) struct FileFacts {
    /// As the package has it: absolute, but in an archive.
    pub(crate) path: String,
    pub(crate) sha256: String,
    pub(crate) sha1: String,
}

/// Something that others have built, of which a package has files.
pub(crate) struct PayloadFacts {
    /// Of its file.
    pub(crate) name: String,
    /// Where it was fetched from, if it does not come with the OPKG.
    pub(crate) url: Option<String>,
    pub(crate) sha256: String,
}

/// A package or capability that a package needs.
pub(crate) struct Requirement {
    pub(crate) name: String,
    /// `>= 1.0`.
    pub(crate) bound: Option<String>,
}

impl PackageFacts {
    pub(crate) fn new(package: CompletePackage<'_>, target: &Target) -> Result<Self, DescribeError> {
        let CompletePackage { record, source, file_name, path } = package;
        let digests = PackageDigests::compute(path)?;
        let read = opkg_inspect::read_from(fs_err::File::open(path)?, file_name.as_ref())?;
        let mut files = Vec::new();
        for (path, entry) in installed_files(&read) {
            let digests = entry.digest.clone().zip(entry.sha1.clone());
            let (sha256, sha1) = digests.ok_or_else(|| DescribeError::UnreadableFile(path.to_owned()))?;
            files.push(FileFacts { path: path.to_owned(), sha256, sha1 });
        }
        let mut requires: Vec<Requirement> = Vec::new();
        for relation in &record.relations {
            let is_needed = matches!(relation.kind, NativeKind::Requires | NativeKind::PreRequires(_));
            // Which of several alternatives is there, is not known before it is installed.
            if is_needed
                && relation.alternatives.is_empty()
                && requires.iter().all(|known| known.name != relation.name)
            {
                let bound = relation.bound.as_ref();
                let bound = bound.map(|bound| format!("{} {}", sign(bound.comparison), bound.version));
                requires.push(Requirement { name: relation.name.clone(), bound });
            }
        }
        let epoch = if record.epoch > 0 { format!("{}:", record.epoch) } else { String::new() };
        let time = opkg::model::Timestamp { offset: 0, ..source.opkg.source_date };
        Ok(Self {
            file_name: file_name.to_owned(),
            name: record.name.clone(),
            version: format!("{epoch}{}-{}", record.version, record.release),
            summary: record.summary.clone(),
            license: record.license.clone(),
            homepage: record.url.clone().filter(|url| !url.is_empty() && !url.contains(char::is_whitespace)),
            maintainer: Person::new(&record.maintainer),
            purl: package_url(record, target),
            sha256: digests.sha256,
            sha1: digests.sha1,
            files,
            payloads: payload_facts(record, source.opkg),
            requires,
            time: time.to_string(),
        })
    }
}

/// Of a package's file.
struct PackageDigests {
    sha256: String,
    sha1: String,
}

impl PackageDigests {
    fn compute(path: &Path) -> io::Result<Self> {
        let (mut sha256, mut sha1) = (Sha256::new(), Sha1::new());
        let mut file = BufReader::with_capacity(64 << 10, fs_err::File::open(path)?);
        loop {
            let bytes = file.fill_buf()?;
            if bytes.is_empty() {
                return Ok(Self { sha256: hex(&sha256.finalize()), sha1: hex(&sha1.finalize()) });
            }
            sha256.update(bytes);
            sha1.update(bytes);
            let count = bytes.len();
            file.consume(count);
        }
    }
}

/// The sources of payloads that files of a package come from.
fn payload_facts(record: &BinaryPackage, opkg: &Opkg) -> Vec<PayloadFacts> {
    let files: BTreeMap<u32, &SourceFile> = opkg.files.iter().map(|file| (file.at.0, file)).collect();
    let used = record.files.iter().filter_map(|file| match file.content {
        Content::Source(node) => files.get(&node)?.payload,
        _ => None,
    });
    let used: BTreeSet<&str> =
        used.filter_map(|index| Some(opkg.payloads.get(index as usize)?.source.as_str())).collect();
    let payloads = payload_digests(opkg).into_iter();
    payloads
        .filter(|(payload, _)| used.contains(payload.source.as_str()))
        .map(|(payload, sha256)| PayloadFacts {
            name: payload.file_name().to_owned(),
            url: (!payload.is_inside).then(|| payload.source.clone()),
            sha256,
        })
        .collect()
}

/// The regular files that a package installs, in the order of paths.
pub(crate) fn installed_files(
    package: &opkg_inspect::Package,
) -> impl Iterator<Item = (&str, &opkg_inspect::FileEntry)> {
    let of_control = |path: &str| path.starts_with("DEBIAN/");
    let files = package.files.iter().map(|(path, entry)| (path.as_str(), entry));
    files.filter(move |(path, entry)| entry.kind == FileKind::File && !of_control(path))
}

impl Person {
    /// Of `Name <name@example.org>`.
    fn new(text: &str) -> Self {
        let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        match parts.filter(|(_, email)| email.contains('@')) {
            Some((name, email)) => {
                Self { name: name.trim().to_owned(), email: Some(email.trim().to_owned()) }
            }
            None => Self { name: text.trim().to_owned(), email: None },
        }
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">",
    }
}
