//! Lays what is taken of a source into a directory, as it would lie in the OPKG.

mod findings;
mod hard_links;
mod link_targets;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::diagnostic::Diagnostic;
use opkg::limits::{MAX_DIRECTORY_ENTRIES, MAX_FILE_BYTES, MAX_TOTAL_BYTES};
use opkg::model::{NodeId, Payload, PayloadTake};
use opkg::{escape_for_display, is_unsafe_control};
use opkg_inspect::{ContentsEntry, ContentsError, ContentsSummary, FileKind};

use self::link_targets::{LinkTargets, PendingLink};
use crate::lock_file::set_mode;
use crate::placement::{Place, Placement};
use crate::source_entries::SourceReader;

/// What is wrong with what a source holds, or with what is wanted of it.
const CODE: &str = "payload-contents";
/// What is not taken over.
const LEFT_CODE: &str = "payload-left";

/// Paths that are compared with one that is not there.
const MAX_COMPARED_PATHS: usize = 10_000;

/// What may still be unpacked of one OPKG.
pub(crate) struct Room {
    bytes: u64,
    entries: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: MAX_TOTAL_BYTES, entries: MAX_DIRECTORY_ENTRIES }
    }
}

/// Lays what is taken of a payload into a directory that is empty. What is wrong is reported; returns whether nothing is.
///
/// # Errors
/// When the directory cannot be written to.
pub(crate) fn unpack(
    payload: &Payload,
    source: &mut SourceReader<'_>,
    directory: &Path,
    room: &mut Room,
    report: &mut dyn FnMut(Diagnostic, NodeId),
) -> io::Result<bool> {
    let has_owners = source.has_owners();
    let mut unpacking = Unpacking {
        payload,
        placement: Placement::new(payload),
        root: directory.join(payload.directory()),
        room,
        has_owners,
        taken: BTreeMap::new(),
        links: BTreeMap::new(),
        link_targets: LinkTargets::default(),
        pending: BTreeMap::new(),
        extracted: HashMap::new(),
        repeated: BTreeSet::new(),
        position: 0,
        paths: BTreeSet::new(),
        foreign: Vec::new(),
        refused: None,
        failed: None,
    };
    fs::create_dir_all(&unpacking.root)?;
    let summary = source.visit(&mut |entry, contents| unpacking.take_entry(entry, contents));
    let Some(summary) = unpacking.end_of_pass(summary, report)? else { return Ok(false) };
    let are_left = unpacking.follow_hard_links();
    if unpacking.report_refusal(report) {
        return Ok(false);
    }
    if are_left? {
        // What some lead to is not taken under its own name.
        let wanted = unpacking.missing_targets();
        unpacking.position = 0;
        let again = source.visit(&mut |entry, contents| unpacking.take_target(&wanted, entry, contents));
        if unpacking.end_of_pass(again, report)?.is_none() {
            return Ok(false);
        }
        unpacking.pending.retain(|_, link| !link.is_written);
    }
    for (place, target) in std::mem::take(&mut unpacking.links) {
        fs_err::os::unix::fs::symlink(target, unpacking.root.join(place))?;
    }
    unpacking.report_rest(&summary, report);
    Ok(unpacking.is_sound(report))
}

/// What stands at a path of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    Directory,
    /// A file or a link, with the path in the source of which it is.
    Other(String),
}

/// Why an entry is refused.
struct Refusal {
    message: String,
    help: &'static str,
    at: NodeId,
}

struct Unpacking<'a, 'b> {
    payload: &'a Payload,
    placement: Placement<'a>,
    /// Stands for the root.
    root: PathBuf,
    room: &'b mut Room,
    has_owners: bool,
    /// By paths relative to the root.
    taken: BTreeMap<String, Taken>,
    /// Symbolic links by their places. They are made at the end: nothing is written through one.
    links: BTreeMap<String, String>,
    link_targets: LinkTargets,
    /// By their places.
    pending: BTreeMap<String, PendingLink<'a>>,
    /// Files of the source that were written, with where.
    extracted: HashMap<String, String>,
    /// Paths that stand several times in the source, and are taken.
    repeated: BTreeSet<String>,
    /// The number of the entry that is read.
    position: usize,
    /// Some of the paths in the source, for whoever looks for another one.
    paths: BTreeSet<String>,
    /// Files that belong to somebody else in the source: where they go, and to whom.
    foreign: Vec<(String, String)>,
    refused: Option<Refusal>,
    /// What the system says against writing.
    failed: Option<io::Error>,
}

