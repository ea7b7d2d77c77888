//! The requests of the kernel and the answers to them, as bytes: the part of FUSE, version 7.31, that the disk needs. See
//! `linux/fuse.h`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::io::Errno;

use super::model::{Content, Node, NodeId};

const IN_HEADER: usize = 40;
/// Bytes of one write at most.
pub const MAX_WRITE: u32 = 128 << 10;
/// Of a request with a write in it.
pub const BUFFER: usize = MAX_WRITE as usize + 4096;

pub struct Request {
    pub unique: u64,
    pub node: NodeId,
    pub owner: (u32, u32),
    pub operation: Operation,
}

pub enum Operation {
    Init {
        minor: u32,
        max_readahead: u32,
    },
    Lookup(OsString),
    GetAttributes,
    SetAttributes {
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        modified: Option<(u64, u32)>,
    },
    ReadLink,
    Create {
        name: OsString,
        content: Content,
        mode: u32,
        opened: bool,
    },
    Remove(OsString),
    Rename {
        name: OsString,
        directory: NodeId,
        to: OsString,
        exchange: bool,
        replace: bool,
    },
    Link {
        node: NodeId,
        name: OsString,
    },
    Open,
    Read {
        offset: u64,
        size: u32,
    },
    ReadDirectory {
        offset: u64,
        size: u32,
    },
    /// `is_late` when the kernel wrote what had been changed in mapped memory before.
    Write {
        offset: u64,
        data: Vec<u8>,
        is_late: bool,
    },
    Sync {
        contents_only: bool,
    },
    StatFs,
    /// Asks for nothing but an answer.
    Release,
    /// Wants no answer.
    Forget,
    Unsupported,
}

impl Request {
    /// # Panics
    ///
    /// If the kernel does not keep to the protocol.
    pub fn parse(bytes: &[u8]) -> Self {
        let head = Fields(bytes);
        let body = Fields(&bytes[IN_HEADER..]);
        let operation = match head.u32(4) {
            1 => Operation::Lookup(body.names(0).remove(0)),
            2 | 36 | 38 | 42 => Operation::Forget,
            3 => Operation::GetAttributes,
            4 => set_attributes(body),
            5 => Operation::ReadLink,
            6 => {
                let mut names = body.names(0);
                let target = names.remove(1).into_vec();
                create(names.remove(0), Content::Symlink(target), 0o120_777)
            }
            8 => {
                let (mode, umask) = (body.u32(0), body.u32(8));
                let content = if mode & 0o170_000 == 0o100_000 { new_file() } else { Content::Special };
                create(body.names(16).remove(0), content, mode & !umask)
            }
            9 => {
                let mode = body.u32(0) & !body.u32(4) & 0o7777;
                let content = Content::Directory { seen: Default::default(), synced: Default::default() };
                create(body.names(8).remove(0), content, mode | 0o040_000)
            }
            10 | 11 => Operation::Remove(body.names(0).remove(0)),
            12 => rename(body.u64(0), 0, body.names(8)),
            13 => Operation::Link { node: body.u64(0), name: body.names(8).remove(0) },
            14 | 27 => Operation::Open,
            15 => Operation::Read { offset: body.u64(8), size: body.u32(16) },
            16 => {
                let size = body.u32(16) as usize;
                Operation::Write {
                    offset: body.u64(8),
                    data: body.0[40..40 + size].to_vec(),
                    is_late: body.u32(20) & 1 != 0,
                }
            }
            17 => Operation::StatFs,
            18 | 25 | 29 => Operation::Release,
            20 | 30 => Operation::Sync { contents_only: body.u32(8) & 1 != 0 },
            26 => Operation::Init { minor: body.u32(4), max_readahead: body.u32(8) },
            28 => Operation::ReadDirectory { offset: body.u64(8), size: body.u32(16) },
            35 => {
                let mode = body.u32(4) & !body.u32(8);
                Operation::Create { name: body.names(16).remove(0), content: new_file(), mode, opened: true }
            }
            45 => rename(body.u64(0), body.u32(8), body.names(16)),
            _ => Operation::Unsupported,
        };
        Self { unique: head.u64(8), node: head.u64(16), owner: (head.u32(24), head.u32(28)), operation }
    }
}

fn new_file() -> Content {
    Content::File { seen: Vec::new(), synced: Vec::new() }
}

fn create(name: OsString, content: Content, mode: u32) -> Operation {
    Operation::Create { name, content, mode, opened: false }
}

