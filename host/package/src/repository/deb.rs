//! The index of binary packages (`.deb`) and source packages (`.dsc`): `Packages`, `Sources`, `Contents-ARCH`, and
//! `Release` with the checksums of them. All in one directory, which the format calls flat. Its checksums are of SHA-256: apt has
//! known it longer than any release that is in use, and takes MD5 and SHA-1 for nothing any more.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use fs_err as fs;
use opkg::digest::{hex, sha256};
use opkg::model::Timestamp;
use sha2::{Digest, Sha256};

use super::by_hash::{BY_HASH_DIR, by_hash_path, find_outdated};
use super::client_config::ClientConfig;
use super::contents::{self, Contents};
use super::deb_file::{self, DebReadError};
use super::index_files::{
    IndexError, IndexFiles, PACKAGES_AT_A_TIME, cannot_index, limit_index, open_package,
};
use crate::checksums::{Checksums, DigestReader};
use crate::compress::CompressionEffort;
use crate::deb822::{self, find_field, write_field};
use crate::index_request::IndexRequest;
use crate::ownership;
use crate::{Error, compress};

/// Fields that an index adds, and that no package may bring along.
const INDEX_FIELDS: [&str; 6] = ["Filename", "Size", "MD5sum", "SHA1", "SHA256", "Directory"];

/// Architectures of the packages of a directory, each of which has a list of files. There are some thirty.
const MAX_ARCHS: usize = 64;

/// Who says that an index is theirs.
const ORIGIN: &str = "OPKG";

/// Of a control file that describes sources, and of a `Release`.
const MAX_DSC_BYTES: u64 = 1 << 20;

/// The index. Its date is no later than `now`, in seconds since 1970.
pub(super) fn build_index(
    directory: &Path,
    debs: &[String],
    sources: &[String],
    request: IndexRequest<'_>,
    now: u64,
) -> Result<IndexFiles, Error> {
    let IndexRequest { name, signer, url, threads, .. } = request;
    ownership::check_path(directory, "Release")?;
    let last_release = read_release(&directory.join("Release"))?;
    ownership::check_path(directory, BY_HASH_DIR)?;
    let outdated = find_outdated(directory, &last_release)?;
    let packages = IndexParagraphs::collect(directory, debs, threads, describe_package)?;
    let described = IndexParagraphs::collect(directory, sources, threads, describe_source)?;
    // What describes sources holds no time but its file's, which is the next best.
    let time = if debs.is_empty() { described.time } else { packages.time };
    let time = time.min(i64::try_from(now).unwrap_or(i64::MAX));
    let mut lists = vec![("Packages".to_owned(), packages.text.into_bytes())];
    lists.push(("Sources".to_owned(), described.text.into_bytes()));
    lists.extend(packages.contents.lists());
    let packed = pack_lists(&lists, threads)?;
    let release = format_release(name, time, &packed)?;
    let copies = packed.iter().map(|list| (by_hash_path(&list.sha256), list.name.clone())).collect();
    let mut files: Vec<(String, Vec<u8>)> = packed.into_iter().map(|list| (list.name, list.bytes)).collect();
    let seals = ["InRelease", "Release.gpg", "Release.key"].map(str::to_owned);
    if let Some(signer) = signer {
        let time = u64::try_from(time).unwrap_or(0);
        let [within, beside, key] = seals.clone();
        files.push((within, signer.sign_cleartext(&release, time)?.into_bytes()));
        files.push((beside, signer.sign_armored(release.as_bytes(), time)?.into_bytes()));
        files.push((key, signer.public_key().into()));
        if let Some(url) = url {
            files.push(ClientConfig { name, url, signer }.sources_file(!sources.is_empty())?);
        }
    }
    files.push(("Release".into(), release.into_bytes()));
    // Signatures of an earlier index are not of this one, and architectures may have gone.
    let contents = listed_names(&last_release).filter(|name| contents::is_list_name(name)).map(str::to_owned);
    let obsolete = seals.into_iter().chain(outdated).chain(contents).collect();
    Ok(IndexFiles { files, copies, obsolete, ..IndexFiles::default() })
}

/// A list as it is written.
struct PackedList {
    name: String,
    bytes: Vec<u8>,
    sha256: String,
}

/// Lists in all forms that readers take, sorted by their names.
fn pack_lists(lists: &[(String, Vec<u8>)], threads: usize) -> Result<Vec<PackedList>, Error> {
    // What takes longest is begun first.
    let forms: Vec<(&str, &str, &[u8])> = [".xz", ".gz", ""]
        .iter()
        .flat_map(|form| lists.iter().map(move |(name, text)| (name.as_str(), *form, text.as_slice())))
        .collect();
    let packed = opkg_parallel::map(threads, &forms, |(name, form, text)| -> std::io::Result<_> {
        let bytes = match *form {
            ".xz" => compress::xz(text, CompressionEffort::Auto)?,
            ".gz" => compress::gzip_bytes(text)?,
            _ => text.to_vec(),
        };
        Ok(PackedList { name: format!("{name}{form}"), sha256: sha256(&bytes), bytes })
    });
    let mut packed = packed.into_iter().collect::<std::io::Result<Vec<_>>>()?;
    packed.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(packed)
}

