//! Numbers of tags and flags, from RPM's public header `rpmtag.h` and `rpmds.h`.

pub(crate) const HEADER_SIGNATURES: u32 = 62;
pub(crate) const HEADER_IMMUTABLE: u32 = 63;
pub(crate) const LOCALES: u32 = 100;

/// Of the header, by any algorithm but RSA.
pub(crate) const SIGNATURE_DSA: u32 = 267;
pub(crate) const SIGNATURE_RSA: u32 = 268;
pub(crate) const SIGNATURE_SHA1: u32 = 269;
pub(crate) const SIGNATURE_SHA256: u32 = 273;
/// In 64 bits, of packages beyond 4 GiB, as the next one.
pub(crate) const SIGNATURE_LONG_SIZE: u32 = 270;
pub(crate) const SIGNATURE_LONG_PAYLOAD_SIZE: u32 = 271;
/// Signatures of the header by any algorithms, in base64; since format 6.
pub(crate) const SIGNATURE_OPENPGP: u32 = 278;
pub(crate) const SIGNATURE_SHA3_256: u32 = 279;
/// Room for signatures that are added later, in format 6.
pub(crate) const SIGNATURE_RESERVED: u32 = 999;
pub(crate) const SIGNATURE_SIZE: u32 = 1000;
pub(crate) const SIGNATURE_MD5: u32 = 1004;
pub(crate) const SIGNATURE_PAYLOAD_SIZE: u32 = 1007;

pub(crate) const NAME: u32 = 1000;
pub(crate) const VERSION: u32 = 1001;
pub(crate) const RELEASE: u32 = 1002;
pub(crate) const EPOCH: u32 = 1003;
pub(crate) const SUMMARY: u32 = 1004;
pub(crate) const DESCRIPTION: u32 = 1005;
pub(crate) const BUILD_TIME: u32 = 1006;
pub(crate) const BUILD_HOST: u32 = 1007;
pub(crate) const SIZE: u32 = 1009;
pub(crate) const DISTRIBUTION: u32 = 1010;
pub(crate) const VENDOR: u32 = 1011;
pub(crate) const LICENSE: u32 = 1014;
pub(crate) const PACKAGER: u32 = 1015;
pub(crate) const GROUP: u32 = 1016;
pub(crate) const SOURCE: u32 = 1018;
pub(crate) const URL: u32 = 1020;
pub(crate) const OS: u32 = 1021;
pub(crate) const ARCH: u32 = 1022;
pub(crate) const FILE_SIZES: u32 = 1028;
pub(crate) const FILE_MODES: u32 = 1030;
pub(crate) const FILE_RDEVS: u32 = 1033;
pub(crate) const FILE_MTIMES: u32 = 1034;
pub(crate) const FILE_DIGESTS: u32 = 1035;
pub(crate) const FILE_LINK_TOS: u32 = 1036;
pub(crate) const FILE_FLAGS: u32 = 1037;
pub(crate) const FILE_USERS: u32 = 1039;
pub(crate) const FILE_GROUPS: u32 = 1040;
pub(crate) const SOURCE_RPM: u32 = 1044;
pub(crate) const FILE_VERIFY_FLAGS: u32 = 1045;
pub(crate) const EXCLUSIVE_ARCHS: u32 = 1061;
pub(crate) const CHANGELOG_TIMES: u32 = 1080;
pub(crate) const CHANGELOG_NAMES: u32 = 1081;
pub(crate) const CHANGELOG_TEXTS: u32 = 1082;
pub(crate) const BUILD_ARCHS: u32 = 1089;
pub(crate) const FILE_DEVICES: u32 = 1095;
pub(crate) const FILE_INODES: u32 = 1096;
pub(crate) const FILE_LANGUAGES: u32 = 1097;
pub(crate) const SOURCE_PACKAGE: u32 = 1106;
pub(crate) const DIRECTORY_INDEXES: u32 = 1116;
pub(crate) const BASE_NAMES: u32 = 1117;
pub(crate) const DIRECTORY_NAMES: u32 = 1118;
pub(crate) const PAYLOAD_FORMAT: u32 = 1124;
pub(crate) const PAYLOAD_COMPRESSOR: u32 = 1125;
pub(crate) const PAYLOAD_FLAGS: u32 = 1126;
pub(crate) const PLATFORM: u32 = 1132;
/// In 64 bits, of packages beyond 4 GiB, and always in format 6.
pub(crate) const LONG_FILE_SIZES: u32 = 5008;
pub(crate) const LONG_SIZE: u32 = 5009;
pub(crate) const FILE_CAPABILITIES: u32 = 5010;
pub(crate) const FILE_DIGEST_ALGORITHM: u32 = 5011;
pub(crate) const BUG_URL: u32 = 5012;
pub(crate) const VCS: u32 = 5034;
pub(crate) const ENCODING: u32 = 5062;
pub(crate) const PAYLOAD_DIGEST: u32 = 5092;
pub(crate) const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
/// Of the payload before compression.
pub(crate) const PAYLOAD_DIGEST_ALTERNATIVE: u32 = 5097;
/// Bytes of the payload, then before compression; since format 6, as all that follow.
pub(crate) const PAYLOAD_SIZE: u32 = 5112;
pub(crate) const PAYLOAD_SIZE_ALTERNATIVE: u32 = 5113;
pub(crate) const RPM_FORMAT: u32 = 5114;
pub(crate) const FILE_MIME_INDEXES: u32 = 5115;
pub(crate) const MIME_TYPES: u32 = 5116;
/// Name and version of the source package.
pub(crate) const SOURCE_NEVR: u32 = 5120;
pub(crate) const PAYLOAD_SHA512: u32 = 5121;
pub(crate) const PAYLOAD_SHA512_ALTERNATIVE: u32 = 5122;
pub(crate) const PAYLOAD_SHA3_256: u32 = 5123;
pub(crate) const PAYLOAD_SHA3_256_ALTERNATIVE: u32 = 5124;