fn rename(directory: NodeId, flags: u32, mut names: Vec<OsString>) -> Operation {
    let to = names.remove(1);
    let name = names.remove(0);
    Operation::Rename { name, directory, to, exchange: flags & 2 != 0, replace: flags & 1 == 0 }
}

fn set_attributes(body: Fields<'_>) -> Operation {
    let valid = body.u32(0);
    let given = |bit: u32| valid & bit != 0;
    // The present time is not for tests.
    let now = (1_500_000_000, 0);
    Operation::SetAttributes {
        mode: given(1).then(|| body.u32(68)),
        uid: given(2).then(|| body.u32(76)),
        gid: given(4).then(|| body.u32(80)),
        size: given(8).then(|| body.u64(16)),
        modified: given(0x20).then(|| if given(0x100) { now } else { (body.u64(40), body.u32(60)) }),
    }
}

/// Numbers at their places, in the byte order of the machine.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn u64(self, at: usize) -> u64 {
        u64::from_ne_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    /// Texts from there on, each with a zero behind it.
    fn names(self, at: usize) -> Vec<OsString> {
        let texts = self.0[at..].split(|byte| *byte == 0);
        texts.map(|text| OsStr::from_bytes(text).to_owned()).collect()
    }
}

/// What is sent back.
#[derive(Default)]
pub struct Reply(Vec<u8>);

impl Reply {
    fn u16(mut self, number: u16) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn zeros(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    pub fn bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub fn init(minor: u32, max_readahead: u32) -> Self {
        const BIG_WRITES: u32 = 1 << 5;
        Self::default()
            .u32(7)
            .u32(minor.min(31))
            .u32(max_readahead)
            .u32(BIG_WRITES)
            .u16(16)
            .u16(12)
            .u32(MAX_WRITE)
            .u32(1)
            .zeros(36)
    }

    fn attributes(self, id: NodeId, node: &Node) -> Self {
        let (seconds, nanoseconds) = node.modified;
        self.u64(id)
            .u64(node.size())
            .u64(node.size().div_ceil(512))
            .u64(seconds)
            .u64(seconds)
            .u64(seconds)
            .u32(nanoseconds)
            .u32(nanoseconds)
            .u32(nanoseconds)
            .u32(node.mode)
            .u32(node.links)
            .u32(node.uid)
            .u32(node.gid)
            .u32(0)
            .u32(4096)
            .u32(0)
    }

    /// Of a node, to be asked for again each time.
    pub fn attributes_of(id: NodeId, node: &Node) -> Self {
        Self::default().zeros(16).attributes(id, node)
    }

    pub fn entry(id: NodeId, node: &Node) -> Self {
        Self::default().u64(id).zeros(32).attributes(id, node)
    }

    /// What was opened needs no handle: nodes live as long as the disk.
    pub fn with_opened(self) -> Self {
        self.zeros(16)
    }

    pub fn opened() -> Self {
        Self::default().with_opened()
    }

    pub fn written(count: usize) -> Self {
        Self::default().u32(count as u32).u32(0)
    }

    pub fn statfs() -> Self {
        const BLOCKS: u64 = 1 << 20;
        let counts = Self::default().u64(BLOCKS).u64(BLOCKS).u64(BLOCKS).u64(BLOCKS).u64(BLOCKS);
        counts.u32(4096).u32(255).u32(4096).zeros(28)
    }

    /// Entries of a directory, as many as there is room for.
    pub fn directory<'a>(entries: impl Iterator<Item = (u64, NodeId, u32, &'a OsStr)>, room: u32) -> Self {
        let mut reply = Self::default();
        for (next, id, mode, name) in entries {
            let length = (24 + name.len()).next_multiple_of(8);
            if reply.0.len() + length > room as usize {
                break;
            }
            let end = reply.0.len() + length;
            reply = reply.u64(id).u64(next).u32(name.len() as u32).u32(mode >> 12);
            reply.0.extend(name.as_bytes());
            reply.0.resize(end, 0);
        }
        reply
    }

    /// With the head in front.
    pub fn message(unique: u64, result: Result<Self, Errno>) -> Vec<u8> {
        let (error, body) = match result {
            Ok(reply) => (0, reply.0),
            Err(error) => (-error.raw_os_error(), Vec::new()),
        };
        let mut message =
            Self::default().u32(16 + body.len() as u32).u32(error.cast_unsigned()).u64(unique).0;
        message.extend(body);
        message
    }
}
