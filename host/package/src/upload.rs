//! What goes with source and binary packages into an archive: `.buildinfo`, which says of what and how they
//! were built, and `.changes`, which lists everything. See deb-buildinfo(5) and deb-changes(5).

use std::collections::BTreeSet;

use opkg_interface::artefacts::{BinaryPackage, Container, Output, QuiltSource, SourcePackage};

use crate::checksums::{self, Checksums};
use crate::deb_changelog::{self, ChangelogEntry};
use crate::deb822::{self, find_field, write_field};
use crate::error::Error;
use crate::output_tree::OutputTree;
use crate::permissions::file_mode;
use crate::sign::Signer;
use crate::source::OpkgSource;

/// How much of a summary the list of packages has, in characters.
const MAX_SUMMARY_CHARS: usize = 65;

/// Writes both files into `tree`, beside what they list: the source package's files, named by `sources`, and
/// all binary packages; signed, if there is a signer. Returns the names; none for formats that have no such files.
pub(crate) fn write_upload_files(
    output: &Output,
    sources: &[&str],
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<String>, Error> {
    let SourcePackage::Quilt(quilt) = &output.source else { return Ok(Vec::new()) };
    if !output.packages.iter().all(|package| matches!(package.container, Container::Deb(_))) {
        return Ok(Vec::new());
    }
    let upload = Upload::new(output, quilt)?;
    let sources = sources.iter().map(|name| list_file(tree, name, &upload.section, &upload.priority));
    let mut files = sources.collect::<Result<Vec<_>, _>>()?;
    for package in &output.packages {
        let priority = package.fields.iter().find(|field| field.name.eq_ignore_ascii_case("Priority"));
        let priority = priority.map_or(upload.priority.as_str(), |field| field.value.as_str());
        let section = if package.section.is_empty() { upload.section.as_str() } else { &package.section };
        files.push(list_file(tree, &package.file_name, section, priority)?);
    }

    let version = quilt.version.split_once(':').map_or(quilt.version.as_str(), |(_, rest)| rest);
    let stem = format!("{}_{version}_{}", quilt.name, upload.build_arch());
    let (record, changes) = (format!("{stem}.buildinfo"), format!("{stem}.changes"));
    let write = |name: &str, text: String| {
        let text = match signer {
            Some(signer) => signer.sign_cleartext(&text, source.timestamp())?,
            None => text,
        };
        tree.write(name, text.as_bytes(), file_mode(false))
    };
    write(&record, upload.format_buildinfo(&files, source.timestamp())?)?;
    files.push(list_file(tree, &record, &upload.section, &upload.priority)?);
    write(&changes, upload.format_changes(&files)?)?;
    Ok(vec![record, changes])
}

/// A file that is listed.
struct ListedFile {
    name: String,
    section: String,
    priority: String,
    sums: Checksums,
}

fn list_file(tree: &OutputTree<'_>, name: &str, section: &str, priority: &str) -> Result<ListedFile, Error> {
    let sums = Checksums::compute(fs_err::File::open(tree.path(name))?)?;
    Ok(ListedFile { name: name.to_owned(), section: section.to_owned(), priority: priority.to_owned(), sums })
}

/// What both files say.
struct Upload<'a> {
    quilt: &'a QuiltSource,
    packages: &'a [BinaryPackage],
    changelog: ChangelogEntry,
    /// Of the source package.
    section: String,
    priority: String,
    /// Fields that the control file of the sources wants to have here.
    extra_fields: Vec<(String, String)>,
}

impl<'a> Upload<'a> {
    fn new(output: &'a Output, quilt: &'a QuiltSource) -> Result<Self, Error> {
        let text = |name: &str| {
            let path = format!("{}/debian/{name}", quilt.directory);
            let file = output.meta_files.iter().find(|file| file.path == path);
            file.map(|file| file.contents.as_str())
                .ok_or_else(|| Error::InvalidOutput(format!("there is no {path}")))
        };
        let change = deb_changelog::parse_newest_entry(text("changelog")?)
            .map_err(|error| Error::InvalidOutput(error.to_string()))?;
        if (&change.source, &change.version) != (&quilt.name, &quilt.version) {
            return Err(Error::InvalidOutput(format!(
                "the changelog is of {} {}, the source package is {} {}",
                change.source, change.version, quilt.name, quilt.version
            )));
        }
        let control = deb822::parse_paragraphs(text("control")?)
            .map_err(|error| Error::InvalidOutput(error.to_string()))?;
        let of_source = |name| {
            control.first().and_then(|paragraph| find_field(paragraph, name)).unwrap_or("-").to_owned()
        };
        let mut transferred: Vec<(String, String)> = Vec::new();
        for (name, value) in control.iter().flatten() {
            // `XBC-Name`: into binary packages and here. Of several, the last one counts.
            if let Some(name) = changes_field_name(name) {
                transferred.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                transferred.push((name, value.clone()));
            }
        }
        let (section, priority) = (of_source("Section"), of_source("Priority"));
        Ok(Self {
            quilt,
            packages: &output.packages,
            changelog: change,
            section,
            priority,
            extra_fields: transferred,
        })
    }

    /// The architecture that the packages were built for; those for every one do not count beside another.
    fn build_arch(&self) -> &str {
        let archs = || self.packages.iter().map(|package| package.arch.as_str());
        archs().find(|arch| *arch != "all").or_else(|| archs().next()).unwrap_or("source")
    }

