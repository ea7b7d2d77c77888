//! The payload of an RPM: a cpio archive of the "new ASCII" kind, or the stripped one of format 6 and of large files, which
//! leaves all that the header says to the header.

use std::io::{self, Write};

use md5::{Digest, Md5};
use opkg::digest::hex;
use opkg_interface::artefacts::{RpmDigestAlgorithm, RpmFormat, RpmFormatVersion};
use sha2::Sha256;

use super::file::{self, ContentFacts, RpmFile};
use super::mime;
use crate::Error;
use crate::checksums::{DigestWriter, Digester};

/// Writes all files that the package brings into one archive.
pub(super) fn write_cpio(
    to: &mut impl Write,
    files: &[RpmFile<'_>],
    format: RpmFormat,
    has_mime_types: bool,
) -> Result<Vec<ContentFacts>, Error> {
    let is_stripped = format.version == RpmFormatVersion::V6 || file::has_large_files(files);
    let mut facts = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let mut archive = Archive { to: &mut *to, is_stripped, algorithm: format.file_digests };
        let (digest, head) = if file.is_ghost() {
            // Known, and not brought: what it is can be told nevertheless.
            (String::new(), file.content.copy_to(&mut io::sink(), mime::LOOKED_AT)?)
        } else {
            archive.append(index, file)?
        };
        let mime_type =
            has_mime_types.then(|| file.special_mime_type().unwrap_or_else(|| mime::mime_type(&head)));
        facts.push(ContentFacts { digest, mime_type });
    }
    write_header(to, [0; 3], "TRAILER!!!", 0)?;
    Ok(facts)
}

struct Archive<'a, W> {
    to: &'a mut W,
    is_stripped: bool,
    algorithm: RpmDigestAlgorithm,
}

impl<W: Write> Archive<'_, W> {
    /// `index` is that of the file among all of the header, those that it does not bring included. Returns the file's digest
    /// and its first bytes.
    fn append(&mut self, index: usize, file: &RpmFile<'_>) -> Result<(String, Vec<u8>), Error> {
        if self.is_stripped {
            // Fourteen bytes, and two that fill up.
            write!(self.to, "07070X{index:08x}\0\0")?;
        } else {
            // Paths of installed files get a `.` in front.
            let dot = if file.path.starts_with('/') { "." } else { "" };
            let name = format!("{dot}{}", file.path);
            // Larger ones are in stripped archives.
            let size = u32::try_from(file.content.size()).unwrap_or(u32::MAX);
            write_header(self.to, [file.inode, file.mode.into(), file.mtime], &name, size)?;
        }
        let found = match self.algorithm {
            RpmDigestAlgorithm::Md5 => self.copy(file, Md5::default(), |md5| hex(&md5.finalize())),
            RpmDigestAlgorithm::Sha256 => {
                self.copy(file, Sha256::default(), |sha256| hex(&sha256.finalize()))
            }
        }?;
        write_padding(self.to, file.content.size())?;
        Ok(found)
    }

    fn copy<D: Digester>(
        &mut self,
        file: &RpmFile<'_>,
        digester: D,
        finish: impl FnOnce(D) -> String,
    ) -> Result<(String, Vec<u8>), Error> {
        let mut digested = DigestWriter::new(&mut *self.to, digester);
        let head = file.content.copy_to(&mut digested, mime::LOOKED_AT)?;
        let (_, _, digester) = digested.into_parts();
        Ok((if file.is_regular() { finish(digester) } else { String::new() }, head))
    }
}

fn write_header(to: &mut impl Write, [inode, mode, time]: [u32; 3], name: &str, size: u32) -> io::Result<()> {
    const HEADER_BYTES: u64 = 110;
    let name_size = name.len() + 1;
    // Inode, mode, user, group, links, time, size, device and special device in two halves each, size of
    // the name, checksum.
    let owner_and_links = "000000000000000000000001";
    let device = "0".repeat(32);
    write!(
        to,
        "070701{inode:08x}{mode:08x}{owner_and_links}{time:08x}{size:08x}{device}{name_size:08x}00000000{name}\0"
    )?;
    write_padding(to, HEADER_BYTES + name_size as u64)
}

/// Names and contents both end at a multiple of four.
fn write_padding(to: &mut impl Write, after: u64) -> io::Result<()> {
    let missing = after.next_multiple_of(4) - after;
    to.write_all(&[0; 3][..missing as usize])
}