/// The fields of the last index, none if there is none or a damaged one, which has nothing to lose. That of another program
/// is not to be replaced.
fn read_release(file: &Path) -> Result<Vec<(String, String)>, Error> {
    let mut text = String::new();
    match fs::File::open(file) {
        Ok(opened) => {
            std::io::Read::read_to_string(&mut std::io::Read::take(opened, MAX_DSC_BYTES), &mut text)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    }
    .or_else(|error| if error.kind() == std::io::ErrorKind::InvalidData { Ok(0) } else { Err(error) })?;
    let fields = deb822::parse_paragraph(&text).unwrap_or_default();
    if fields.is_empty() || find_field(&fields, "Origin") == Some(ORIGIN) {
        return Ok(fields);
    }
    Err(Error::ForeignIndex { file: file.to_owned(), reason: format!("its `Origin` is not `{ORIGIN}`") })
}

/// The names of the lists that an index has.
fn listed_names(release: &[(String, String)]) -> impl Iterator<Item = &str> {
    let lines = find_field(release, "SHA256").unwrap_or_default().lines();
    lines.filter_map(|line| line.split_whitespace().nth(2))
}

/// Paragraphs of an index, each of another package.
#[derive(Default)]
struct IndexParagraphs {
    text: String,
    identities: BTreeSet<String>,
    contents: Contents,
    /// Of the newest, in seconds since 1970.
    time: i64,
}

impl IndexParagraphs {
    /// Those of the files of these names.
    fn collect(
        directory: &Path,
        names: &[String],
        threads: usize,
        describe: impl Fn(&Path, &str) -> Result<Paragraph, Error> + Sync,
    ) -> Result<Self, Error> {
        let mut all = Self::default();
        for names in names.chunks(PACKAGES_AT_A_TIME) {
            let described = opkg_parallel::map(threads, names, |name| describe(directory, name));
            for (name, paragraph) in names.iter().zip(described) {
                all.add(paragraph?).map_err(|reason| cannot_index(directory, name, reason))?;
            }
            limit_index(directory, all.text.len() + all.contents.byte_len())?;
            if all.contents.archs().len() > MAX_ARCHS {
                let what = format!("packages of more than {MAX_ARCHS} architectures");
                return Err(Error::TooMuchToIndex { directory: directory.to_owned(), what });
            }
        }
        Ok(all)
    }

    /// Appends one, unless there is one of the same package: which of the two would be fetched is anybody's guess.
    fn add(&mut self, paragraph: Paragraph) -> Result<(), IndexError> {
        let Paragraph { identity, text, time, files } = paragraph;
        if self.identities.contains(&identity) {
            return Err(format!("another file is {identity} as well").into());
        }
        self.identities.insert(identity);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&text);
        self.time = self.time.max(time);
        if let Some(PackageFiles { arch, section, name, paths }) = files {
            self.contents.add(&arch, &section, &name, paths);
        }
        Ok(())
    }
}

/// What an index says of one package.
struct Paragraph {
    /// What no other package may be.
    identity: String,
    text: String,
    /// Seconds since 1970.
    time: i64,
    /// Of a binary package.
    files: Option<PackageFiles>,
}

/// What a package installs.
struct PackageFiles {
    arch: String,
    section: String,
    name: String,
    paths: Vec<Box<[u8]>>,
}

impl Paragraph {
    fn new(identity: String, fields: &[(&str, &str)], time: i64) -> Result<Self, IndexError> {
        let mut text = String::new();
        for (name, value) in fields {
            write_field(&mut text, name, value).map_err(|error| error.to_string())?;
        }
        Ok(Self { identity, text, time, files: None })
    }
}

/// What a package says of itself, and where it is.
fn describe_package(directory: &Path, name: &str) -> Result<Paragraph, Error> {
    let refuse = |reason: IndexError| cannot_index(directory, name, reason);
    let mut file: DigestReader<_, Sha256> = DigestReader::new(open_package(directory, name)?);
    let deb = deb_file::read(&mut file).map_err(|error| match error {
        DebReadError::Io(error) => Error::Io(error),
        DebReadError::Invalid(reason) => refuse(reason),
    })?;
    reject_index_fields(&deb.fields).map_err(refuse)?;
    let identity = format_identity(&deb.fields, &["Package", "Version", "Architecture"]).map_err(refuse)?;
    let field = |name: &str| find_field(&deb.fields, name).unwrap_or_default().to_owned();
    let (arch, section, package) = (field("Architecture"), field("Section"), field("Package"));
    if !contents::is_arch(&arch) {
        return Err(refuse(format!("its Architecture is {arch:?}").into()));
    }
    let (size, digest) = file.finish()?;
    let (file_name, size, digest) = (format!("./{name}"), size.to_string(), hex(&digest.finalize()));
    let mut fields: Vec<(&str, &str)> =
        deb.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend([("Filename", file_name.as_str()), ("Size", &size), ("SHA256", &digest)]);
    let paragraph = Paragraph::new(identity, &fields, deb.time).map_err(refuse)?;
    let files = PackageFiles { arch, section, name: package, paths: deb.paths };
    Ok(Paragraph { files: Some(files), ..paragraph })
}

