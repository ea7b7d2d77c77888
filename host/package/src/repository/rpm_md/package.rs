//! One package in the three lists.

use std::collections::BTreeSet;

use super::super::index_files::IndexError;
use super::super::xml::XmlWriter;
use crate::rpm::reader::{ParsedHeader, RpmHeaders};
use crate::rpm::tag::{self, RelationTags};

/// Entries of a changelog that are listed, as everybody else's indices do.
const MAX_CHANGELOG_ENTRIES: usize = 10;

/// Bytes of a path, as the kernel limits them.
const MAX_PATH_BYTES: usize = 4096;

/// Bytes of all paths of a package. A header names each directory once, however many files are in it, so that a
/// small one could mean more than fits into memory.
const MAX_ALL_PATHS_BYTES: usize = 256 << 20;

/// Kinds of relations in their order, and what their elements are called.
const RELATION_ELEMENTS: [(&str, RelationTags); 8] = [
    ("rpm:provides", tag::PROVIDES),
    ("rpm:requires", tag::REQUIRES),
    ("rpm:conflicts", tag::CONFLICTS),
    ("rpm:obsoletes", tag::OBSOLETES),
    ("rpm:suggests", tag::SUGGESTS),
    ("rpm:enhances", tag::ENHANCES),
    ("rpm:recommends", tag::RECOMMENDS),
    ("rpm:supplements", tag::SUPPLEMENTS),
];

/// What the lists say of a package.
pub(super) struct PackageMetadata<'a> {
    rpm: &'a RpmHeaders,
    file_name: &'a str,
    size: u64,
    sha256: String,
    name: &'a str,
    epoch: String,
    version: &'a str,
    release: &'a str,
    arch: &'a str,
    files: Vec<FileEntry>,
    relations: Vec<(&'static str, Vec<RelationEntry<'a>>)>,
}

struct FileEntry {
    path: String,
    /// `dir`, `ghost`, or nothing of a common one.
    kind: Option<&'static str>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RelationEntry<'a> {
    name: &'a str,
    version: &'a str,
    comparison: Option<&'static str>,
    /// Needed before the package is unpacked.
    is_pre: bool,
}

impl<'a> PackageMetadata<'a> {
    /// Takes it out of the headers of the file of that name.
    ///
    /// # Errors
    /// When the headers are damaged, or name nothing that can be installed.
    pub(super) fn new(
        rpm: &'a RpmHeaders,
        file_name: &'a str,
        size: u64,
        sha256: String,
    ) -> Result<Self, IndexError> {
        let header = &rpm.header;
        let word = |what: &str, tag: u32| match header.text(tag) {
            Some(word)
                if !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control()) =>
            {
                Ok(word)
            }
            other => Err(IndexError::from(format!("its {what} is {:?}", other.unwrap_or_default()))),
        };
        let arch = if rpm.is_source { "src" } else { word("architecture", tag::ARCH)? };
        let files = read_files(header)?;
        let mut relations = Vec::new();
        for (name, tags) in RELATION_ELEMENTS {
            relations.push((name, read_relations(header, tags)?));
        }
        let mut package = Self {
            rpm,
            file_name,
            size,
            sha256,
            name: word("name", tag::NAME)?,
            epoch: header.number(tag::EPOCH).unwrap_or(0).to_string(),
            version: word("version", tag::VERSION)?,
            release: word("release", tag::RELEASE)?,
            arch,
            files,
            relations,
        };
        package.drop_self_satisfied_requires();
        Ok(package)
    }

    /// `name-epoch:version-release.arch`
    pub(super) fn identity(&self) -> String {
        format!("{}-{}:{}-{}.{}", self.name, self.epoch, self.version, self.release, self.arch)
    }

    /// Seconds since 1970 of its being built.
    pub(super) fn time(&self) -> u64 {
        self.rpm.header.number(tag::BUILD_TIME).unwrap_or(0)
    }

