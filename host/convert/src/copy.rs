//! The files of the old OPKG: copied as they are, scripts under their new names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use opkg::limits;
use opkg::rules::is_vcs_or_editor_file;
use rustix::fs::OFlags;

use crate::Error;
use crate::report::{Report, ReportLocation};
use crate::scripts;

/// What a file's mode may be; what runs as somebody else is not carried over.
const MODE_MASK: u32 = 0o777;

/// Copies everything but `config.xml` and what version control and editors left.
pub(crate) fn copy_files(source: &Path, target: &Path, report: &mut Report) -> Result<(), Error> {
    let renamed = scripts::plan_renames(&script_names(source)?, report);
    let mut copy =
        FileCopier { source, target, renames: renamed, report, entry_count: 0, byte_count: 0, file_count: 0 };
    copy.copy_directory(Path::new(""), 0)?;
    match copy.file_count {
        0 => {}
        1 => report.add_converted(ReportLocation::Package, "1 file, with its mode"),
        many => report.add_converted(ReportLocation::Package, format!("{many} files, with their modes")),
    }
    Ok(())
}

/// The names of files and links right inside of `scripts/`.
fn script_names(source: &Path) -> Result<BTreeSet<String>, Error> {
    let directory = source.join(scripts::SCRIPTS_DIR);
    if !directory.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(BTreeSet::new());
    }
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&directory).map_err(Error::io(&directory))?.take(limits::MAX_DIRECTORY_ENTRIES)
    {
        let entry = entry.map_err(Error::io(&directory))?;
        let is_directory = entry.file_type().map_err(Error::io(&entry.path()))?.is_dir();
        if let (Ok(name), false) = (entry.file_name().into_string(), is_directory) {
            found.insert(name);
        }
    }
    Ok(found)
}

struct FileCopier<'a> {
    source: &'a Path,
    target: &'a Path,
    renames: BTreeMap<String, &'static str>,
    report: &'a mut Report,
    entry_count: usize,
    byte_count: u64,
    file_count: usize,
}

impl FileCopier<'_> {
    /// Everything in a directory, which exists in the target. Paths are relative to the OPKG.
    fn copy_directory(&mut self, directory: &Path, depth: usize) -> Result<(), Error> {
        let path = self.source.join(directory);
        if depth > limits::MAX_DIRECTORY_DEPTH {
            let limit = format!("{} directories inside of one another", limits::MAX_DIRECTORY_DEPTH);
            return Err(Error::LimitExceeded { path, limit });
        }
        let mut names: Vec<OsString> = Vec::new();
        for entry in fs::read_dir(&path).map_err(Error::io(&path))? {
            names.push(entry.map_err(Error::io(&path))?.file_name());
            self.entry_count += 1;
            if self.entry_count > limits::MAX_DIRECTORY_ENTRIES {
                return Err(Error::LimitExceeded {
                    path,
                    limit: format!("{} files", limits::MAX_DIRECTORY_ENTRIES),
                });
            }
        }
        names.sort();
        for name in names {
            let shown = name.to_string_lossy().into_owned();
            let relative = directory.join(&name);
            if is_vcs_or_editor_file(&shown) {
                let text = "left behind: it belongs to version control or an editor";
                self.report.add_changed(ReportLocation::File(relative.to_string_lossy().into_owned()), text);
            } else if relative != Path::new("config.xml") {
                self.copy_entry(&relative, &shown, depth)?;
            }
        }
        Ok(())
    }

    fn copy_entry(&mut self, relative: &Path, name: &str, depth: usize) -> Result<(), Error> {
        let path = self.source.join(relative);
        let kind = path.symlink_metadata().map_err(Error::io(&path))?;
        let is_script = relative.parent() == Some(Path::new(scripts::SCRIPTS_DIR));
        let target = self.target.join(match self.renames.get(name) {
            Some(new) if is_script && !kind.is_dir() => Path::new(scripts::SCRIPTS_DIR).join(new),
            _ => relative.to_owned(),
        });
        if kind.is_dir() {
            fs::create_dir(&target).map_err(Error::io(&target))?;
            self.copy_directory(relative, depth + 1)?;
            let mode = Permissions::from_mode(kind.permissions().mode() & MODE_MASK | 0o700);
            return fs::set_permissions(&target, mode).map_err(Error::io(&target));
        }
        self.file_count += 1;
        if kind.is_symlink() {
            let held = fs::read_link(&path).map_err(Error::io(&path))?;
            let held = match held.to_str().and_then(|held| self.renames.get(held)) {
                Some(new) if is_script => PathBuf::from(new),
                _ => held,
            };
            return symlink(held, &target).map_err(Error::io(&target));
        }
        if !kind.is_file() {
            return Err(Error::SpecialFile(path));
        }
        let mode = self.copy_file(&path, &target)?;
        let at = || ReportLocation::File(relative.to_string_lossy().into_owned());
        if mode & !MODE_MASK != 0 {
            self.report
                .add_changed(at(), "it ran as somebody else (setuid or setgid); the new file does not");
        }
        if is_script && mode & 0o111 != 0 && !scripts::is_hook_name(name) {
            self.report.add_needs_review(at(), "stays as it is; nothing runs it unless another script does");
        }
        Ok(())
    }

    /// Copies a regular file, which may be exchanged for anything else meanwhile. Returns its mode.
    fn copy_file(&mut self, path: &Path, target: &Path) -> Result<u32, Error> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let source = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(Error::io(path))?;
        let found = source.metadata().map_err(Error::io(path))?;
        if !found.is_file() {
            return Err(Error::SpecialFile(path.to_owned()));
        }
        let mode = found.permissions().mode() & 0o7777;
        let mut new = File::create_new(target).map_err(Error::io(target))?;
        let left = limits::MAX_TOTAL_BYTES - self.byte_count;
        self.byte_count += io::copy(&mut source.take(left + 1), &mut new).map_err(Error::io(target))?;
        if self.byte_count > limits::MAX_TOTAL_BYTES {
            let limit = format!("{} GiB", limits::MAX_TOTAL_BYTES >> 30);
            return Err(Error::LimitExceeded { path: path.to_owned(), limit });
        }
        new.set_permissions(Permissions::from_mode(mode & MODE_MASK | 0o600)).map_err(Error::io(target))?;
        Ok(mode)
    }
}
