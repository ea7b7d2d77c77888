//! Size and checksums of a file, as control files and indices list them.

use std::io::{self, Read, Write};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use opkg::digest::hex;
use opkg_interface::archive::DigestAlgorithm;

/// Takes in bytes, one piece after the other.
pub(crate) trait Digester {
    fn update(&mut self, bytes: &[u8]);
}

/// Those that control files list.
#[derive(Default)]
pub(crate) struct AllDigests {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
}

impl Digester for AllDigests {
    fn update(&mut self, bytes: &[u8]) {
        Digester::update(&mut self.md5, bytes);
        self.sha1.update(bytes);
        Digester::update(&mut self.sha256, bytes);
    }
}

impl Digester for Sha256 {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }
}

impl Digester for Md5 {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }
}

/// None, where bytes are counted alone.
impl Digester for () {
    fn update(&mut self, _: &[u8]) {}
}

/// Perhaps none.
impl<D: Digester> Digester for Option<D> {
    fn update(&mut self, bytes: &[u8]) {
        if let Some(digester) = self {
            digester.update(bytes);
        }
    }
}

/// Hands on what it reads, and takes it in.
pub(crate) struct DigestReader<R, D> {
    inner: R,
    digester: D,
    size: u64,
}

impl<R: Read, D: Digester + Default> DigestReader<R, D> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, digester: D::default(), size: 0 }
    }

    /// Reads to the end. Returns how many bytes there were in all, and the digests.
    pub(crate) fn finish(mut self) -> io::Result<(u64, D)> {
        let mut buffer = vec![0; 64 << 10];
        while self.read(&mut buffer)? > 0 {}
        Ok((self.size, self.digester))
    }
}

impl<R: Read, D: Digester> Read for DigestReader<R, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digester.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Hands on what is written, and takes it in.
pub(crate) struct DigestWriter<W, D> {
    inner: W,
    digester: D,
    size: u64,
}

impl<W: Write, D: Digester> DigestWriter<W, D> {
    pub(crate) fn new(inner: W, digester: D) -> Self {
        Self { inner, digester, size: 0 }
    }

    /// Where it was written, how many bytes, and the digests.
    pub(crate) fn into_parts(self) -> (W, u64, D) {
        (self.inner, self.size, self.digester)
    }
}

impl<W: Write, D: Digester> Write for DigestWriter<W, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.digester.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// One digest, of what is read to the end.
pub(crate) fn digest(algorithm: DigestAlgorithm, data: impl Read) -> io::Result<Vec<u8>> {
    fn of<D: Digest + Write>(mut data: impl Read) -> io::Result<Vec<u8>> {
        let mut digest = D::new();
        io::copy(&mut data, &mut digest)?;
        Ok(digest.finalize().to_vec())
    }
    match algorithm {
        DigestAlgorithm::Md5 => of::<Md5>(data),
        DigestAlgorithm::Sha1 => of::<Sha1>(data),
        DigestAlgorithm::Sha256 => of::<Sha256>(data),
        DigestAlgorithm::Sha512 => of::<Sha512>(data),
    }
}

/// Of one file, the checksums in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksums {
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) md5: String,
    pub(crate) sha1: String,
    pub(crate) sha256: String,
}

impl Checksums {
    /// Reads to the end.
    pub(crate) fn compute(data: impl Read) -> io::Result<Self> {
        Self::finish(DigestReader::new(data))
    }

    /// Reads what there is left.
    pub(crate) fn finish(reader: DigestReader<impl Read, AllDigests>) -> io::Result<Self> {
        let (size, digests) = reader.finish()?;
        Ok(Self::new(size, digests))
    }

    pub(crate) fn new(size: u64, AllDigests { md5, sha1, sha256 }: AllDigests) -> Self {
        Self { size, md5: hex(&md5.finalize()), sha1: hex(&sha1.finalize()), sha256: hex(&sha256.finalize()) }
    }
}

/// A control field's list of files, a line each: checksum, size, name.
pub(crate) fn format_checksum_list<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a Checksums)>,
    sum: impl Fn(&'a Checksums) -> &'a str,
) -> String {
    files.into_iter().map(|(name, sums)| format!("\n {} {} {name}", sum(sums), sums.size)).collect()
}