    /// Everything that is needed to choose packages.
    pub(super) fn write_primary(&self, xml: &mut XmlWriter) {
        let header = &self.rpm.header;
        let text = |tag: u32| header.text(tag).unwrap_or_default();
        let number = |it: Option<u64>| it.unwrap_or(0).to_string();
        xml.start_element("package", &[("type", "rpm")]);
        xml.text_element("name", &[], self.name);
        xml.text_element("arch", &[], self.arch);
        self.write_version(xml);
        xml.text_element("checksum", &[("type", "sha256"), ("pkgid", "YES")], &self.sha256);
        xml.text_element("summary", &[], text(tag::SUMMARY));
        xml.text_element("description", &[], text(tag::DESCRIPTION));
        xml.text_element("packager", &[], text(tag::PACKAGER));
        xml.text_element("url", &[], text(tag::URL));
        // That of the file would be another after each copying.
        let time = self.time().to_string();
        xml.empty_element("time", &[("file", &time), ("build", &time)]);
        let installed = number(header.number(tag::LONG_SIZE).or(header.number(tag::SIZE)));
        let signature = &self.rpm.signature;
        let archive = signature
            .number(tag::SIGNATURE_LONG_PAYLOAD_SIZE)
            .or(signature.number(tag::SIGNATURE_PAYLOAD_SIZE))
            .or(header.number(tag::PAYLOAD_SIZE_ALTERNATIVE));
        xml.empty_element(
            "size",
            &[("package", &self.size.to_string()), ("installed", &installed), ("archive", &number(archive))],
        );
        xml.empty_element("location", &[("href", self.file_name)]);
        xml.start_element("format", &[]);
        for (name, tag) in [
            ("rpm:license", tag::LICENSE),
            ("rpm:vendor", tag::VENDOR),
            ("rpm:group", tag::GROUP),
            ("rpm:buildhost", tag::BUILD_HOST),
            ("rpm:sourcerpm", tag::SOURCE_RPM),
        ] {
            xml.text_element(name, &[], text(tag));
        }
        let place = &self.rpm.header_range;
        let (start, end) = (place.start.to_string(), place.end.to_string());
        xml.empty_element("rpm:header-range", &[("start", &start), ("end", &end)]);
        for (name, relations) in self.relations.iter().filter(|(_, list)| !list.is_empty()) {
            xml.start_element(name, &[]);
            relations.iter().for_each(|relation| relation.write(xml));
            xml.end_element();
        }
        self.files.iter().filter(|it| is_primary_file(&it.path)).for_each(|file| file.write(xml));
        xml.end_element();
        xml.end_element();
    }

    /// All files.
    pub(super) fn write_filelists(&self, xml: &mut XmlWriter) {
        self.start_package(xml);
        self.files.iter().for_each(|file| file.write(xml));
        xml.end_element();
    }

    /// The newest entries of the changelog, of these the oldest first.
    pub(super) fn write_other(&self, xml: &mut XmlWriter) {
        self.start_package(xml);
        let header = &self.rpm.header;
        let names = header.texts(tag::CHANGELOG_NAMES);
        let times = header.numbers(tag::CHANGELOG_TIMES);
        let texts = header.texts(tag::CHANGELOG_TEXTS);
        let entries: Vec<_> = names.iter().zip(times).zip(texts).take(MAX_CHANGELOG_ENTRIES).collect();
        // Readers sort by time: of two entries of the same, the newer one gets a later time.
        let mut last = None;
        for ((name, time), text) in entries.into_iter().rev() {
            let time = last.map_or(*time, |last: u64| if *time == last { last + 1 } else { *time });
            last = Some(time);
            xml.text_element("changelog", &[("author", name), ("date", &time.to_string())], text);
        }
        xml.end_element();
    }

    fn start_package(&self, xml: &mut XmlWriter) {
        xml.start_element("package", &[("pkgid", &self.sha256), ("name", self.name), ("arch", self.arch)]);
        self.write_version(xml);
    }

    fn write_version(&self, xml: &mut XmlWriter) {
        xml.empty_element("version", &[("epoch", &self.epoch), ("ver", self.version), ("rel", self.release)]);
    }

