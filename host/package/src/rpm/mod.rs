//! Packages of RPM version 4, which every RPM of the last twenty years can read.
//!
//! Lead, signature header (checksums only), header, compressed payload, as RPM's own documents of the
//! format describe them. What the header holds is what RPM's own tools write for the same package, without
//! the traces of a machine: no classes of files, no compiler flags, no version of a tool.

mod file;
mod header;
pub mod integrity;
mod naming;
mod payload;
pub mod reader;
mod relations;
pub(crate) mod tag;
mod triggers;

use md5::Md5;
use opkg_interface::artefacts::{BinaryPackage, Change, Compression, DigestAlgorithm, RpmFormat, TextFile};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use self::naming::{format_evr, is_builtin_interpreter};
use crate::compress::CompressionEffort;
use crate::entries::{self, MAX_PACKAGE_BYTES};
use crate::source::OpkgSource;
use crate::{Error, Signer, compress};
use file::RpmFile;
use header::{Header, TagValue};
use opkg::digest::hex;

/// Longest name in a lead, with the zero byte that ends it.
const LEAD_NAME_BYTES: usize = 66;

/// The field that says where a source package can be built.
const EXCLUSIVE_ARCH: &str = "ExclusiveArch";

/// One binary package. `source_name` is the file name of the source package it belongs to.
pub(crate) fn build_binary(
    package: &BinaryPackage,
    format: RpmFormat,
    effort: CompressionEffort,
    source_name: &str,
    source: OpkgSource<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, Error> {
    let compressor = Compressor::new(format.compression, effort)?;
    let mut header = new_header(package, source)?;
    let items = entries::collect_entries(package, source)?;
    let files: Vec<RpmFile> =
        (1..).zip(items).map(|(inode, item)| RpmFile::from_entry(item, inode, timestamp(source))).collect();
    header.string(tag::SOURCE_RPM, source_name);
    header.string(tag::PLATFORM, format!("{}-linux", package.arch));
    write_scriptlets(&mut header, package)?;
    triggers::write_file_triggers(&mut header, package)?;
    relations::write_binary_relations(&mut header, package, format)?;
    assemble(
        Lead { package_type: 0, package },
        header,
        &files,
        &compressor,
        format.file_digests,
        signer.map(|it| (it, source.timestamp())),
    )
}

/// The source package of these packages, the first of which the spec is named for: it holds the spec and
/// the archive that feeds it.
pub(crate) fn build_source(
    packages: &[BinaryPackage],
    format: RpmFormat,
    effort: CompressionEffort,
    spec: &TextFile,
    tarball: (&str, Vec<u8>),
    source: OpkgSource<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, Error> {
    let [main, ..] = packages else {
        return Err(Error::InvalidOutput("a source package of no packages".into()));
    };
    let compressor = Compressor::new(format.compression, effort.for_compressed())?;
    let mut header = new_header(main, source)?;
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut pieces = [(base(tarball.0), tarball.1), (base(&spec.path), spec.contents.clone().into_bytes())];
    pieces.sort_by(|a, b| a.0.cmp(&b.0));
    header.strings(tag::SOURCE, vec![base(tarball.0)]);
    if let Some(archs) = main.fields.iter().find(|field| field.name == EXCLUSIVE_ARCH) {
        let archs = archs.value.split_whitespace().map(str::to_owned);
        header.strings(tag::EXCLUSIVE_ARCHS, archs.collect());
    }
    header.number(tag::SOURCE_PACKAGE, 1);
    if main.arch == "noarch" {
        header.strings(tag::BUILD_ARCHS, vec![main.arch.clone()]);
    }
    relations::write_source_relations(&mut header, packages, format);
    let files: Vec<RpmFile> = (1..)
        .zip(pieces)
        .map(|(inode, (name, contents))| RpmFile::new_source_file(name, contents, inode, timestamp(source)))
        .collect();
    assemble(
        Lead { package_type: 1, package: main },
        header,
        &files,
        &compressor,
        format.file_digests,
        signer.map(|it| (it, source.timestamp())),
    )
}

/// The file name of the source package of these packages.
pub(crate) fn source_file_name(packages: &[BinaryPackage]) -> Option<String> {
    packages.first().map(|main| format!("{}-{}-{}.src.rpm", main.name, main.version, main.release))
}

/// How the payload is compressed, as the header says it.
struct Compressor {
    name: &'static str,
    effort: CompressionEffort,
    /// Of so many bytes.
    level: fn(usize, CompressionEffort) -> i32,
    compress: fn(&[u8], CompressionEffort) -> std::io::Result<Vec<u8>>,
}

impl Compressor {
    fn new(compression: Compression, effort: CompressionEffort) -> Result<Self, Error> {
        Ok(match compression {
            Compression::None => return Err(Error::InvalidOutput("an RPM without compression".into())),
            Compression::Gzip => {
                Self { name: "gzip", effort, level: |_, _| 9, compress: |data, _| compress::gzip_bytes(data) }
            }
            Compression::Xz => Self {
                name: "xz",
                effort,
                level: |_, effort| compress::xz_preset(effort),
                compress: compress::xz,
            },
            Compression::Zstd => {
                Self { name: "zstd", effort, level: compress::zstd_level, compress: compress::zstd }
            }
        })
    }
}

/// What the oldest part of the format says, read by nobody but file(1) any more.
struct Lead<'a> {
    /// 0: binary, 1: source.
    package_type: u8,
    package: &'a BinaryPackage,
}

impl Lead<'_> {
    fn to_bytes(&self) -> Vec<u8> {
        // Version 3.0; the architecture is no longer looked at.
        let mut lead = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, self.package_type, 0, 1];
        let name = format!("{}-{}", self.package.name, format_evr(self.package));
        lead.extend(name.bytes().take(LEAD_NAME_BYTES - 1));
        lead.resize(10 + LEAD_NAME_BYTES, 0);
        // Linux; signatures are in a header.
        lead.extend([0, 1, 0, 5]);
        lead.resize(96, 0);
        lead
    }
}

