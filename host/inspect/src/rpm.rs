//! Binary and source RPMs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, Read};

use opkg_package::rpm::reader::{self, ParsedHeader, ParsedValue};

use crate::archive::ArchiveFiles;
use crate::cpio::{self, ListedFile};
use crate::decompress::{self, lossy_text};
use crate::error::FormatError;
use crate::limits::Budget;
use crate::package::{FileEntry, FileKind, Package, PackageFormat};
use crate::rpm_tags::{self as tag, COMPARISON_OPERATORS, FILE_TRIGGERS, RELATIONS, SCRIPTLETS};
use opkg::digest::hex;

pub(crate) fn read(mut file: impl BufRead, budget: &Budget) -> Result<Package, FormatError> {
    let rpm = reader::read(&reader::read_headers(&mut file)?)?;
    let header = &rpm.header;
    let mut package = Package::new(if rpm.is_source { PackageFormat::SourceRpm } else { PackageFormat::Rpm });
    let arch = if rpm.is_source { Some("source") } else { header.text(tag::ARCH) };
    package.identity = header.text(tag::NAME).zip(arch).map(|(name, arch)| format!("{name} {arch}"));
    let alone = header.iter().filter(|(number, _)| tag::is_compared(*number));
    package.tags = alone.map(|(number, value)| (tag::tag_name(number), format_value(value))).collect();
    let signature = rpm.signature.iter();
    package
        .tags
        .extend(signature.map(|(number, value)| (tag::signature_tag_name(number), format_value(value))));
    read_relations(header, &mut package);
    read_scriptlets(header, &mut package);
    read_file_triggers(header, &mut package, budget)?;

    let listed = list_files(header, budget)?;
    let payload = read_payload(file, header, &listed, budget).map_err(|error| error.in_member("payload"))?;
    package.files = read_files(header, &listed, payload.as_ref(), budget)?;
    let kept = payload.map(|it| it.contents).unwrap_or_default();
    package.texts.extend(kept.into_iter().map(|(path, bytes)| (path, lossy_text(&bytes))));
    Ok(package)
}

fn format_value(value: &ParsedValue) -> String {
    match value {
        ParsedValue::Numbers(numbers) => numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
        ParsedValue::Text(text) => text.clone(),
        ParsedValue::Texts(texts) | ParsedValue::Localised(texts) => texts.join("\n"),
        ParsedValue::Binary(bytes) => hex(bytes),
    }
}

/// Names of the bits that are set, those without a name by their numbers.
fn flag_names(bits: u64, names: &[(u32, &str)]) -> Vec<String> {
    let set = (0..64).filter(|bit| bits >> bit & 1 == 1);
    set.map(|bit| {
        names.iter().find(|it| it.0 == bit).map_or_else(|| format!("bit {bit}"), |it| it.1.to_owned())
    })
    .collect()
}

fn read_relations(header: &ParsedHeader, package: &mut Package) {
    for kind in RELATIONS {
        let (versions, flags) = (header.texts(kind.versions), header.numbers(kind.flags));
        for (index, name) in header.texts(kind.names).iter().enumerate() {
            let flags = flags.get(index).copied().unwrap_or(0);
            let mut relation = name.clone();
            let sign = COMPARISON_OPERATORS[usize::from((flags >> 1) as u8 & 7)];
            if let Some(version) = versions.get(index).filter(|it| !it.is_empty() || !sign.is_empty()) {
                // Writing to a string cannot fail.
                let _ = write!(relation, " {sign} {version}");
            }
            let marks = flag_names(flags & !0xf, &tag::RELATION_FLAGS);
            if !marks.is_empty() {
                let _ = write!(relation, " ({})", marks.join(", "));
            }
            package.relations.insert((kind.kind.to_owned(), relation));
        }
    }
}

fn read_scriptlets(header: &ParsedHeader, package: &mut Package) {
    for (name, body, program) in SCRIPTLETS {
        let (body, program) = (header.text(body), header.texts(program));
        if body.is_some() || !program.is_empty() {
            let text = format!("#!{}\n{}", program.join(" "), body.unwrap_or_default());
            package.texts.insert(name.to_owned(), text);
        }
    }
    let (times, texts) = (header.numbers(tag::CHANGELOG_TIMES), header.texts(tag::CHANGELOG_TEXTS));
    let mut changelog = String::new();
    for (index, name) in header.texts(tag::CHANGELOG_NAMES).iter().enumerate() {
        let time = times.get(index).copied().unwrap_or(0);
        let text = texts.get(index).map_or("", String::as_str);
        let _ = writeln!(changelog, "* {time} {name}\n{text}\n");
    }
    if !changelog.is_empty() {
        package.texts.insert("changelog".into(), changelog);
    }
}

