//! What a binary package says of itself, and the paths of its files, whoever made it. See deb(5).

use std::io::{self, Read};

use liblzma::stream::Stream;

use super::ar_member::{self, ArError, ArMember};
use super::index_files::IndexError;
use super::tar_paths::{self, TarPathError};
use crate::deb822;

/// What a control archive may hold; those of the largest packages in use are a tenth of it.
const MAX_CONTROL_ARCHIVE_BYTES: u64 = 64 << 20;
/// What the control file may hold.
const MAX_CONTROL_FILE_BYTES: u64 = 1 << 20;
/// What decompressing may take.
const MAX_DECODER_MEMORY: u64 = 128 << 20;
/// The same, as a power of two, of a decoder of zstd.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;
/// What the archive of the files may unpack to. All of it has to be unpacked for the names in it.
const MAX_DATA_BYTES: u64 = opkg::limits::MAX_TOTAL_BYTES;

/// The next member that is not for later versions of the format, and to be passed over: those have such names.
fn next_member(file: &mut impl Read) -> Result<ArMember, DebReadError> {
    loop {
        let member = ArMember::read(file)?;
        if !member.name.starts_with('_') {
            return Ok(member);
        }
        read_contents(&member, file)?;
    }
}

/// What follows the head of a member.
fn read_contents(member: &ArMember, file: &mut impl Read) -> Result<Vec<u8>, DebReadError> {
    if member.size > MAX_CONTROL_ARCHIVE_BYTES {
        return Err(DebReadError::Invalid(format!("its member {:?} is too large", member.name).into()));
    }
    let mut contents = Vec::new();
    // An odd size is followed by one more byte.
    let padded = member.size + member.size % 2;
    file.by_ref().take(padded).read_to_end(&mut contents)?;
    if contents.len() as u64 != padded {
        return Err(DebReadError::Invalid("it ends too early".into()));
    }
    contents.truncate(usize::try_from(member.size).unwrap_or(usize::MAX));
    Ok(contents)
}

/// What a package says of itself.
pub(super) struct DebFile {
    /// Seconds since 1970, from the archive itself.
    pub(super) time: i64,
    /// Of its control file, in their order.
    pub(super) fields: Vec<(String, String)>,
    /// Of what it installs and is no directory, relative to the root.
    pub(super) paths: Vec<Box<[u8]>>,
}

/// Why a package cannot be read.
pub(super) enum DebReadError {
    /// The file as such.
    Io(io::Error),
    /// What it holds.
    Invalid(IndexError),
}

impl From<io::Error> for DebReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Invalid("it ends too early".into()),
            _ => Self::Io(error),
        }
    }
}

impl From<ArError> for DebReadError {
    fn from(error: ArError) -> Self {
        match error {
            ArError::Io(error) => error.into(),
            ArError::Damaged(reason) => Self::Invalid(reason),
        }
    }
}

impl From<IndexError> for DebReadError {
    fn from(reason: IndexError) -> Self {
        Self::Invalid(reason)
    }
}

/// Reads as far as the archive of its files, both archives to their ends.
pub(super) fn read(mut file: impl Read) -> Result<DebFile, DebReadError> {
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if magic != ar_member::MAGIC {
        return Err(DebReadError::Invalid("it is no package of this format".into()));
    }
    let version = ArMember::read(&mut file)?;
    if version.name != "debian-binary" || version.size > 64 {
        return Err(DebReadError::Invalid("it does not begin with the version of its format".into()));
    }
    let text = read_contents(&version, &mut file)?;
    if !text.starts_with(b"2.") {
        return Err(DebReadError::Invalid("the version of its format is not 2".into()));
    }
    let control = next_member(&mut file)?;
    let contents = read_contents(&control, &mut file)?;
    let text = extract_control_file(&control.name, &contents)?;
    let text = String::from_utf8(text).map_err(|_| IndexError::from("its control file is not UTF-8"))?;
    let fields = deb822::parse_paragraph(&text).map_err(IndexError::from)?;
    let data = next_member(&mut file)?;
    let mut archive = file.take(data.size);
    let paths = read_paths(&data.name, &mut archive)?;
    io::copy(&mut archive, &mut io::sink())?;
    if archive.limit() > 0 {
        return Err(DebReadError::Invalid("it ends too early".into()));
    }
    Ok(DebFile { time: version.time, fields, paths })
}

/// The file `control` of the archive of that name.
fn extract_control_file(name: &str, bytes: &[u8]) -> Result<Vec<u8>, IndexError> {
    let damaged = |error: io::Error| IndexError::from(format!("its control archive cannot be read: {error}"));
    let Some(compression) = name.strip_prefix("control.tar") else {
        return Err(format!("its member {name:?} is no control archive").into());
    };
    let tar = decoder(compression, bytes).map_err(damaged)?;
    let tar = tar.ok_or_else(|| format!("its member {name:?} is no control archive"))?;
    let mut tar = tar.take(MAX_CONTROL_ARCHIVE_BYTES);
    let mut control = None;
    for entry in tar::Archive::new(&mut tar).entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        if control.is_none() && matches!(&*entry.path_bytes(), b"./control" | b"control") {
            let mut bytes = Vec::new();
            entry.take(MAX_CONTROL_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(damaged)?;
            if bytes.len() as u64 > MAX_CONTROL_FILE_BYTES {
                return Err("its control file is too large".into());
            }
            control = Some(bytes);
        }
    }
    // Behind all of it is the checksum of what it is compressed with.
    io::copy(&mut tar, &mut io::sink()).map_err(damaged)?;
    if tar.limit() == 0 {
        return Err("its control archive is too large".into());
    }
    control.ok_or_else(|| "its control archive has no control file".into())
}

/// The paths in the archive of that name. There are none to be had of one that is compressed in a way which dpkg gave up
/// long ago; such a package can be installed nevertheless.
fn read_paths(name: &str, archive: impl Read) -> Result<Vec<Box<[u8]>>, IndexError> {
    let damaged = |error: io::Error| IndexError::from(format!("its files cannot be read: {error}"));
    let Some(compression) = name.strip_prefix("data.tar") else {
        return Err(format!("its member {name:?} is no archive of files").into());
    };
    let Some(tar) = decoder(compression, archive).map_err(damaged)? else { return Ok(Vec::new()) };
    tar_paths::read(tar.take(MAX_DATA_BYTES)).map_err(|error| match error {
        TarPathError::Io(error) => damaged(error),
        TarPathError::TooMany => "it has more files than an index can list".into(),
    })
}

/// What is in an archive with this at the end of its name; nothing where that is unknown.
fn decoder<'a>(compression: &str, packed: impl Read + 'a) -> io::Result<Option<Box<dyn Read + 'a>>> {
    Ok(Some(match compression {
        "" => Box::new(packed),
        ".gz" => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        ".xz" => {
            let stream = Stream::new_stream_decoder(MAX_DECODER_MEMORY, 0)?;
            Box::new(liblzma::read::XzDecoder::new_stream(packed, stream))
        }
        ".zst" => {
            let mut decoder = zstd::stream::read::Decoder::new(packed)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        _ => return Ok(None),
    }))
}
