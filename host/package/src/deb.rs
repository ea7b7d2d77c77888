//! Binary packages of format 2.0, as deb(5) describes them: an `ar` of a version, an archive of control
//! files and an archive of contents.

use std::fmt::Write as _;
use std::io;
use std::ops::Range;
use std::path::Path;

use md5::{Digest, Md5};
use opkg_interface::artefacts::{
    BinaryPackage, Bound, Comparison, Compression, FileMarks, NativeKind, NativeRelation, ScriptTime,
    Scriptlet,
};

use crate::Error;
use crate::archives::{MAX_MEMBER_BYTES, format_ar_header};
use crate::checksums::DigestReader;
use crate::compress::{CompressingWriter, CompressionEffort};
use crate::deb822::write_field;
use crate::entries::{self, EntryContent, PackageEntry};
use crate::source::{OpkgSource, into_error};
use crate::spool::{Piece, PiecedFile, Spool};
use crate::tar_writer::{Attributes, TarWriter};
use opkg::digest::hex;

/// The usual order of fields; what is not named here comes last.
const FIELD_ORDER: [&str; 21] = [
    "Package",
    "Source",
    "Version",
    "Architecture",
    "Essential",
    "Maintainer",
    "Installed-Size",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Enhances",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Provides",
    "Section",
    "Priority",
    "Multi-Arch",
    "Homepage",
    "Description",
];

/// Where in that order those are that hold relations.
const RELATION_FIELDS: Range<usize> = 7..16;

/// Makes one package; what does not stay in memory lies in `directory` meanwhile.
pub(crate) fn build_deb(
    package: &BinaryPackage,
    compression: Compression,
    effort: CompressionEffort,
    source: OpkgSource<'_>,
    directory: &Path,
) -> Result<PiecedFile, Error> {
    let items = entries::collect_entries(package, source)?;
    let packed = || CompressingWriter::new(Spool::new(directory), compression, effort);
    let mut contents = TarWriter::new(packed(), source.timestamp());
    contents.append_directory(".", 0o755)?;
    let mut sums = String::new();
    for item in &items {
        append_item(&mut contents, item, &mut sums)?;
    }
    let contents = contents.finish()?.finish()?;
    let control = build_control_archive(package, &items, sums, TarWriter::new(packed(), source.timestamp()))?;
    let suffix = match compression {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Xz => ".xz",
        Compression::Zstd => ".zst",
    };
    let mut file = PiecedFile::from(b"!<arch>\n".to_vec());
    let mut version = Spool::new(directory);
    io::Write::write_all(&mut version, b"2.0\n")?;
    for (name, member) in [
        ("debian-binary".to_owned(), version),
        (format!("control.tar{suffix}"), control.finish()?.finish()?),
        (format!("data.tar{suffix}"), contents),
    ] {
        let size = member.size();
        let header = format_ar_header(&name, size, source.timestamp(), 0o644);
        let too_large = || Error::TooLarge { file: package.file_name.clone(), most: MAX_MEMBER_BYTES };
        file.push(Piece::Bytes(header.ok_or_else(too_large)?.into_bytes()));
        file.push(Piece::Spool(member));
        if size % 2 == 1 {
            file.push(Piece::Bytes(b"\n".to_vec()));
        }
    }
    Ok(file)
}

/// Puts something into the archive of contents, and the checksum of a file into the list of these.
fn append_item<W: io::Write>(
    contents: &mut TarWriter<W>,
    item: &PackageEntry<'_>,
    sums: &mut String,
) -> Result<(), Error> {
    let path = format!(".{}", item.path);
    let attributes = Attributes { mode: item.mode, owner: &item.owner, group: &item.group };
    let content = match &item.content {
        EntryContent::File(content) => content,
        EntryContent::Directory => return Ok(contents.append_directory(&path, attributes)?),
        EntryContent::Symlink(to) => {
            return Ok(contents.append_symlink(&path, to, Attributes { mode: 0o777, ..attributes })?);
        }
    };
    let mut reader = DigestReader::<_, Md5>::new(content.open()?);
    contents.append_file(&path, attributes, content.size(), &mut reader).map_err(into_error)?;
    let (_, digest) = reader.finish().map_err(into_error)?;
    // Writing to a string cannot fail.
    let _ = writeln!(sums, "{}  {}", hex(&digest.finalize()), item.path.trim_start_matches('/'));
    Ok(())
}

