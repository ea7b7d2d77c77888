//! How much of an OPKG is read. All of it is far beyond any real one, and far below what would hurt the machine.

/// Bytes of `config.xml`.
pub const CONFIG_BYTES: u64 = 4 << 20;
/// Elements, texts and comments in `config.xml`.
pub const XML_NODES: u32 = 200_000;
/// Elements inside of one another in `config.xml`.
pub const XML_DEPTH: usize = 64;
/// Attributes of one element. The time that an XML parser takes grows with their square.
pub const XML_ATTRIBUTES: usize = 64;
/// Declarations of namespaces in the whole of `config.xml`: every element inherits all of them.
pub const XML_NAMESPACES: usize = 64;
/// Relations (`pkg` elements) of one OPKG.
pub const RELATIONS: usize = 5_000;
/// Distributions and architectures of one `filters`; each relation has a copy.
pub const FILTER_ENTRIES: usize = 100;
/// Letters of a package name: three packages, a version and an architecture must fit into a file name.
pub const NAME_CHARS: usize = 100;
/// Letters of a version.
pub const VERSION_CHARS: usize = 100;
/// Findings that are kept; who has more than that knows enough.
pub const FINDINGS: usize = 1_000;
/// Files and directories below the OPKG's own.
pub const ENTRIES: usize = 100_000;
/// Directories inside of one another.
pub const DIRECTORY_DEPTH: usize = 64;
/// Bytes of one file.
pub const FILE_BYTES: u64 = 1 << 30;
/// Bytes of all files.
pub const TOTAL_BYTES: u64 = 4 << 30;
/// Bytes of a script that its package must carry besides the file.
pub const CARRIED_SCRIPT_BYTES: u64 = 256 << 10;
/// Bytes of a line that starts with `#!`.
pub const INTERPRETER_BYTES: usize = 1024;
