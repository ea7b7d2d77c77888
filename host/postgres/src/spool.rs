//! What engines of this machine did while the server was away: kept in files until it is delivered.
//!
//! A directory holds a file for each such engine. Its first line says of whom it is, each further one holds what came of
//! steps, in order, each with a digest of itself: a line that was cut off with the power is none. Lines are on the disk
//! before the engine goes on. While an engine lives it holds a lock on its file.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use opkg_scratch::sync_directory;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::holder::ThisProcess;

/// The version of the format.
const VERSION: u32 = 1;
/// The ending of the names of files that are to be delivered.
const EXTENSION: &str = "results";
/// The ending of those that no database takes.
const REFUSED_EXTENSION: &str = "refused";

/// Whose results a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    version: u32,
    /// The address of the database as it was shown, without a password.
    pub(crate) database: String,
    /// Its id in that database.
    pub(crate) engine: i64,
    /// The process of the engine.
    pub(crate) process: ThisProcess,
}

impl Header {
    /// Of an engine of this process.
    pub(crate) fn new(database: String, engine: i64) -> Self {
        Self { version: VERSION, database, engine, process: ThisProcess::find() }
    }
}

/// One write of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptWrite {
    /// Which of its writes it is, as `opm.begin_write` counts them.
    pub(crate) number: i64,
    /// The changes as `opm.apply` takes them, a JSON text each.
    pub(crate) parts: Vec<String>,
}

/// The file of an engine that lives.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
}

impl Spool {
    /// Makes the file of an engine.
    pub(crate) fn create(directory: &Path, header: &Header) -> io::Result<Self> {
        if !directory.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            directory.parent().map_or(Ok(()), sync_directory)?;
        }
        let process = &header.process;
        let name = format!("{}-{}-{}.{EXTENSION}", header.engine, process.process, process.process_start);
        let path = directory.join(name);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        file.lock()?;
        let mut spool = Self { path, file };
        spool.write_line(header)?;
        sync_directory(directory)?;
        Ok(spool)
    }

    /// Adds a write; it is on the disk when this returns.
    pub(crate) fn append(&mut self, write: &KeptWrite) -> io::Result<()> {
        self.write_line(write)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file: the database has all that is in it.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        self.file.write_all(format!("{} {text}\n", digest(&text)).as_bytes())?;
        self.file.sync_all()
    }
}

/// The file of an engine that works no more.
#[derive(Debug)]
pub(crate) struct KeptResults {
    path: PathBuf,
    /// Locked.
    _file: File,
    pub(crate) header: Header,
    /// In order.
    pub(crate) writes: Vec<KeptWrite>,
    /// What is wrong with the rest of the file.
    pub(crate) damage: Option<String>,
}

impl KeptResults {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file: the database has all that is in it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Puts the file aside, for somebody to look at; returns its new path.
    pub(crate) fn set_aside(&self) -> io::Result<PathBuf> {
        let aside = self.path.with_extension(REFUSED_EXTENSION);
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }
}

/// What a directory holds of engines that work no more, oldest engine first; nothing where there is no such directory.
pub(crate) fn find(directory: &Path) -> io::Result<Vec<KeptResults>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && let Some(kept) = open(path)?
        {
            found.push(kept);
        }
    }
    found.sort_by_key(|kept| kept.header.engine);
    Ok(found)
}

/// Reads a file; nothing where its engine lives, or where there is nothing in it.
fn open(path: PathBuf) -> io::Result<Option<KeptResults>> {
    let file = File::open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut lines = BufReader::new(&file).split(b'\n').enumerate();
    let header = lines.next().map(|(_, line)| line).transpose()?;
    let Some(header) = header.and_then(|line| read_line::<Header>(&line)) else {
        // The power went before the first line was there, and nothing was kept yet; or it is damaged.
        let aside = path.with_extension(REFUSED_EXTENSION);
        fs::rename(&path, &aside)?;
        tracing::warn!(path = %aside.display(), "nobody knows whose results these are; they are put aside");
        return Ok(None);
    };
    if header.version != VERSION {
        let reason = format!("{} was written by another version of opm", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    let (mut writes, mut damage) = (Vec::new(), None);
    for (index, line) in lines {
        match read_line(&line?) {
            Some(write) => writes.push(write),
            None => {
                damage = Some(format!("line {} is damaged", index + 1));
                break;
            }
        }
    }
    Ok(Some(KeptResults { path, _file: file, header, writes, damage }))
}

/// A line, unless it is damaged.
fn read_line<T: for<'de> Deserialize<'de>>(line: &[u8]) -> Option<T> {
    let (expected, text) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    (digest(text) == expected).then(|| serde_json::from_str(text).ok()).flatten()
}

/// Enough of a digest to tell what was written from what was not.
fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn write(number: i64) -> KeptWrite {
        KeptWrite { number, parts: vec![format!(r#"[{{"kind":"event-ended","rows":[{number}]}}]"#)] }
    }

    /// A file with two writes, whose engine works no more.
    fn kept(directory: &Path) -> PathBuf {
        let mut spool = Spool::create(directory, &Header::new("postgres://head/opm".into(), 7)).unwrap();
        spool.append(&write(3)).unwrap();
        spool.append(&write(4)).unwrap();
        spool.path().to_owned()
    }

    #[test]
    fn what_was_kept_is_found_when_its_engine_works_no_more() {
        let directory = tempfile::tempdir().unwrap();
        assert!(find(&directory.path().join("none")).unwrap().is_empty());
        let header = Header::new("postgres://head/opm".into(), 7);
        let mut spool = Spool::create(directory.path(), &header).unwrap();
        spool.append(&write(3)).unwrap();
        assert!(find(directory.path()).unwrap().is_empty(), "its engine lives");
        drop(spool);
        let found = find(directory.path()).unwrap();
        assert_eq!((&found[0].header, &found[0].writes), (&header, &vec![write(3)]));
        let aside = found[0].set_aside().unwrap();
        assert!(aside.exists() && find(directory.path()).unwrap().is_empty());
    }

    /// However much of the file was on the disk when the power went.
    #[test]
    fn a_file_that_was_cut_off_holds_what_was_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = kept(directory.path());
        let whole = fs::read(&path).unwrap();
        let line_ends: Vec<usize> =
            whole.iter().enumerate().filter_map(|(at, byte)| (*byte == b'\n').then_some(at)).collect();
        for length in 0..=whole.len() {
            let _ = fs::remove_file(path.with_extension(REFUSED_EXTENSION));
            fs::write(&path, &whole[..length]).unwrap();
            let found = find(directory.path()).unwrap();
            let numbers: Vec<i64> =
                found.iter().flat_map(|it| it.writes.iter().map(|write| write.number)).collect();
            let expected = line_ends[1..].iter().filter(|end| length >= **end).count();
            assert_eq!(numbers, [3, 4][..expected], "{length} bytes");
        }
    }

    #[test]
    fn no_damage_is_taken_for_a_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = kept(directory.path());
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
        for at in first + 1..whole.len() - 1 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let found = find(directory.path()).unwrap();
            assert!(found[0].damage.is_some(), "byte {at}");
            assert!([write(3), write(4)].starts_with(&found[0].writes), "byte {at}");
        }
    }

    #[test]
    fn a_file_of_nobody_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = kept(directory.path());
        let mut damaged = fs::read(&path).unwrap();
        damaged[0] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert!(find(directory.path()).unwrap().is_empty());
        assert_eq!(fs::read(path.with_extension(REFUSED_EXTENSION)).unwrap(), damaged);
    }

    #[test]
    fn nobody_else_reads_them() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = kept(&directory.path().join("new"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