    /// Names of the binary packages, sorted.
    fn binary_names(&self) -> String {
        let names: BTreeSet<&str> = self.packages.iter().map(|package| package.name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(" ")
    }

    fn format_architectures(&self) -> String {
        let archs: BTreeSet<&str> = self.packages.iter().map(|package| package.arch.as_str()).collect();
        ["source"].into_iter().chain(archs).collect::<Vec<_>>().join(" ")
    }

    /// `.buildinfo`. No package that may be installed had a part in the build, whose result depends on nothing
    /// else of the machine, so there is nothing to tell of either.
    fn format_buildinfo(&self, files: &[ListedFile], time: u64) -> Result<String, Error> {
        // The archives of the sources are in the list of their own control file.
        let files = || {
            let listed = files.iter().filter(|it| it.name.ends_with(".dsc") || it.name.ends_with(".deb"));
            listed.map(|it| (it.name.as_str(), &it.sums))
        };
        let mut text = String::new();
        write_field(&mut text, "Format", "1.0")?;
        write_field(&mut text, "Source", &self.quilt.name)?;
        write_field(&mut text, "Binary", &self.binary_names())?;
        write_field(&mut text, "Architecture", &self.format_architectures())?;
        write_field(&mut text, "Version", &self.quilt.version)?;
        write_field(&mut text, "Checksums-Md5", &checksums::format_checksum_list(files(), |it| &it.md5))?;
        write_field(&mut text, "Checksums-Sha1", &checksums::format_checksum_list(files(), |it| &it.sha1))?;
        write_field(
            &mut text,
            "Checksums-Sha256",
            &checksums::format_checksum_list(files(), |it| &it.sha256),
        )?;
        write_field(&mut text, "Build-Architecture", self.build_arch())?;
        write_field(&mut text, "Installed-Build-Depends", "")?;
        write_field(&mut text, "Environment", &format!("\n SOURCE_DATE_EPOCH=\"{time}\""))?;
        Ok(text)
    }

    /// `.changes`
    fn format_changes(&self, files: &[ListedFile]) -> Result<String, Error> {
        let sums = || files.iter().map(|it| (it.name.as_str(), &it.sums));
        let mut lines = files.iter().map(|it| {
            let ListedFile { name, section, priority, sums } = it;
            format!("\n {} {} {section} {priority} {name}", sums.md5, sums.size)
        });
        let list: String = lines.by_ref().collect();
        let maintainer = self.quilt.fields.iter().find(|it| it.name == "Maintainer");
        let change = &self.changelog;
        let mut text = String::new();
        write_field(&mut text, "Format", "1.8")?;
        write_field(&mut text, "Date", &change.date)?;
        write_field(&mut text, "Source", &self.quilt.name)?;
        write_field(&mut text, "Binary", &self.binary_names())?;
        write_field(&mut text, "Architecture", &self.format_architectures())?;
        write_field(&mut text, "Version", &self.quilt.version)?;
        write_field(&mut text, "Distribution", &change.distribution)?;
        if let Some(urgency) = &change.urgency {
            write_field(&mut text, "Urgency", urgency)?;
        }
        write_field(&mut text, "Maintainer", maintainer.map_or(&change.changed_by, |it| &it.value))?;
        write_field(&mut text, "Changed-By", &change.changed_by)?;
        write_field(&mut text, "Description", &self.format_descriptions())?;
        if !change.closes.is_empty() {
            let bugs: Vec<String> = change.closes.iter().map(u64::to_string).collect();
            write_field(&mut text, "Closes", &bugs.join(" "))?;
        }
        let lines = change.lines.iter().map(|line| if line.is_empty() { "." } else { line });
        write_field(&mut text, "Changes", &lines.map(|line| format!("\n {line}")).collect::<String>())?;
        write_field(&mut text, "Checksums-Sha1", &checksums::format_checksum_list(sums(), |it| &it.sha1))?;
        write_field(
            &mut text,
            "Checksums-Sha256",
            &checksums::format_checksum_list(sums(), |it| &it.sha256),
        )?;
        write_field(&mut text, "Files", &list)?;
        for (name, value) in &self.extra_fields {
            write_field(&mut text, name, value)?;
        }
        Ok(text)
    }

    fn format_descriptions(&self) -> String {
        let mut lines: Vec<String> = self
            .packages
            .iter()
            .map(|it| {
                let summary: String = it.summary.chars().take(MAX_SUMMARY_CHARS).collect();
                format!("\n {:<10} - {summary}", it.name)
            })
            .collect();
        lines.sort();
        lines.concat()
    }
}

/// The name that a field of the sources' control file has in `.changes`, if it belongs there: deb-src-control(5),
/// user-defined fields.
fn changes_field_name(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_once('-')?;
    let letters = prefix.strip_prefix(['X', 'x'])?;
    let belongs = letters.contains(['C', 'c']) && letters.chars().all(|it| "SBCsbc".contains(it));
    let words = rest.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    belongs.then(|| words.collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_say_where_they_go() {
        for (name, expected) in [
            ("XBCS-Opkg-conflicts", Some("Opkg-Conflicts")),
            ("XC-a", Some("A")),
            ("XB-Opkg-Scriptlets", None),
            ("X-Command", None),
            ("XCD-a", None),
            ("Homepage", None),
        ] {
            assert_eq!(changes_field_name(name).as_deref(), expected, "{name}");
        }
    }
}
