//! Packages of RPM: of format 4, which every RPM of the last twenty years can read, and of format 6.
//!
//! Lead, signature header, header, compressed payload, as RPM's own documents of the formats describe them. What the
//! header holds is what RPM's own tools write for the same package, without the traces of a machine: no colours of
//! files, no compiler flags, no version of a tool.
//!
//! | file | holds |
//! |---|---|
//! | `lead`, `header`, `payload` | the parts of a file |
//! | `checksums` | what header and signature header say of the bytes |
//! | `file`, `mime`, `relations`, `naming` | what the header says of the package |
//! | `reader`, `integrity` | how a file is read, and held against its checksums |
//! | `tag` | numbers |

mod checksums;
mod file;
mod header;
pub mod integrity;
mod lead;
mod mime;
mod naming;
mod payload;
pub mod reader;
mod relations;
pub(crate) mod tag;
mod triggers;

use std::path::Path;

use opkg_interface::artefacts::{
    BinaryPackage, ChangelogEntry, Compression, RpmFormat, RpmFormatVersion, TextFile,
};

use self::naming::{format_evr, is_builtin_interpreter};
use crate::checksums::DigestWriter;
use crate::compress::{CompressingWriter, CompressionEffort};
use crate::content::FileContent;
use crate::source::OpkgSource;
use crate::spool::{Piece, PiecedFile, Spool};
use crate::{Error, Signer, compress, entries};
use checksums::{Payload, PayloadDigests, PayloadForm};
use file::RpmFile;
use header::{Header, TagValue};
use lead::PackageKind;

/// The field that says where a source package can be built.
const EXCLUSIVE_ARCH: &str = "ExclusiveArch";

/// One binary package. `main` is the package that its source package is named for: the first of those made of it. What does
/// not stay in memory lies in `directory` meanwhile.
pub(crate) fn build_binary(
    package: &BinaryPackage,
    format: RpmFormat,
    effort: CompressionEffort,
    main: &BinaryPackage,
    source: OpkgSource<'_>,
    (directory, signer): (&Path, Option<&Signer>),
) -> Result<PiecedFile, Error> {
    let compressor = Compressor::new(format.compression, effort)?;
    let mut header = new_header(package, source)?;
    let items = entries::collect_entries(package, source)?;
    let files: Vec<RpmFile<'_>> =
        (1..).zip(items).map(|(inode, item)| RpmFile::from_entry(item, inode, timestamp(source))).collect();
    header.string(tag::SOURCE_RPM, source_file_name(main));
    if format.version == RpmFormatVersion::V6 {
        header.string(tag::SOURCE_NEVR, format!("{}-{}", main.name, format_evr(main)));
    }
    header.string(tag::PLATFORM, format!("{}-linux", package.arch));
    write_scriptlets(&mut header, package)?;
    triggers::write_file_triggers(&mut header, package)?;
    relations::write_binary_relations(&mut header, package, format, file::has_large_files(&files))?;
    let signer = signer.map(|it| (it, source.timestamp()));
    assemble((package, PackageKind::Binary), header, &files, &compressor, format, (directory, signer))
}

/// The source package of these packages, the first of which the spec is named for: it holds the spec and
/// the archive that feeds it.
pub(crate) fn build_source(
    packages: &[BinaryPackage],
    format: RpmFormat,
    effort: CompressionEffort,
    spec: &TextFile,
    tarball: (&str, FileContent<'_>),
    source: OpkgSource<'_>,
    (directory, signer): (&Path, Option<&Signer>),
) -> Result<PiecedFile, Error> {
    let [main, ..] = packages else {
        return Err(Error::InvalidOutput("a source package of no packages".into()));
    };
    let compressor = Compressor::new(format.compression, effort.for_compressed())?;
    let mut header = new_header(main, source)?;
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let spec_text = FileContent::Bytes(spec.contents.clone().into_bytes());
    let mut pieces = [(base(tarball.0), tarball.1), (base(&spec.path), spec_text)];
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
    let files: Vec<RpmFile<'_>> = (1..)
        .zip(pieces)
        .map(|(inode, (name, content))| RpmFile::new_source_file(name, content, inode, timestamp(source)))
        .collect();
    relations::write_source_relations(&mut header, packages, format, file::has_large_files(&files));
    let signer = signer.map(|it| (it, source.timestamp()));
    assemble((main, PackageKind::Source), header, &files, &compressor, format, (directory, signer))
}

/// The file name of the source package that is named for this package.
pub(crate) fn source_file_name(main: &BinaryPackage) -> String {
    format!("{}-{}-{}.src.rpm", main.name, main.version, main.release)
}

/// How the payload is compressed, as the header says it.
struct Compressor {
    name: &'static str,
    compression: Compression,
    effort: CompressionEffort,
}

impl Compressor {
    fn new(compression: Compression, effort: CompressionEffort) -> Result<Self, Error> {
        let name = match compression {
            Compression::None => return Err(Error::InvalidOutput("an RPM without compression".into())),
            Compression::Gzip => "gzip",
            Compression::Xz => "xz",
            Compression::Zstd => "zstd",
        };
        Ok(Self { name, compression, effort })
    }

    /// For so many bytes.
    fn level(&self, data_bytes: u64) -> i32 {
        match self.compression {
            Compression::None | Compression::Gzip => 9,
            Compression::Xz => compress::xz_preset(self.effort),
            Compression::Zstd => {
                compress::zstd_level(usize::try_from(data_bytes).unwrap_or(usize::MAX), self.effort)
            }
        }
    }
}

fn assemble(
    (package, kind): (&BinaryPackage, PackageKind),
    mut header: Header,
    files: &[RpmFile<'_>],
    compressor: &Compressor,
    format: RpmFormat,
    (directory, signer): (&Path, Option<(&Signer, u64)>),
) -> Result<PiecedFile, Error> {
    let version = format.version;
    let digests = || PayloadDigests::new(version == RpmFormatVersion::V6);
    let packed = DigestWriter::new(Spool::new(directory), digests());
    let packed = CompressingWriter::new(packed, compressor.compression, compressor.effort);
    let mut archive = DigestWriter::new(packed, digests());
    let has_mime_types = version == RpmFormatVersion::V6 && kind == PackageKind::Binary;
    let facts = payload::write_cpio(&mut archive, files, format, has_mime_types)?;
    let (packed, archive_size, archive_digests) = archive.into_parts();
    let (mut spool, packed_size, packed_digests) = packed.finish()?.into_parts();

    file::write_file_tags(&mut header, files, facts, format);
    header.string(tag::PAYLOAD_FORMAT, "cpio");
    header.string(tag::PAYLOAD_COMPRESSOR, compressor.name);
    header.string(tag::PAYLOAD_FLAGS, compressor.level(archive_size).to_string());
    let payload = Payload {
        packed: PayloadForm { size: packed_size, digests: packed_digests },
        archive: PayloadForm { size: archive_size, digests: archive_digests },
    };
    checksums::write_payload_tags(&mut header, payload, version);

    let header = header.to_bytes(tag::HEADER_IMMUTABLE)?;
    let mut bytes = lead::build_lead(package, kind, version);
    let payload = (&mut spool, archive_size);
    bytes.extend(checksums::build_signature_header(&header, payload, version, signer)?);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(header);
    let mut file = PiecedFile::from(bytes);
    file.push(Piece::Spool(spool));
    Ok(file)
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
    let seconds = |it: &ChangelogEntry| {
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