/// `transfiletriggerin /usr/share/x/`, and what it runs. Of two for the same, the second has its number as well.
fn read_file_triggers(
    header: &ParsedHeader,
    package: &mut Package,
    budget: &Budget,
) -> Result<(), FormatError> {
    for kind in FILE_TRIGGERS {
        let (programs, indexes) = (header.texts(kind.programs), header.numbers(kind.indexes));
        let flags = header.numbers(kind.flags);
        let mut names: Vec<String> = programs.iter().map(|_| String::new()).collect();
        for (position, prefix) in header.texts(kind.names).iter().enumerate() {
            let index = indexes.get(position).and_then(|index| usize::try_from(*index).ok());
            let Some(name) = index.and_then(|index| names.get_mut(index)) else {
                return Err(FormatError::corrupt(format!("{prefix:?} is of no trigger")));
            };
            if name.is_empty() {
                let flags = flags.get(position).copied().unwrap_or(0);
                let time = tag::TRIGGER_TIMES.iter().find(|(bit, _)| flags >> bit & 1 == 1);
                *name = format!("{}{}", kind.prefix, time.map_or("", |(_, time)| time));
            }
            budget.take_bytes(prefix.len())?;
            // Writing to a string cannot fail.
            let _ = write!(name, " {prefix}");
        }
        let bodies = header.texts(kind.bodies);
        for (index, (mut name, program)) in names.into_iter().zip(programs).enumerate() {
            let body = bodies.get(index).map_or("", String::as_str);
            if package.texts.contains_key(&name) {
                let _ = write!(name, " ({index})");
            }
            package.texts.insert(name, format!("#!{program}\n{body}"));
        }
    }
    Ok(())
}

/// What the payload holds, if its kind is known: otherwise the header's word has to be enough.
fn read_payload(
    stream: impl BufRead,
    header: &ParsedHeader,
    listed: &[ListedFile],
    budget: &Budget,
) -> Result<Option<ArchiveFiles>, FormatError> {
    let keeps = |path: &str| path.ends_with(".spec") && !path.contains('/');
    let Some(payload) = payload_reader(stream, header, budget)? else { return Ok(None) };
    cpio::read_cpio(payload, listed, keeps, budget).map(Some)
}

/// The payload, if its kind is known.
pub(crate) fn payload_reader<'a>(
    stream: impl BufRead + 'a,
    header: &ParsedHeader,
    budget: &'a Budget,
) -> Result<Option<Box<dyn Read + 'a>>, FormatError> {
    // Absent in old packages, which know nothing else, and where nothing is compressed.
    let compressor = header.text(tag::PAYLOAD_COMPRESSOR).unwrap_or("gzip");
    if !matches!(compressor, "gzip" | "xz" | "zstd" | "lzma" | "none" | "identity")
        || header.text(tag::PAYLOAD_FORMAT).unwrap_or("cpio") != "cpio"
    {
        return Ok(None);
    }
    Ok(Some(decompress::reader(stream, budget)?))
}

/// Which file of the header an entry of the payload is.
pub(crate) struct FileIdentity {
    /// Device and inode, which hard links share.
    pub(crate) inode: Option<(u64, u64)>,
    is_regular: bool,
    /// Whether the package knows it, and does not bring it.
    pub(crate) is_ghost: bool,
    pub(crate) size: u64,
}

/// Of the files that the header lists, in its order.
pub(crate) fn file_identities(header: &ParsedHeader) -> Vec<FileIdentity> {
    let (devices, inodes) = (header.numbers(tag::FILE_DEVICES), header.numbers(tag::FILE_INODES));
    let (flags, sizes) = (header.numbers(tag::FILE_FLAGS), file_sizes(header));
    let of = |(index, mode): (usize, &u64)| FileIdentity {
        inode: devices.get(index).copied().zip(inodes.get(index).copied()),
        is_regular: file_kind(*mode) == FileKind::File,
        is_ghost: flags.get(index).copied().unwrap_or(0) >> tag::FILE_GHOST_BIT & 1 == 1,
        size: sizes.get(index).copied().unwrap_or(0),
    };
    header.numbers(tag::FILE_MODES).iter().enumerate().map(of).collect()
}

/// Of several hard links the last one carries the contents: by inode, which one that is.
pub(crate) fn content_carriers(identities: &[FileIdentity]) -> BTreeMap<(u64, u64), usize> {
    let regular = identities.iter().enumerate().filter(|(_, file)| file.is_regular && !file.is_ghost);
    regular.filter_map(|(index, file)| Some((file.inode?, index))).collect()
}