fn assemble(
    lead: Lead<'_>,
    mut header: Header,
    files: &[RpmFile],
    compressor: &Compressor,
    file_digests: DigestAlgorithm,
    signer: Option<(&Signer, u64)>,
) -> Result<Vec<u8>, Error> {
    let archive = payload::build_cpio(files);
    if archive.len() as u64 > MAX_PACKAGE_BYTES {
        return Err(Error::TooLarge(lead.package.file_name.clone()));
    }
    let payload = (compressor.compress)(&archive, compressor.effort)?;
    file::write_file_tags(&mut header, files, file_digests);
    header.string(tag::PAYLOAD_FORMAT, "cpio");
    header.string(tag::PAYLOAD_COMPRESSOR, compressor.name);
    header.string(tag::PAYLOAD_FLAGS, (compressor.level)(archive.len(), compressor.effort).to_string());
    header.strings(tag::PAYLOAD_DIGEST, vec![hex(&Sha256::digest(&payload))]);
    header.number(tag::PAYLOAD_DIGEST_ALGORITHM, tag::SHA256);
    header.strings(tag::PAYLOAD_DIGEST_ALTERNATIVE, vec![hex(&Sha256::digest(&archive))]);

    let header = header.to_bytes(tag::HEADER_IMMUTABLE)?;
    let mut bytes = lead.to_bytes();
    bytes.extend(build_signature_header(&header, &payload, archive.len(), signer)?);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(header);
    bytes.extend(payload);
    Ok(bytes)
}

/// Checksums of all that follows, and the signature of the header, which has the payload's checksum in it. With
/// a signer goes the time of the signature.
fn build_signature_header(
    header: &[u8],
    payload: &[u8],
    archive_size: usize,
    signer: Option<(&Signer, u64)>,
) -> Result<Vec<u8>, Error> {
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut signature = Header::default();
    if let Some((signer, time)) = signer {
        let tag = if signer.is_rsa() { tag::SIGNATURE_RSA } else { tag::SIGNATURE_DSA };
        signature.put(tag, TagValue::Binary(signer.sign_detached(header, time)?));
    }
    signature.string(tag::SIGNATURE_SHA1, hex(&Sha1::digest(header)));
    signature.string(tag::SIGNATURE_SHA256, hex(&Sha256::digest(header)));
    signature.number(tag::SIGNATURE_SIZE, size(header.len() + payload.len()));
    let both = Md5::new().chain_update(header).chain_update(payload).finalize();
    signature.put(tag::SIGNATURE_MD5, TagValue::Binary(both.to_vec()));
    signature.number(tag::SIGNATURE_PAYLOAD_SIZE, size(archive_size));
    signature.to_bytes(tag::HEADER_SIGNATURES)
}