/// What a source package says of itself, with its own file among those that belong to it.
fn describe_source(directory: &Path, name: &str) -> Result<Paragraph, Error> {
    let refuse = |reason: IndexError| cannot_index(directory, name, reason);
    let file = open_package(directory, name)?;
    let metadata = file.get_ref().metadata()?;
    if metadata.len() > MAX_DSC_BYTES {
        return Err(refuse("it is too large".into()));
    }
    let modified = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_DSC_BYTES), &mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("it is not UTF-8".into()))?;
    let mut fields = deb822::parse_paragraph(strip_signature(text)).map_err(|error| refuse(error.into()))?;
    reject_index_fields(&fields).map_err(refuse)?;
    let identity = format_identity(&fields, &["Source", "Version"]).map_err(refuse)?;

    let parts = find_field(&fields, "Checksums-Sha256").unwrap_or_default().to_owned();
    for line in parts.lines().filter(|line| !line.is_empty()) {
        verify_source_file(directory, name, line)?;
    }
    let own = Checksums::compute(bytes.as_slice())?;
    fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Checksums-Sha1"));
    // The first is of MD5; programs that read source packages insist on it.
    for (list, sum) in [("Files", &own.md5), ("Checksums-Sha256", &own.sha256)] {
        let place = fields.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(list));
        let (_, value) = place.ok_or_else(|| refuse(format!("it has no field `{list}`").into()))?;
        *value = format!("\n {sum} {} {name}{value}", own.size);
    }
    let mut listed: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (if name == "Source" { "Package" } else { name.as_str() }, value.as_str()))
        .collect();
    listed.sort_by_key(|(name, _)| *name != "Package");
    listed.push(("Directory", "."));
    Paragraph::new(identity, &listed, i64::try_from(modified.as_secs()).unwrap_or_default()).map_err(refuse)
}

/// Compares a file of a source package with the line about it.
fn verify_source_file(directory: &Path, dsc: &str, line: &str) -> Result<(), Error> {
    let refuse = |reason: IndexError| cannot_index(directory, dsc, reason);
    let words: Vec<&str> = line.split_whitespace().collect();
    let [sum, size, name] = words[..] else {
        return Err(refuse(format!("the line {line:?} is not about a file").into()));
    };
    if name.contains('/') || name.starts_with('.') {
        return Err(refuse(format!("it names the file {name:?}, which lies elsewhere").into()));
    }
    let file = match open_package(directory, name) {
        Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(refuse(format!("{name}, which belongs to it, is missing").into()));
        }
        other => other?,
    };
    let sums = Checksums::compute(file)?;
    if sums.sha256 != sum || sums.size.to_string() != size {
        return Err(refuse(format!("{name}, which belongs to it, has other contents than it says").into()));
    }
    Ok(())
}

/// `name version …`, of fields that must be there.
fn format_identity(fields: &[(String, String)], names: &[&str]) -> Result<String, IndexError> {
    let words = names.iter().map(|name| match find_field(fields, name) {
        Some(value) if !value.is_empty() && !value.contains(char::is_whitespace) => Ok(value),
        Some(value) => Err(IndexError::from(format!("its {name} is {value:?}"))),
        None => Err(format!("it has no field `{name}`").into()),
    });
    Ok(words.collect::<Result<Vec<_>, _>>()?.join(" "))
}

fn reject_index_fields(fields: &[(String, String)]) -> Result<(), IndexError> {
    match INDEX_FIELDS.iter().find(|name| find_field(fields, name).is_some()) {
        Some(name) => Err(format!("it has the field `{name}`, which is for the index to give").into()),
        None => Ok(()),
    }
}

/// What stands inside a signature that goes around a text; see RFC 9580, section 7.
fn strip_signature(text: &str) -> &str {
    let signed = text.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----\n");
    let inside = signed.and_then(|rest| {
        let (_, rest) = rest.split_once("\n\n")?;
        Some(rest.split_once("\n-----BEGIN PGP SIGNATURE-----")?.0)
    });
    inside.unwrap_or(text)
}

/// What vouches for the other files. It has no field for architectures: in a flat directory nobody looks for
/// them there.
fn format_release(name: &str, time: i64, lists: &[PackedList]) -> Result<String, Error> {
    let mut text = String::new();
    for field in ["Origin", "Label", "Suite", "Codename"] {
        write_field(&mut text, field, if matches!(field, "Origin" | "Label") { ORIGIN } else { name })?;
    }
    write_field(&mut text, "Date", &Timestamp { seconds: time, offset: 0 }.to_rfc5322())?;
    write_field(&mut text, "Acquire-By-Hash", "yes")?;
    let sums: String =
        lists.iter().map(|list| format!("\n {} {} {}", list.sha256, list.bytes.len(), list.name)).collect();
    write_field(&mut text, "SHA256", &sums)?;
    Ok(text)
}
