//! What RPM can read, by its version: decides what is written for a release.

use opkg_sdk::artefacts::{AcceptedKey, Compression, KeyAlgorithm, RpmDigestAlgorithm, RpmFormatVersion};

/// The version of the release's RPM, major and minor. Where packages of a release differ, the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RpmVersion(pub u32, pub u32);

impl RpmVersion {
    /// `~` in a version sorts before what it follows (rpm-version(7)).
    pub(crate) const TILDE_SINCE: Self = Self(4, 10);
    /// `^` in a version sorts right after what it follows.
    pub(crate) const CARET_SINCE: Self = Self(4, 15);
    /// Capabilities of programs, `rpmlib(FileCaps)`.
    pub(crate) const CAPABILITIES_SINCE: Self = Self(4, 7);
    /// Alternatives as rich dependencies, `rpmlib(RichDependencies)`.
    pub(crate) const ALTERNATIVES_SINCE: Self = Self(4, 13);
    /// Of the first releases that systemd starts.
    pub(crate) const SYSTEMD_SINCE: Self = Self(4, 9);
    /// Checksums of files by other algorithms than MD5, `rpmlib(FileDigests)`.
    const FILE_DIGESTS_SINCE: Self = Self(4, 6);

    /// How checksums of files are written so that it can check them.
    #[must_use]
    pub fn file_digests(self) -> RpmDigestAlgorithm {
        if self < Self::FILE_DIGESTS_SINCE { RpmDigestAlgorithm::Md5 } else { RpmDigestAlgorithm::Sha256 }
    }

    /// How payloads are compressed so that it can unpack them: `rpmlib(PayloadIsXz)` came in the course of 4.7,
    /// `rpmlib(PayloadIsZstd)` with 4.14, where distributions could still leave it out.
    #[must_use]
    pub fn compression(self) -> Compression {
        match self {
            _ if self < Self(4, 8) => Compression::Gzip,
            _ if self < Self(4, 15) => Compression::Xz,
            _ => Compression::Zstd,
        }
    }

    /// The newest format that it installs: what is new in format 6, 4.14 passes over or has already, as RPM's own notes on
    /// 6.0 say.
    #[must_use]
    pub fn newest_format(self) -> RpmFormatVersion {
        if self < Self(4, 14) { RpmFormatVersion::V4 } else { RpmFormatVersion::V6 }
    }

    /// Keys whose signatures it can check, as `opkgc` makes them: of version 4, by SHA-2.
    ///
    /// RPM had no such signatures before 4.6. Its own reader knew RSA and DSA alone; what replaced it with 4.18 knows
    /// elliptic curves, and takes neither DSA nor short RSA any more.
    #[must_use]
    pub fn accepted_keys(self) -> Vec<AcceptedKey> {
        let key = |algorithm, min_bits| AcceptedKey { algorithm, min_bits };
        match self {
            _ if self < Self::FILE_DIGESTS_SINCE => Vec::new(),
            _ if self < Self(4, 16) => vec![key(KeyAlgorithm::Rsa, 1024), key(KeyAlgorithm::Dsa, 1024)],
            _ if self < Self(4, 18) => vec![key(KeyAlgorithm::Rsa, 1024)],
            _ => vec![
                key(KeyAlgorithm::Rsa, 2048),
                key(KeyAlgorithm::Ecdsa, 256),
                key(KeyAlgorithm::Ed25519, 256),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_that_rpm_reads() {
        use RpmFormatVersion::{V4, V6};
        for (version, compression, digests, newest) in [
            (RpmVersion(4, 4), Compression::Gzip, RpmDigestAlgorithm::Md5, V4),
            (RpmVersion(4, 6), Compression::Gzip, RpmDigestAlgorithm::Sha256, V4),
            (RpmVersion(4, 8), Compression::Xz, RpmDigestAlgorithm::Sha256, V4),
            (RpmVersion(4, 13), Compression::Xz, RpmDigestAlgorithm::Sha256, V4),
            (RpmVersion(4, 14), Compression::Xz, RpmDigestAlgorithm::Sha256, V6),
            (RpmVersion(4, 16), Compression::Zstd, RpmDigestAlgorithm::Sha256, V6),
            (RpmVersion(6, 0), Compression::Zstd, RpmDigestAlgorithm::Sha256, V6),
        ] {
            assert_eq!(
                (version.compression(), version.file_digests(), version.newest_format()),
                (compression, digests, newest),
                "{version:?}"
            );
        }
    }

    #[test]
    fn a_key_of_ed25519_is_for_new_rpms_and_one_of_dsa_for_old_ones() {
        let accepts = |version: RpmVersion, algorithm| {
            version.accepted_keys().iter().any(|key| key.algorithm == algorithm)
        };
        for (version, rsa, dsa, ed25519) in [
            (RpmVersion(4, 4), false, false, false),
            (RpmVersion(4, 11), true, true, false),
            (RpmVersion(4, 16), true, false, false),
            (RpmVersion(4, 19), true, false, true),
        ] {
            let found = [KeyAlgorithm::Rsa, KeyAlgorithm::Dsa, KeyAlgorithm::Ed25519]
                .map(|algorithm| accepts(version, algorithm));
            assert_eq!(found, [rsa, dsa, ed25519], "{version:?}");
        }
    }
}