/// What binary and source packages say of themselves alike.
fn new_header(package: &BinaryPackage, source: OpkgSource<'_>) -> Result<Header, Error> {
    for word in [&package.name, &package.version, &package.release, &package.arch] {
        if word.is_empty() || word.contains(|it: char| it.is_whitespace() || it.is_control() || it == '/') {
            return Err(Error::InvalidOutput(format!(
                "{word:?} in the name, version, release or architecture of an RPM"
            )));
        }
    }
    if package.version.contains('-') || package.release.contains('-') {
        return Err(Error::InvalidOutput(format!(
            "a hyphen in the version {} or release {} of an RPM",
            package.version, package.release
        )));
    }
    let mut header = Header::default();
    header.strings(tag::LOCALES, vec!["C".into()]);
    header.string(tag::NAME, &package.name);
    header.string(tag::VERSION, &package.version);
    header.string(tag::RELEASE, &package.release);
    if package.epoch > 0 {
        header.number(tag::EPOCH, package.epoch);
    }
    header.put(tag::SUMMARY, TagValue::Localised(package.summary.clone()));
    header.put(tag::DESCRIPTION, TagValue::Localised(package.description.clone()));
    header.number(tag::BUILD_TIME, timestamp(source));
    header.string(tag::BUILD_HOST, "localhost");
    header.string(tag::LICENSE, &package.license);
    let group = if package.section.is_empty() { "Unspecified" } else { &package.section };
    header.put(tag::GROUP, TagValue::Localised(group.to_owned()));
    for (tag, text) in [(tag::PACKAGER, Some(&package.maintainer)), (tag::URL, package.url.as_ref())] {
        if let Some(text) = text.filter(|it| !it.is_empty()) {
            header.string(tag, text);
        }
    }
    header.string(tag::OS, "linux");
    header.string(tag::ARCH, &package.arch);
    header.string(tag::ENCODING, "utf-8");
    for field in &package.fields {
        let tag = match field.name.as_str() {
            // Of the source package alone.
            EXCLUSIVE_ARCH => continue,
            "Distribution" => tag::DISTRIBUTION,
            "Vendor" => tag::VENDOR,
            "BugURL" => tag::BUG_URL,
            "VCS" => tag::VCS,
            other => return Err(Error::InvalidOutput(format!("the tag `{other}` in an RPM"))),
        };
        header.string(tag, &field.value);
    }
    let entries = &package.changelog;
    let seconds = |it: &Change| {
        u32::try_from(it.seconds).map_err(|_| {
            Error::InvalidOutput(format!("a change at {} seconds since 1970 in an RPM", it.seconds))
        })
    };
    let times = entries.iter().map(seconds).collect::<Result<_, _>>()?;
    header.numbers(tag::CHANGELOG_TIMES, times);
    header.strings(tag::CHANGELOG_NAMES, entries.iter().map(|it| it.header.clone()).collect());
    header.strings(tag::CHANGELOG_TEXTS, entries.iter().map(|it| it.text.clone()).collect());
    Ok(header)
}

fn write_scriptlets(header: &mut Header, package: &BinaryPackage) -> Result<(), Error> {
    for scriptlet in &package.scriptlets {
        let tags = relations::scriptlet_tags(scriptlet.time)?;
        let sound = |word: &String| !word.is_empty() && !word.contains(char::is_control);
        let program_is_sound =
            scriptlet.interpreter.first().is_some_and(|it| it.starts_with('/') || is_builtin_interpreter(it));
        if !program_is_sound || !scriptlet.interpreter.iter().all(sound) {
            return Err(Error::InvalidOutput(format!("a scriptlet for {:?}", scriptlet.interpreter)));
        }
        let program = match scriptlet.interpreter.as_slice() {
            [program] => TagValue::String(program.clone()),
            several => TagValue::Strings(several.to_vec()),
        };
        if !scriptlet.body.is_empty() {
            header.string(tags.body, &scriptlet.body);
        }
        header.put(tags.program, program);
    }
    Ok(())
}

/// Of everything in a package.
fn timestamp(source: OpkgSource<'_>) -> u32 {
    u32::try_from(source.timestamp()).unwrap_or(u32::MAX)
}