/// Everything but the contents: `control`, `md5sums`, and what there is of `conffiles`, `triggers` and scripts.
fn build_control_archive<W: io::Write>(
    package: &BinaryPackage,
    items: &[PackageEntry<'_>],
    sums: String,
    mut tar: TarWriter<W>,
) -> Result<TarWriter<W>, Error> {
    let mut files = vec![("md5sums", 0o644, sums)];
    let conffiles: String = items
        .iter()
        .filter(|it| {
            it.marks.contains(FileMarks::CONFIGURATION) && matches!(it.content, EntryContent::File(_))
        })
        .map(|it| format!("{}\n", it.path))
        .collect();
    if !conffiles.is_empty() {
        files.push(("conffiles", 0o644, conffiles));
    }
    if let Some(trigger) = package.file_triggers.first() {
        return Err(Error::InvalidOutput(format!("a file trigger in a deb, for {:?}", trigger.prefixes)));
    }
    if !package.interests.is_empty() {
        files.push(("triggers", 0o644, format_triggers(&package.interests)?));
    }
    for scriptlet in &package.scriptlets {
        let Some(name) = script_name(scriptlet.time) else {
            return Err(Error::InvalidOutput(format!("a script of a deb for {:?}", scriptlet.time)));
        };
        files.push((name, 0o755, format_script(scriptlet)?));
    }
    // The tools that usually write this field count the control files as well, without `control` itself.
    let kibibytes = |bytes: usize| (bytes as u64).div_ceil(1024);
    let of_control = 1 + files.iter().map(|(_, _, text)| kibibytes(text.len())).sum::<u64>();
    let installed = of_control + installed_kibibytes(items);
    files.push(("control", 0o644, format_control(package, installed)?));
    files.sort_by_key(|(name, ..)| *name);

    for (name, mode, text) in files {
        tar.append_file(&format!("./{name}"), mode, text.len() as u64, &mut text.as_bytes())?;
    }
    Ok(tar)
}

/// What is installed, with all directories that it lies in: contents rounded up, one for what has none.
fn installed_kibibytes(items: &[PackageEntry<'_>]) -> u64 {
    let mut directories = std::collections::BTreeSet::from([""]);
    let mut size = 0;
    for item in items {
        directories.extend(item.path.match_indices('/').map(|(end, _)| &item.path[..end]));
        match &item.content {
            EntryContent::File(content) => size += content.size().div_ceil(1024),
            EntryContent::Symlink(to) => size += (to.len() as u64).div_ceil(1024),
            EntryContent::Directory => {
                directories.insert(&item.path);
            }
        }
    }
    size + directories.len() as u64
}

/// As deb-triggers(5) has it. Nobody waits for the script that they call: what changes the files does not depend on it.
fn format_triggers(interests: &[String]) -> Result<String, Error> {
    let mut text = String::new();
    for path in interests {
        let is_sound =
            path.starts_with('/') && !path.ends_with('/') && path.chars().all(|c| c.is_ascii_graphic());
        if !is_sound {
            return Err(Error::InvalidOutput(format!("an interest in {path:?}")));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "interest-noawait {path}");
    }
    Ok(text)
}

fn format_control(package: &BinaryPackage, installed: u64) -> Result<String, Error> {
    let refuse = |what: &str, value: &str| {
        Err(Error::InvalidOutput(format!("{}: {value:?} as {what}", package.file_name)))
    };
    if !is_name(&package.name) {
        return refuse("name of the package", &package.name);
    }
    let version = format_version(package);
    if !is_version(&version) || package.version.contains(':') || package.release.contains(['-', ':']) {
        return refuse("version", &version);
    }
    if !is_arch(&package.arch) {
        return refuse("architecture", &package.arch);
    }
    for (what, value) in [("summary", &package.summary), ("maintainer", &package.maintainer)] {
        if value.trim().is_empty() {
            return refuse(what, value);
        }
    }
    if let Some(line) = package.description.lines().find(|line| line.starts_with('.')) {
        return refuse("a line of the description, which reserves the full stop", line);
    }
    let mut fields = vec![
        ("Package", package.name.clone()),
        ("Version", version),
        ("Architecture", package.arch.clone()),
        ("Maintainer", package.maintainer.clone()),
        ("Installed-Size", installed.to_string()),
        ("Section", package.section.clone()),
        ("Homepage", package.url.clone().unwrap_or_default()),
        ("Description", format_description(package)),
    ];
    if let Some(other) = package.relations.iter().find(|it| relation_field(it.kind).is_none()) {
        return refuse("a relation that Debian does not have, to", &other.name);
    }
    for name in FIELD_ORDER[RELATION_FIELDS].iter().copied() {
        let of_this_field = package.relations.iter().filter(|it| relation_field(it.kind) == Some(name));
        let list = of_this_field.map(format_relation).collect::<Result<Vec<_>, _>>()?;
        fields.push((name, list.join(", ")));
    }
    fields.retain(|(_, value)| !value.is_empty());
    for field in &package.fields {
        if field.value.trim().is_empty() {
            return refuse(&format!("the field `{}`", field.name), &field.value);
        }
        if fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(&field.name)) {
            return refuse(&format!("a second field `{}`", field.name), &field.value);
        }
        fields.push((&field.name, field.value.clone()));
    }
    let place = |name: &str| FIELD_ORDER.iter().position(|it| it.eq_ignore_ascii_case(name));
    fields.sort_by_key(|(name, _)| place(name).unwrap_or(FIELD_ORDER.len()));
    let mut text = String::new();
    for (name, value) in fields {
        write_field(&mut text, name, &value)?;
    }
    Ok(text)
}

/// The summary, then the long text: each line after a blank, an empty one as a full stop.
fn format_description(package: &BinaryPackage) -> String {
    let mut text = package.summary.clone();
    for line in package.description.lines() {
        text.push_str("\n ");
        text.push_str(if line.is_empty() { "." } else { line });
    }
    text
}

/// `[epoch:]version[-release]`
fn format_version(package: &BinaryPackage) -> String {
    let mut text = if package.epoch > 0 { format!("{}:", package.epoch) } else { String::new() };
    text.push_str(&package.version);
    if !package.release.is_empty() {
        text.push('-');
        text.push_str(&package.release);
    }
    text
}

/// What is needed before the package is unpacked has a field of its own; a package with all other scripts
/// is configured after those that it depends on, and removed before them. Nothing where Debian has no such relation.
fn relation_field(kind: NativeKind) -> Option<&'static str> {
    Some(match kind {
        NativeKind::PreRequires(ScriptTime::PreInstall) => "Pre-Depends",
        NativeKind::PreRequires(_) | NativeKind::Requires => "Depends",
        NativeKind::Recommends => "Recommends",
        NativeKind::Suggests => "Suggests",
        NativeKind::Enhances => "Enhances",
        NativeKind::Conflicts => "Conflicts",
        NativeKind::Breaks => "Breaks",
        NativeKind::Obsoletes => "Replaces",
        NativeKind::Provides => "Provides",
        NativeKind::Supplements => return None,
    })
}