/// Names, versions and flags of one kind of relation.
#[derive(Clone, Copy)]
pub(crate) struct RelationTags {
    pub(crate) names: u32,
    pub(crate) versions: u32,
    pub(crate) flags: u32,
}

pub(crate) const PROVIDES: RelationTags = RelationTags { names: 1047, versions: 1113, flags: 1112 };
pub(crate) const REQUIRES: RelationTags = RelationTags { names: 1049, versions: 1050, flags: 1048 };
pub(crate) const CONFLICTS: RelationTags = RelationTags { names: 1054, versions: 1055, flags: 1053 };
pub(crate) const OBSOLETES: RelationTags = RelationTags { names: 1090, versions: 1115, flags: 1114 };
pub(crate) const RECOMMENDS: RelationTags = RelationTags { names: 5046, versions: 5047, flags: 5048 };
pub(crate) const SUGGESTS: RelationTags = RelationTags { names: 5049, versions: 5050, flags: 5051 };

pub(crate) const SUPPLEMENTS: RelationTags = RelationTags { names: 5052, versions: 5053, flags: 5054 };
pub(crate) const ENHANCES: RelationTags = RelationTags { names: 5055, versions: 5056, flags: 5057 };

pub(crate) const LESS: u32 = 1 << 1;
pub(crate) const GREATER: u32 = 1 << 2;
pub(crate) const EQUAL: u32 = 1 << 3;
pub(crate) const INTERPRETER: u32 = 1 << 8;

/// Of a scriptlet: its body, its program, and the flag of what has to be there for it.
#[derive(Clone, Copy)]
pub(crate) struct ScriptletTags {
    pub(crate) body: u32,
    pub(crate) program: u32,
    pub(crate) flag: u32,
}

pub(crate) const PRE_INSTALL: ScriptletTags = ScriptletTags { body: 1023, program: 1085, flag: 1 << 9 };
pub(crate) const POST_INSTALL: ScriptletTags = ScriptletTags { body: 1024, program: 1086, flag: 1 << 10 };
pub(crate) const PRE_UNINSTALL: ScriptletTags = ScriptletTags { body: 1025, program: 1087, flag: 1 << 11 };
pub(crate) const POST_UNINSTALL: ScriptletTags = ScriptletTags { body: 1026, program: 1088, flag: 1 << 12 };
pub(crate) const PRE_TRANSACTION: ScriptletTags = ScriptletTags { body: 1151, program: 1153, flag: 1 << 7 };
pub(crate) const POST_TRANSACTION: ScriptletTags = ScriptletTags { body: 1152, program: 1154, flag: 1 << 5 };
/// This one and the next since RPM 4.19.
pub(crate) const PRE_REMOVAL_TRANSACTION: ScriptletTags =
    ScriptletTags { body: 5104, program: 5106, flag: 1 << 20 };
pub(crate) const POST_REMOVAL_TRANSACTION: ScriptletTags =
    ScriptletTags { body: 5105, program: 5107, flag: 1 << 21 };

/// Of triggers that run once for a transaction, when files come and go.
pub(crate) const FILE_TRIGGER_BODIES: u32 = 5076;
pub(crate) const FILE_TRIGGER_PROGRAMS: u32 = 5077;
/// Each prefix of each trigger, with the number of the trigger, a version that is always empty, and when it runs.
pub(crate) const FILE_TRIGGER_PREFIXES: u32 = 5079;
pub(crate) const FILE_TRIGGER_INDEXES: u32 = 5080;
pub(crate) const FILE_TRIGGER_VERSIONS: u32 = 5081;
pub(crate) const FILE_TRIGGER_FLAGS: u32 = 5082;
pub(crate) const FILE_TRIGGER_PRIORITIES: u32 = 5085;

pub(crate) const TRIGGER_IN: u32 = 1 << 16;
pub(crate) const TRIGGER_UN: u32 = 1 << 17;
pub(crate) const TRIGGER_POST_UN: u32 = 1 << 18;

/// Relations that must hold before a package is unpacked: those of the first two scriptlets, and those that old
/// packages mark as such.
pub(crate) const PRE_REQUIRES: u32 = 1 << 6 | PRE_INSTALL.flag | POST_INSTALL.flag;
pub(crate) const RPMLIB: u32 = 1 << 24;

pub(crate) const FILE_CONFIG: u32 = 1;
pub(crate) const FILE_DOC: u32 = 2;
pub(crate) const FILE_MISSING_OK: u32 = 8;
pub(crate) const FILE_NO_REPLACE: u32 = 16;
pub(crate) const FILE_GHOST: u32 = 64;
pub(crate) const FILE_SPEC: u32 = 32;
pub(crate) const FILE_LICENSE: u32 = 128;

/// What is compared of a file's contents: checksum, size, target of a link, time.
pub(crate) const VERIFY_CONTENTS: u32 = 1 | 1 << 1 | 1 << 2 | 1 << 5;

/// SHA-256, as RPM numbers digests (after OpenPGP).
pub(crate) const SHA256: u32 = 8;
