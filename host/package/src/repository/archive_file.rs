//! A package that is made of archives, whoever made it: what an index needs of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use opkg_interface::built::{MemberBytes, PackageFile};

use super::ar_member::{self, ArError, ArMember};
use super::index_files::{IndexError, cannot_index, open_package};
use super::segments::SegmentReader;
use super::tar_paths::{MAX_ALL_PATHS_BYTES, MAX_FILES};
use crate::Error;
use crate::tar_reader::{self, TarKind, TarReadError};

/// Bytes of a member that an index needs.
const MAX_MEMBER_BYTES: u64 = 1 << 20;

/// What all archives of a package may unpack to.
const MAX_UNPACKED_BYTES: u64 = opkg::limits::MAX_TOTAL_BYTES;

/// Between the path of an archive and what is in it.
const WITHIN: &str = "//";

/// A package as it was read.
pub(super) struct ReadPackage {
    pub(super) file: PackageFile,
    /// That of its newest entry, in seconds since 1970.
    pub(super) time: u64,
}

/// Reads a package of this name; `members` are the paths of those that are needed.
pub(super) fn read(directory: &Path, name: &str, members: &[String]) -> Result<ReadPackage, Error> {
    let file = BufReader::with_capacity(64 << 10, open_package(directory, name)?);
    let mut found =
        Found { needed: members, members: BTreeMap::new(), paths: Vec::new(), path_bytes: 0, time: 0 };
    let mut reader = SegmentReader::new(file, MAX_UNPACKED_BYTES);
    let read = found.read_archives(&mut reader, "");
    let ended = read.and_then(|()| Ok(reader.finish()?));
    let (size, digests, segments) = ended.map_err(|error| match error {
        PackageReadError::Invalid(reason) => cannot_index(directory, name, reason),
        // The system says so of a file that cannot be read, too; what it is called helps either way.
        PackageReadError::Io(error) => cannot_index(directory, name, format!("it cannot be read: {error}")),
    })?;
    let members = found.members.into_iter().map(|(path, contents)| MemberBytes { path, contents }).collect();
    let file =
        PackageFile { file_name: name.to_owned(), size, digests, segments, members, paths: found.paths };
    Ok(ReadPackage { file, time: found.time })
}

/// Why a package cannot be read.
enum PackageReadError {
    Io(io::Error),
    Invalid(IndexError),
}

impl From<io::Error> for PackageReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ArError> for PackageReadError {
    fn from(error: ArError) -> Self {
        match error {
            ArError::Io(error) => Self::Io(error),
            ArError::Damaged(reason) => Self::Invalid(reason),
        }
    }
}

impl From<TarReadError> for PackageReadError {
    fn from(error: TarReadError) -> Self {
        match error {
            TarReadError::Io(error) => Self::Io(error),
            damaged => Self::Invalid(format!("it has {damaged}").into()),
        }
    }
}

impl From<IndexError> for PackageReadError {
    fn from(error: IndexError) -> Self {
        Self::Invalid(error)
    }
}

/// What was found in a package so far.
struct Found<'a> {
    needed: &'a [String],
    members: BTreeMap<String, Vec<u8>>,
    paths: Vec<String>,
    path_bytes: usize,
    time: u64,
}

impl Found<'_> {
    /// Reads one archive after the other: each may have several stretches, and what follows the mark of its end stands in the
    /// stretch behind that. Their paths come behind `prefix`.
    fn read_archives<R: BufRead>(
        &mut self,
        reader: &mut SegmentReader<R>,
        prefix: &str,
    ) -> Result<(), PackageReadError> {
        loop {
            let mut start = Vec::new();
            reader.by_ref().take(ar_member::MAGIC.len() as u64).read_to_end(&mut start)?;
            if start.is_empty() {
                return Ok(());
            }
            if start == ar_member::MAGIC {
                return self.read_ar(reader, prefix);
            }
            tar_reader::walk((&start[..]).chain(&mut *reader), |entry, contents| {
                self.time = self.time.max(entry.time.unwrap_or(0));
                let path = String::from_utf8_lossy(&entry.path).into_owned();
                let contents = (entry.kind == TarKind::File).then_some(contents);
                if let (Some(reason), true) =
                    (entry.unreadable, self.is_looked_into(&format!("{prefix}{path}")))
                {
                    return Err(IndexError::from(format!("{path:?} in it cannot be read: {reason}")).into());
                }
                self.take(format!("{prefix}{path}"), contents)
            })?;
            if !reader.skip_segment()? {
                return Ok(());
            }
        }
    }

    fn read_ar(&mut self, reader: &mut dyn Read, prefix: &str) -> Result<(), PackageReadError> {
        while let Some(member) = ArMember::read_if_any(reader)? {
            self.time = self.time.max(u64::try_from(member.time).unwrap_or(0));
            let mut contents = reader.take(member.size);
            self.take(format!("{prefix}{}", member.name), Some(&mut contents))?;
            io::copy(&mut contents, &mut io::sink())?;
            io::copy(&mut reader.take(member.size % 2), &mut io::sink())?;
        }
        Ok(())
    }

    fn is_looked_into(&self, path: &str) -> bool {
        self.needed
            .iter()
            .any(|it| it.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(WITHIN)))
    }

    /// Keeps what is needed of an entry.
    fn take(&mut self, path: String, contents: Option<&mut dyn Read>) -> Result<(), PackageReadError> {
        self.path_bytes += path.len();
        if self.paths.len() + self.members.len() >= MAX_FILES || self.path_bytes > MAX_ALL_PATHS_BYTES {
            return Err(IndexError::from("it has more files than an index can list").into());
        }
        let is_needed = self.needed.contains(&path);
        let within = format!("{path}{WITHIN}");
        let has_needed = self.needed.iter().any(|it| it.starts_with(&within));
        match contents {
            Some(contents) if is_needed => {
                let mut bytes = Vec::new();
                contents.take(MAX_MEMBER_BYTES + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > MAX_MEMBER_BYTES {
                    let most = MAX_MEMBER_BYTES >> 20;
                    return Err(IndexError::from(format!("{path:?} in it has more than {most} MiB")).into());
                }
                if has_needed {
                    self.read_nested(&mut bytes.as_slice(), &within)?;
                }
                if self.members.insert(path.clone(), bytes).is_some() {
                    return Err(IndexError::from(format!("{path:?} stands twice in it")).into());
                }
            }
            Some(contents) if has_needed => {
                self.read_nested(contents, &within)?;
                self.paths.push(path);
            }
            _ => self.paths.push(path),
        }
        Ok(())
    }

    fn read_nested(&mut self, contents: &mut dyn Read, within: &str) -> Result<(), PackageReadError> {
        // What stands in it is not in the package itself.
        let mut inner = Found {
            needed: self.needed,
            members: BTreeMap::new(),
            paths: Vec::new(),
            path_bytes: 0,
            time: 0,
        };
        let reader: &mut dyn BufRead = &mut BufReader::new(contents);
        inner.read_archives(&mut SegmentReader::new(reader, MAX_UNPACKED_BYTES), within)?;
        self.time = self.time.max(inner.time);
        self.members.extend(inner.members);
        Ok(())
    }
}