/// Alternatives with `|` between them.
fn format_relation(relation: &NativeRelation) -> Result<String, Error> {
    if !relation.alternatives.is_empty() && !relation.kind.has_alternatives() {
        return Err(Error::InvalidOutput(format!("alternatives to {:?}", relation.name)));
    }
    if relation.condition.is_some() {
        return Err(Error::InvalidOutput(format!(
            "a condition, which Debian does not have, of {:?}",
            relation.name
        )));
    }
    let each = relation.packages().map(|(name, bound)| format_package(name, bound));
    Ok(each.collect::<Result<Vec<_>, _>>()?.join(" | "))
}

fn format_package(name: &str, bound: Option<&Bound>) -> Result<String, Error> {
    let (plain, arch) = name.split_once(':').map_or((name, None), |(name, arch)| (name, Some(arch)));
    let version_is_sound = bound.is_none_or(|it| is_version(&it.version));
    if !is_name(plain) || !arch.is_none_or(is_arch) || !version_is_sound {
        return Err(Error::InvalidOutput(format!("a relation to {name:?} {bound:?}")));
    }
    Ok(match bound {
        None => name.to_owned(),
        Some(bound) => format!("{name} ({} {})", comparison_operator(bound.comparison), bound.version),
    })
}

/// As deb-version(7) and deb-control(5) call them.
fn comparison_operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => "<<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">>",
    }
}

/// What dpkg runs; nothing at the end of a transaction, which it does not know. Triggers call the script after the
/// installation.
fn script_name(time: ScriptTime) -> Option<&'static str> {
    Some(match time {
        ScriptTime::PreInstall => "preinst",
        ScriptTime::PostInstall => "postinst",
        ScriptTime::PreUninstall => "prerm",
        ScriptTime::PostUninstall => "postrm",
        ScriptTime::PreUpgrade
        | ScriptTime::PostUpgrade
        | ScriptTime::PreTransaction
        | ScriptTime::PostTransaction
        | ScriptTime::PreRemovalTransaction
        | ScriptTime::PostRemovalTransaction
        | ScriptTime::Triggered => return None,
    })
}

/// The kernel splits the first line into a program and at most one argument.
fn format_script(scriptlet: &Scriptlet) -> Result<String, Error> {
    let sound = |word: &String| !word.is_empty() && !word.contains(char::is_control);
    let program_is_sound =
        scriptlet.interpreter.first().is_some_and(|it| it.starts_with('/') && !it.contains(' '));
    let argument_is_sound = scriptlet.interpreter.get(1).is_none_or(|it| it.trim() == it);
    let all_sound = scriptlet.interpreter.iter().all(sound) && !scriptlet.body.contains('\0');
    if !program_is_sound || !argument_is_sound || !all_sound || scriptlet.interpreter.len() > 2 {
        return Err(Error::InvalidOutput(format!("a script for {:?}", scriptlet.interpreter)));
    }
    Ok(format!("#!{}\n{}", scriptlet.interpreter.join(" "), scriptlet.body))
}

fn is_name(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    text.len() > 1
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|it| plain(it) || b"+-.".contains(&it))
}

fn is_arch(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
}

/// As deb-version(7) has it: `[epoch:]upstream[-revision]`, upstream beginning with a digit.
fn is_version(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    let of = |part: &str, signs: &[u8]| {
        !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric() || signs.contains(&it))
    };
    let epoch_is_sound = epoch.bytes().all(|it| it.is_ascii_digit()) && epoch.parse::<i32>().is_ok();
    epoch_is_sound
        && upstream.starts_with(|first: char| first.is_ascii_digit())
        && of(upstream, b".+~-")
        && of(revision, b".+~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_stand_together() {
        assert_eq!(FIELD_ORDER[RELATION_FIELDS.start], "Pre-Depends");
        assert_eq!(FIELD_ORDER[RELATION_FIELDS.end - 1], "Provides");
    }
}
