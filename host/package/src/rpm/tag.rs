//! Numbers of tags and flags, from RPM's public header `rpmtag.h` and `rpmds.h`.

pub(super) const HEADER_SIGNATURES: u32 = 62;
pub(super) const HEADER_IMMUTABLE: u32 = 63;
pub(super) const LOCALES: u32 = 100;

pub(super) const SIGNATURE_SHA1: u32 = 269;
pub(super) const SIGNATURE_SHA256: u32 = 273;
pub(super) const SIGNATURE_SIZE: u32 = 1000;
pub(super) const SIGNATURE_MD5: u32 = 1004;
pub(super) const SIGNATURE_PAYLOAD_SIZE: u32 = 1007;

pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const SUMMARY: u32 = 1004;
pub(super) const DESCRIPTION: u32 = 1005;
pub(super) const BUILD_TIME: u32 = 1006;
pub(super) const BUILD_HOST: u32 = 1007;
pub(super) const SIZE: u32 = 1009;
pub(super) const DISTRIBUTION: u32 = 1010;
pub(super) const VENDOR: u32 = 1011;
pub(super) const LICENSE: u32 = 1014;
pub(super) const PACKAGER: u32 = 1015;
pub(super) const GROUP: u32 = 1016;
pub(super) const SOURCE: u32 = 1018;
pub(super) const URL: u32 = 1020;
pub(super) const OS: u32 = 1021;
pub(super) const ARCH: u32 = 1022;
/// Body and program of pre-install; the other three times follow in order, one tag apart.
pub(super) const PRE_INSTALL: u32 = 1023;
pub(super) const PRE_INSTALL_PROGRAM: u32 = 1085;
pub(super) const FILE_SIZES: u32 = 1028;
pub(super) const FILE_MODES: u32 = 1030;
pub(super) const FILE_RDEVS: u32 = 1033;
pub(super) const FILE_MTIMES: u32 = 1034;
pub(super) const FILE_DIGESTS: u32 = 1035;
pub(super) const FILE_LINK_TOS: u32 = 1036;
pub(super) const FILE_FLAGS: u32 = 1037;
pub(super) const FILE_USERS: u32 = 1039;
pub(super) const FILE_GROUPS: u32 = 1040;
pub(super) const SOURCE_RPM: u32 = 1044;
pub(super) const FILE_VERIFY_FLAGS: u32 = 1045;
pub(super) const CHANGELOG_TIMES: u32 = 1080;
pub(super) const CHANGELOG_NAMES: u32 = 1081;
pub(super) const CHANGELOG_TEXTS: u32 = 1082;
pub(super) const BUILD_ARCHS: u32 = 1089;
pub(super) const FILE_DEVICES: u32 = 1095;
pub(super) const FILE_INODES: u32 = 1096;
pub(super) const FILE_LANGUAGES: u32 = 1097;
pub(super) const SOURCE_PACKAGE: u32 = 1106;
pub(super) const DIRECTORY_INDEXES: u32 = 1116;
pub(super) const BASE_NAMES: u32 = 1117;
pub(super) const DIRECTORY_NAMES: u32 = 1118;
pub(super) const PAYLOAD_FORMAT: u32 = 1124;
pub(super) const PAYLOAD_COMPRESSOR: u32 = 1125;
pub(super) const PAYLOAD_FLAGS: u32 = 1126;
pub(super) const PLATFORM: u32 = 1132;
pub(super) const FILE_DIGEST_ALGORITHM: u32 = 5011;
pub(super) const BUG_URL: u32 = 5012;
pub(super) const VCS: u32 = 5034;
pub(super) const ENCODING: u32 = 5062;
pub(super) const PAYLOAD_DIGEST: u32 = 5092;
pub(super) const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
/// Of the payload before compression.
pub(super) const PAYLOAD_DIGEST_ALTERNATIVE: u32 = 5097;

/// Names, versions and flags of one kind of relation.
#[derive(Clone, Copy)]
pub(super) struct Relations {
    pub(super) names: u32,
    pub(super) versions: u32,
    pub(super) flags: u32,
}

pub(super) const PROVIDES: Relations = Relations { names: 1047, versions: 1113, flags: 1112 };
pub(super) const REQUIRES: Relations = Relations { names: 1049, versions: 1050, flags: 1048 };
pub(super) const CONFLICTS: Relations = Relations { names: 1054, versions: 1055, flags: 1053 };
pub(super) const OBSOLETES: Relations = Relations { names: 1090, versions: 1115, flags: 1114 };
pub(super) const RECOMMENDS: Relations = Relations { names: 5046, versions: 5047, flags: 5048 };
pub(super) const SUGGESTS: Relations = Relations { names: 5049, versions: 5050, flags: 5051 };

pub(super) const LESS: u32 = 1 << 1;
pub(super) const GREATER: u32 = 1 << 2;
pub(super) const EQUAL: u32 = 1 << 3;
pub(super) const INTERPRETER: u32 = 1 << 8;
/// Of pre-install; the other three times follow in order, one bit apart.
pub(super) const SCRIPT_PRE_INSTALL: u32 = 1 << 9;
pub(super) const RPMLIB: u32 = 1 << 24;

pub(super) const FILE_CONFIG: u32 = 1;
pub(super) const FILE_DOC: u32 = 2;
pub(super) const FILE_NO_REPLACE: u32 = 16;
pub(super) const FILE_SPEC: u32 = 32;

/// SHA-256, as RPM numbers digests (after OpenPGP).
pub(super) const SHA256: u32 = 8;
