//! Limits on OPKGs, far above any real one and far below what would exhaust the machine.

/// Bytes of `config.xml`.
pub const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Elements, texts and comments in `config.xml`.
pub const MAX_XML_NODES: u32 = 200_000;
/// Nested elements in `config.xml`.
pub const MAX_XML_DEPTH: usize = 64;
/// Attributes of one element. The time that an XML parser takes grows with their square.
pub const MAX_XML_ATTRIBUTES: usize = 64;
/// Declarations of namespaces in the whole of `config.xml`: every element inherits all of them.
pub const MAX_XML_NAMESPACES: usize = 64;
/// Related packages (`pkg` and `opkg` elements) of one OPKG.
pub const MAX_RELATIONS: usize = 5_000;
/// Packages of which one is enough: one relation is as many as the product of what each of them becomes.
pub const MAX_ANY_OF: usize = 8;
/// Distributions and architectures of one `filters`; each relation has a copy.
pub const MAX_FILTER_ENTRIES: usize = 100;
/// `payload` elements of one OPKG.
pub const MAX_PAYLOADS: usize = 50;
/// `take` and `omit` elements of one OPKG; each is compared with every path of its payload.
pub const MAX_PAYLOAD_PATTERNS: usize = 500;
/// Characters of the source of a payload.
pub const MAX_PAYLOAD_SOURCE_CHARS: usize = 2000;
/// Leading names that paths of a payload can lose.
pub const MAX_PAYLOAD_STRIP: usize = 16;
/// `file` elements of one OPKG; each is compared with every path.
pub const MAX_FILE_RULES: usize = 500;
/// `service` elements of one OPKG; each is compared with every unit.
pub const MAX_SERVICE_RULES: usize = 500;
/// `alternative` and `slave` elements of one OPKG.
pub const MAX_ALTERNATIVES: usize = 500;
/// `trigger` elements of one OPKG; each file that is installed later is compared with every one.
pub const MAX_TRIGGERS: usize = 100;
/// Characters of a package name: three packages, a version and an architecture must fit into a file name.
pub const MAX_NAME_CHARS: usize = 100;
/// Characters of a version.
pub const MAX_VERSION_CHARS: usize = 100;
/// Diagnostics that are kept.
pub const MAX_DIAGNOSTICS: usize = 1_000;
/// Files and directories below the OPKG's own.
pub const MAX_DIRECTORY_ENTRIES: usize = 100_000;
/// Nested directories.
pub const MAX_DIRECTORY_DEPTH: usize = 64;
/// Bytes of the name of a file or directory: what systems take, less the nine that package managers add while they unpack.
pub const MAX_FILE_NAME_BYTES: usize = 255 - 9;
/// Bytes of one file.
pub const MAX_FILE_BYTES: u64 = 64 << 30;
/// Bytes of all files.
pub const MAX_TOTAL_BYTES: u64 = 256 << 30;
/// Bytes of a script that its package must embed.
pub const MAX_EMBEDDED_SCRIPT_BYTES: u64 = 256 << 10;
/// Bytes of a line that starts with `#!`.
pub const MAX_SHEBANG_BYTES: usize = 1024;