    /// Requirements that the package meets itself, and those of the program that reads it, are nothing to choose
    /// packages by.
    fn drop_self_satisfied_requires(&mut self) {
        let own: BTreeSet<(&str, &str, Option<&str>)> = self
            .relations
            .iter()
            .filter(|(name, _)| *name == "rpm:provides")
            .flat_map(|(_, list)| {
                list.iter().map(|relation| (relation.name, relation.version, relation.comparison))
            })
            .collect();
        let files: BTreeSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        for (name, list) in &mut self.relations {
            if *name == "rpm:requires" {
                let mut seen = BTreeSet::new();
                list.retain(|relation| {
                    let RelationEntry { name, version, comparison, is_pre } = *relation;
                    let is_satisfied = name.starts_with("rpmlib(")
                        || own.contains(&(name, version, comparison))
                        || is_primary_file(name) && files.contains(name);
                    !is_satisfied && seen.insert((name, version, comparison, is_pre))
                });
            }
        }
    }
}

impl FileEntry {
    fn write(&self, xml: &mut XmlWriter) {
        match self.kind {
            Some(kind) => xml.text_element("file", &[("type", kind)], &self.path),
            None => xml.text_element("file", &[], &self.path),
        }
    }
}

impl RelationEntry<'_> {
    fn write(&self, xml: &mut XmlWriter) {
        let mut attributes = vec![("name", self.name)];
        if let Some(comparison) = self.comparison {
            let (epoch, rest) = self.version.split_once(':').unwrap_or(("0", self.version));
            attributes.extend([("flags", comparison), ("epoch", epoch)]);
            match rest.split_once('-') {
                Some((version, release)) => attributes.extend([("ver", version), ("rel", release)]),
                None => attributes.push(("ver", rest)),
            }
        }
        if self.is_pre {
            attributes.push(("pre", "1"));
        }
        xml.empty_element("rpm:entry", &attributes);
    }
}

/// Whether a file is among those that everybody looks for packages by.
fn is_primary_file(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

fn read_relations(header: &ParsedHeader, tags: RelationTags) -> Result<Vec<RelationEntry<'_>>, IndexError> {
    let names = header.texts(tags.names);
    let (versions, flags) = (header.texts(tags.versions), header.numbers(tags.flags));
    if names.len() != versions.len() || names.len() != flags.len() {
        return Err(
            format!("damaged: the relations of tag {} have parts of different lengths", tags.names).into()
        );
    }
    Ok(names
        .iter()
        .zip(versions)
        .zip(flags)
        .map(|((name, version), flags)| RelationEntry {
            name,
            version,
            comparison: comparison_name(*flags),
            is_pre: tags.names == tag::REQUIRES.names && flags & u64::from(tag::PRE_REQUIRES) != 0,
        })
        .collect())
}

fn comparison_name(flags: u64) -> Option<&'static str> {
    let has = |flag: u32| flags & u64::from(flag) != 0;
    Some(match (has(tag::LESS), has(tag::GREATER), has(tag::EQUAL)) {
        (true, false, false) => "LT",
        (true, false, true) => "LE",
        (false, true, false) => "GT",
        (false, true, true) => "GE",
        (false, false, true) => "EQ",
        _ => return None,
    })
}

fn read_files(header: &ParsedHeader) -> Result<Vec<FileEntry>, IndexError> {
    let bases = header.texts(tag::BASE_NAMES);
    let directories = header.texts(tag::DIRECTORY_NAMES);
    let indexes = header.numbers(tag::DIRECTORY_INDEXES);
    let (modes, flags) = (header.numbers(tag::FILE_MODES), header.numbers(tag::FILE_FLAGS));
    if [indexes.len(), modes.len(), flags.len()].iter().any(|it| *it != bases.len()) {
        return Err("damaged: its lists of files are of different lengths".into());
    }
    let mut room = MAX_ALL_PATHS_BYTES;
    let mut files = Vec::new();
    for (at, base) in bases.iter().enumerate() {
        let directory = usize::try_from(indexes[at]).ok().and_then(|it| directories.get(it));
        let directory = directory.ok_or("damaged: a file is in a directory that is not named")?;
        let length = directory.len() + base.len();
        if length > MAX_PATH_BYTES {
            return Err(format!("damaged: a path of {length} bytes").into());
        }
        room = room.checked_sub(length).ok_or("damaged: more files than there can be")?;
        let kind = match (modes[at] & 0o170_000 == 0o040_000, flags[at] & u64::from(tag::FILE_GHOST) != 0) {
            (true, _) => Some("dir"),
            (false, true) => Some("ghost"),
            (false, false) => None,
        };
        files.push(FileEntry { path: format!("{directory}{base}"), kind });
    }
    Ok(files)
}
