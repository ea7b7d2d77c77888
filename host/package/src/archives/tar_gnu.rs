//! What stands before an entry of a tar as GNU has it: names that a header has no room for, in entries of their own.

use tar::{EntryType, Header};

use super::entry::{Entry, EntryError, OTHER_FORMAT, refuse};
use super::tar_header::{fill, new_header, push_padding};

/// The path of an entry that has the name of the next one, or the target of its link.
const LONG_LINK: &str = "././@LongLink";

/// Bytes of names of users and groups, before the zero.
const MAX_ACCOUNT_BYTES: usize = 31;

/// Fills in the names of an entry. Returns the blocks that precede it.
pub(super) fn prepare(
    header: &mut Header,
    path: &str,
    target: Option<&str>,
    entry: &Entry<'_>,
) -> Result<Vec<u8>, EntryError> {
    if !entry.headers.is_empty() {
        return refuse("only a tar of POSIX has extended headers", OTHER_FORMAT);
    }
    let mtime = header.mtime().unwrap_or(0);
    let mut blocks = Vec::new();
    if let Some(target) = target
        && !fill(header.as_gnu_mut().map(|it| &mut it.linkname[..]), target)
    {
        push_long_name(&mut blocks, EntryType::GNULongLink, target, mtime);
    }
    if !fill(header.as_gnu_mut().map(|it| &mut it.name[..]), path) {
        push_long_name(&mut blocks, EntryType::GNULongName, path, mtime);
    }
    for account in [entry.owner, entry.group] {
        if account.len() > MAX_ACCOUNT_BYTES {
            return refuse(format!("`{account}` has more than {MAX_ACCOUNT_BYTES} bytes"), OTHER_FORMAT);
        }
    }
    fill(header.as_gnu_mut().map(|it| &mut it.uname[..]), entry.owner);
    fill(header.as_gnu_mut().map(|it| &mut it.gname[..]), entry.group);
    Ok(blocks)
}

/// A zero ends the name.
fn push_long_name(blocks: &mut Vec<u8>, kind: EntryType, name: &str, mtime: u64) {
    let mut header = new_header(Header::new_gnu(), kind, 0o644, mtime);
    fill(header.as_gnu_mut().map(|it| &mut it.name[..]), LONG_LINK);
    fill(header.as_gnu_mut().map(|it| &mut it.uname[..]), "root");
    fill(header.as_gnu_mut().map(|it| &mut it.gname[..]), "root");
    header.set_size(name.len() as u64 + 1);
    header.set_cksum();
    blocks.extend_from_slice(header.as_bytes());
    blocks.extend_from_slice(name.as_bytes());
    blocks.push(0);
    push_padding(blocks);
}