/// The files that the header lists, in its order.
pub(crate) fn list_files(header: &ParsedHeader, budget: &Budget) -> Result<Vec<ListedFile>, FormatError> {
    let identities = file_identities(header);
    let carriers = content_carriers(&identities);
    let modes = header.numbers(tag::FILE_MODES);
    let listed = file_paths(header, budget)?.into_iter().enumerate().map(|(index, path)| {
        let identity = identities.get(index);
        let is_regular = identity.is_some_and(|file| file.is_regular);
        let is_link = modes.get(index).is_some_and(|mode| file_kind(*mode) == FileKind::Link);
        let carries =
            identity.and_then(|file| carriers.get(&file.inode?)).is_none_or(|carrier| *carrier == index);
        let size = identity.map_or(0, |file| file.size);
        let payload_size = if is_link || is_regular && carries { size } else { 0 };
        ListedFile { path, payload_size, is_regular }
    });
    Ok(listed.collect())
}

/// What a file is, by the upper bits of its mode.
pub(crate) fn file_kind(mode: u64) -> FileKind {
    match mode >> 12 {
        4 => FileKind::Directory,
        8 => FileKind::File,
        10 => FileKind::Link,
        _ => FileKind::Special,
    }
}

/// In 64 bits where one is larger than 4 GiB, and always in format 6.
fn file_sizes(header: &ParsedHeader) -> &[u64] {
    match header.numbers(tag::LONG_FILE_SIZES) {
        [] => header.numbers(tag::FILE_SIZES),
        long => long,
    }
}

fn read_files(
    header: &ParsedHeader,
    listed: &[ListedFile],
    payload: Option<&ArchiveFiles>,
    budget: &Budget,
) -> Result<BTreeMap<String, FileEntry>, FormatError> {
    let (modes, flags) = (header.numbers(tag::FILE_MODES), header.numbers(tag::FILE_FLAGS));
    let (users, groups) = (header.texts(tag::FILE_USERS), header.texts(tag::FILE_GROUPS));
    let sizes = file_sizes(header);
    let of = |texts: &[String], index: usize| texts.get(index).filter(|it| !it.is_empty()).cloned();
    let mut files = BTreeMap::new();
    for (index, ListedFile { path, .. }) in listed.iter().enumerate() {
        let mode = modes.get(index).copied().unwrap_or(0);
        let kind = file_kind(mode);
        let mut marks = flag_names(flags.get(index).copied().unwrap_or(0), &tag::FILE_FLAG_NAMES);
        let language = of(header.texts(tag::FILE_LANGUAGES), index);
        marks.extend(language.map(|it| format!("language {it}")));
        let capabilities = of(header.texts(tag::FILE_CAPABILITIES), index);
        marks.extend(capabilities.map(|it| format!("capabilities {it}")));
        let verify = header.numbers(tag::FILE_VERIFY_FLAGS).get(index).copied();
        marks.extend(verify.filter(|it| *it != 0xffff_ffff).map(|it| format!("verify {it:x}")));
        let size = sizes.get(index).copied().filter(|_| kind == FileKind::File);
        // Of several hard links only one carries the contents.
        let held = payload.and_then(|it| it.entries.get(path)).filter(|it| it.size == size);
        let (sha1, md5) = (held.and_then(|it| it.sha1.clone()), held.and_then(|it| it.md5.clone()));
        let digest =
            held.and_then(|it| it.digest.clone()).or_else(|| of(header.texts(tag::FILE_DIGESTS), index));
        let entry = FileEntry {
            kind,
            mode: (mode & 0o7777) as u32,
            owner: format!(
                "{}:{}",
                of(users, index).unwrap_or_default(),
                of(groups, index).unwrap_or_default()
            ),
            size,
            digest: digest.filter(|_| kind == FileKind::File),
            target: of(header.texts(tag::FILE_LINKS), index),
            flags: marks.join(", "),
            sha1,
            md5,
            time: header.numbers(tag::FILE_TIMES).get(index).copied(),
        };
        budget.take_bytes(entry.flags.len() + entry.owner.len())?;
        files.insert(path.clone(), entry);
    }
    Ok(files)
}

fn file_paths(header: &ParsedHeader, budget: &Budget) -> Result<Vec<String>, FormatError> {
    let directories = header.texts(tag::DIRECTORY_NAMES);
    let indexes = header.numbers(tag::DIRECTORY_INDEXES);
    let names = header.texts(tag::BASE_NAMES);
    if names.is_empty() {
        let whole = header.texts(tag::OLD_FILE_NAMES);
        whole.iter().try_for_each(|path| budget.take_file(path))?;
        return Ok(whole.to_vec());
    }
    let whole = |(index, name): (usize, &String)| {
        let directory = indexes.get(index).and_then(|number| directories.get(usize::try_from(*number).ok()?));
        let directory =
            directory.ok_or_else(|| FormatError::corrupt(format!("{name:?} is in no directory")))?;
        // Counted before they are joined: one long directory may have many files.
        budget.take_bytes(directory.len())?;
        budget.take_file(name)?;
        Ok(format!("{directory}{name}"))
    };
    names.iter().enumerate().map(whole).collect()
}