impl<'a> Unpacking<'a, '_> {
    /// One entry of the source.
    fn take_entry(&mut self, entry: &ContentsEntry, contents: &mut dyn Read) -> io::Result<()> {
        if self.paths.len() < MAX_COMPARED_PATHS {
            self.paths.extend(self.placement.stripped(&entry.path).map(str::to_owned));
        }
        self.position += 1;
        // Archivers write a file that they were given twice as a hard link to itself.
        let is_itself = entry.kind == FileKind::HardLink && entry.target.as_ref() == Some(&entry.path);
        if !is_itself {
            self.link_targets.note(entry, link_text(entry).ok());
            self.extracted.remove(&entry.path);
        }
        let places = self.placement.places(&entry.path);
        if places.is_empty() {
            return Ok(());
        }
        self.lay(entry, &places, contents).map_err(|error| self.stop(error))
    }

    /// Keeps the reason; whoever reads the source has only to stop.
    fn stop(&mut self, error: io::Error) -> io::Error {
        if self.refused.is_none() {
            self.failed = Some(error);
        }
        io::Error::other("stopped")
    }

    fn refuse(&mut self, at: NodeId, message: String, help: &'static str) -> io::Error {
        self.refused.get_or_insert(Refusal { message, help, at });
        io::Error::other("refused")
    }

    fn lay(
        &mut self,
        entry: &ContentsEntry,
        places: &[Place<'a>],
        contents: &mut dyn Read,
    ) -> io::Result<()> {
        let shown = escape_for_display(&entry.path);
        let at = places.first().map_or(self.payload.at, |place| place.take.at);
        if !entry.has_utf8_path {
            let message = format!("the name `{shown}` is not UTF-8");
            let help = "leave it with `<omit path=\"…\"/>`, or have it packed under another name";
            return Err(self.refuse(at, message, help));
        }
        let is_clean = |name: &str| !matches!(name, "" | "." | "..") && !name.chars().any(is_unsafe_control);
        if !entry.path.split('/').all(is_clean) {
            let message = format!("`{shown}` is no path that can be installed");
            return Err(self.refuse(at, message, "leave it with `<omit path=\"…\"/>`, if the rest is sound"));
        }
        if let Some(named) = places.iter().find(|place| place.is_named)
            && entry.kind == FileKind::Directory
        {
            let message = format!("`{shown}` is a directory");
            return Err(self.refuse(
                named.take.at,
                message,
                "write `/` behind the path, and behind that where it goes, for all that is in it",
            ));
        }
        if entry.kind == FileKind::Special {
            let message = format!("`{shown}` is a device, a pipe or a socket, which cannot be packaged");
            return Err(self.refuse(at, message, "leave it with `<omit path=\"…\"/>`"));
        }
        self.check_readable(entry, at)?;
        if self.has_owners && !matches!(entry.owner.as_str(), "root:root" | "root:" | ":" | "0:0") {
            self.foreign.extend(places.iter().map(|place| (place.path.clone(), entry.owner.clone())));
        }
        let mut is_written = false;
        for place in places {
            match entry.kind {
                // A pattern means files; directories with all that is in them have a `/` behind them.
                FileKind::Directory if place.is_whole => {}
                FileKind::Directory => self.make_directories(place.take, &place.path)?,
                FileKind::Link => {
                    self.claim(place, &entry.path)?;
                    match link_text(entry) {
                        Ok(target) => self.links.insert(place.path.clone(), target),
                        Err(message) => {
                            let help = "leave it with `<omit path=\"…\"/>`";
                            return Err(self.refuse(at, message, help));
                        }
                    };
                }
                FileKind::HardLink => {
                    let target = entry.target.clone().unwrap_or_default();
                    let is_there =
                        matches!(self.taken.get(&place.path), Some(Taken::Other(from)) if *from == target);
                    if target == entry.path && is_there {
                        continue;
                    }
                    self.claim(place, &entry.path)?;
                    let (mode, position) = (self.mode_of(entry, place.take)?, self.position);
                    let link =
                        PendingLink { target, place: place.clone(), mode, position, is_written: false };
                    // What stands in front of it is what it means, whatever takes its place later.
                    if !self.follow(&link)? {
                        self.pending.insert(place.path.clone(), link);
                    }
                }
                FileKind::File => {
                    self.claim(place, &entry.path)?;
                    let mode = self.mode_of(entry, place.take)?;
                    let to = self.root.join(&place.path);
                    if is_written {
                        self.copy(&entry.path, place, mode)?;
                    } else {
                        self.write(at, &shown, contents, &to, mode)?;
                        self.extracted.insert(entry.path.clone(), place.path.clone());
                        is_written = true;
                    }
                }
                FileKind::Special => {}
            }
        }
        Ok(())
    }

    /// Permissions that a file has in the directory. Whoever made it may read it.
    fn mode_of(&mut self, entry: &ContentsEntry, take: &PayloadTake) -> io::Result<u32> {
        if take.mode.is_none() && entry.mode & 0o6000 != 0 {
            let message =
                format!("`{}` sets the user or group that runs it", escape_for_display(&entry.path));
            let help = "give it a mode with `<take mode=\"0755\" …/>`, and the other bits with `<files>` if they are meant";
            return Err(self.refuse(take.at, message, help));
        }
        Ok(take.mode.unwrap_or(entry.mode) & 0o777 | 0o400)
    }

    /// Refuses a file whose contents the source does not have as they are.
    fn check_readable(&mut self, entry: &ContentsEntry, at: NodeId) -> io::Result<()> {
        let Some(reason) = entry.unreadable else { return Ok(()) };
        let message = format!("`{}` cannot be read: {reason}", escape_for_display(&entry.path));
        let help = "leave it with `<omit path=\"…\"/>`, or ask for an archive that has it as a plain file";
        Err(self.refuse(at, message, help))
    }

    /// Makes sure that nothing else is at a place, and that directories are above it. An entry that comes again, under the path
    /// `from`, takes the place of the earlier one, as when the archive is unpacked.
    fn claim(&mut self, place: &Place<'a>, from: &str) -> io::Result<()> {
        if let Some((directory, _)) = place.path.rsplit_once('/') {
            self.make_directories(place.take, directory)?;
        }
        let found = self.taken.get(&place.path);
        if matches!(found, Some(Taken::Other(earlier)) if earlier == from) {
            self.repeated.insert(from.to_owned());
            self.links.remove(&place.path);
            self.pending.remove(&place.path);
            match fs::remove_file(self.root.join(&place.path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        } else if place.path.is_empty() || found.is_some() {
            let message = format!(
                "two things of `{}` are to be installed as `/{}`",
                escape_for_display(self.payload.file_name()),
                escape_for_display(&place.path)
            );
            return Err(self.refuse(
                place.take.at,
                message,
                "give one of them another place, or leave it with `<omit path=\"…\"/>`",
            ));
        }
        self.take_room(place.take.at, 0)?;
        self.taken.insert(place.path.clone(), Taken::Other(from.to_owned()));
        Ok(())
    }

    fn make_directories(&mut self, take: &PayloadTake, path: &str) -> io::Result<()> {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        for directory in ends.map(|end| &path[..end]).filter(|directory| !directory.is_empty()) {
            match self.taken.get(directory) {
                Some(Taken::Directory) => {}
                Some(Taken::Other(_)) => {
                    let message = format!(
                        "`/{}` is to be installed below something that is no directory",
                        escape_for_display(path)
                    );
                    let help = "leave one of the two with `<omit path=\"…\"/>`";
                    return Err(self.refuse(take.at, message, help));
                }
                None => {
                    self.take_room(take.at, 0)?;
                    fs::create_dir(self.root.join(directory))?;
                    self.taken.insert(directory.to_owned(), Taken::Directory);
                }
            }
        }
        Ok(())
    }

    fn take_room(&mut self, at: NodeId, bytes: u64) -> io::Result<()> {
        let entries = self.room.entries.checked_sub(usize::from(bytes == 0));
        match (entries, self.room.bytes.checked_sub(bytes)) {
            (Some(entries), Some(bytes)) => {
                (self.room.entries, self.room.bytes) = (entries, bytes);
                Ok(())
            }
            _ => {
                let message = format!(
                    "more than {MAX_DIRECTORY_ENTRIES} files or {} GiB are taken of payloads",
                    MAX_TOTAL_BYTES >> 30
                );
                Err(self.refuse(at, message, "take less of them, with `<take path=\"…\"/>`"))
            }
        }
    }

    fn write(
        &mut self,
        at: NodeId,
        shown: &str,
        contents: &mut dyn Read,
        to: &Path,
        mode: u32,
    ) -> io::Result<()> {
        let mut file = fs::File::create_new(to)?;
        let limit = MAX_FILE_BYTES.min(self.room.bytes);
        let mut limited = contents.take(limit + 1);
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0;
        loop {
            // What the archive says against being read is not what the system says against writing.
            let count = limited.read(&mut buffer).map_err(|error| {
                self.refuse(
                    at,
                    format!("`{shown}` cannot be read: {error}"),
                    "fetch it again, or ask whoever made it",
                )
            })?;
            if count == 0 {
                break;
            }
            size += count as u64;
            io::Write::write_all(&mut file, &buffer[..count])?;
        }
        if size > MAX_FILE_BYTES {
            let message = format!("`{shown}` is larger than {} GiB", MAX_FILE_BYTES >> 30);
            return Err(self.refuse(at, message, "leave it with `<omit path=\"…\"/>`"));
        }
        self.take_room(at, size.max(1))?;
        set_mode(file.file(), mode)
    }

    /// Another copy of a file that was written.
    fn copy(&mut self, path: &str, place: &Place<'a>, mode: u32) -> io::Result<()> {
        let Some(from) = self.extracted.get(path).map(|from| self.root.join(from)) else { return Ok(()) };
        self.take_room(place.take.at, fs::metadata(&from)?.len().max(1))?;
        let to = self.root.join(&place.path);
        fs::copy(from, &to)?;
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(mode))
    }

    /// Says why an entry was refused; returns whether one was.
    fn report_refusal(&mut self, report: &mut dyn FnMut(Diagnostic, NodeId)) -> bool {
        let Some(Refusal { message, help, at }) = self.refused.take() else { return false };
        report(error(message).help(help), at);
        true
    }

    /// What became of reading the source; nothing where it was not read to its end, which is reported.
    fn end_of_pass(
        &mut self,
        end: Result<ContentsSummary, ContentsError>,
        report: &mut dyn FnMut(Diagnostic, NodeId),
    ) -> io::Result<Option<ContentsSummary>> {
        if self.report_refusal(report) {
            return Ok(None);
        }
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        match end {
            Ok(summary) => Ok(Some(summary)),
            Err(reason) => {
                let message = format!(
                    "`{}` cannot be read: {}",
                    escape_for_display(self.payload.file_name()),
                    escape_for_display(&reason.to_string())
                );
                let help = "is it what `from` says, or its name? If it is damaged, ask whoever made it";
                report(error(message).help(help), self.payload.at);
                Ok(None)
            }
        }
    }
}

/// What a symbolic link holds, or why it cannot be installed.
fn link_text(entry: &ContentsEntry) -> Result<String, String> {
    let shown = escape_for_display(&entry.path);
    match &entry.target {
        _ if !entry.has_utf8_target => Err(format!("the link `{shown}` holds a name that is not UTF-8")),
        Some(target) if !target.is_empty() && !target.chars().any(is_unsafe_control) => Ok(target.clone()),
        _ => Err(format!("the link `{shown}` leads to no path")),
    }
}

fn error(message: String) -> Diagnostic {
    Diagnostic::error(CODE, message)
}

fn warning(message: String) -> Diagnostic {
    Diagnostic::warning(CODE, message)
}

fn left_out(message: String) -> Diagnostic {
    Diagnostic::note(LEFT_CODE, message)
}
