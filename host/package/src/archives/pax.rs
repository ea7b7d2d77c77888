//! What stands before an entry of a tar as POSIX has it (IEEE 1003.1, pax): an extended header, where that of the entry has no
//! room for what there is to say.

use tar::{EntryType, Header};

use super::entry::{Entry, EntryError, PLUGIN_FAULT, refuse};
use super::tar_header::{fill, new_header, push_padding};

/// Bytes of a file whose size a header has eleven octal digits for.
const MAX_PLAIN_BYTES: u64 = (1 << 33) - 1;

/// Bytes of names of users and groups, before the zero.
const MAX_ACCOUNT_BYTES: usize = 31;

/// Keywords whose values the writer knows itself.
const OWN_KEYWORDS: [&str; 10] =
    ["path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "charset", "hdrcharset"];

/// Fills in the names of an entry. Returns the blocks that precede it.
pub(super) fn prepare(
    header: &mut Header,
    path: &str,
    target: Option<&str>,
    entry: &Entry<'_>,
) -> Result<Vec<u8>, EntryError> {
    let mut records = own_records(header, path, target, entry);
    for (keyword, value) in entry.headers {
        if OWN_KEYWORDS.contains(&keyword.as_str()) || keyword.starts_with("GNU.sparse.") {
            return refuse(format!("`{keyword}` in an extended header is the host's to say"), PLUGIN_FAULT);
        }
        if keyword.is_empty() || keyword.contains(['=', '\n', '\0']) || value.contains('\0') {
            return refuse(format!("the record {keyword:?} of its extended header"), PLUGIN_FAULT);
        }
        push_record(&mut records, keyword, value);
    }
    Ok(if records.is_empty() { records } else { extended_header(header, path, &records) })
}

/// An extended header, for the entry that follows.
fn extended_header(of: &Header, path: &str, records: &[u8]) -> Vec<u8> {
    let mut header = new_header(Header::new_ustar(), EntryType::XHeader, 0o644, of.mtime().unwrap_or(0));
    // Readers that know no extended headers unpack them under this name.
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name: String = last.chars().filter(|c| c.is_ascii_graphic()).take(80).collect();
    fill(header.as_ustar_mut().map(|it| &mut it.name[..]), &format!("PaxHeaders/{name}"));
    fill(header.as_ustar_mut().map(|it| &mut it.uname[..]), "root");
    fill(header.as_ustar_mut().map(|it| &mut it.gname[..]), "root");
    header.set_size(records.len() as u64);
    header.set_cksum();
    let mut blocks = header.as_bytes().to_vec();
    blocks.extend_from_slice(records);
    push_padding(&mut blocks);
    blocks
}

/// Fills in the names of a header. What has no room there becomes records.
fn own_records(header: &mut Header, path: &str, target: Option<&str>, entry: &Entry<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    if let Some(target) = target
        && !(fill(header.as_ustar_mut().map(|it| &mut it.linkname[..]), target) && target.is_ascii())
    {
        push_record(&mut records, "linkpath", target);
    }
    if !fill_path(header, path) {
        push_record(&mut records, "path", path);
    }
    let size = entry.data.size();
    if size > MAX_PLAIN_BYTES {
        // The header has it as well, in the way of GNU.
        push_record(&mut records, "size", &size.to_string());
    }
    let is_short = |name: &str| name.is_ascii() && name.len() <= MAX_ACCOUNT_BYTES;
    if !(fill(header.as_ustar_mut().map(|it| &mut it.uname[..]), entry.owner) && is_short(entry.owner)) {
        push_record(&mut records, "uname", entry.owner);
    }
    if !(fill(header.as_ustar_mut().map(|it| &mut it.gname[..]), entry.group) && is_short(entry.group)) {
        push_record(&mut records, "gname", entry.group);
    }
    records
}

/// Puts a path into a header, in two parts where it is long. Names there are ASCII: nobody knows their encoding, and that of
/// records is UTF-8.
fn fill_path(header: &mut Header, path: &str) -> bool {
    const NAME_BYTES: usize = 100;
    const PREFIX_BYTES: usize = 155;
    if path.len() > NAME_BYTES && path.is_ascii() {
        let is_split = |(at, _): &(usize, &str)| {
            let rest = path.len() - at - 1;
            (1..=PREFIX_BYTES).contains(at) && (1..=NAME_BYTES).contains(&rest)
        };
        if let Some((at, _)) = path.match_indices('/').find(is_split) {
            fill(header.as_ustar_mut().map(|it| &mut it.prefix[..]), &path[..at]);
            return fill(header.as_ustar_mut().map(|it| &mut it.name[..]), &path[at + 1..]);
        }
    }
    fill(header.as_ustar_mut().map(|it| &mut it.name[..]), path) && path.is_ascii()
}

/// `length keyword=value`, where the length counts itself.
fn push_record(to: &mut Vec<u8>, keyword: &str, value: &str) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    to.extend(format!("{length} {keyword}={value}\n").bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::entry::Data;
    use super::*;

    #[test]
    fn records_count_their_own_length() {
        for (value, expected) in [("a b", "12 path=a b\n"), ("", "8 path=\n"), ("x", "9 path=x\n")] {
            let mut records = Vec::new();
            push_record(&mut records, "path", value);
            assert_eq!(String::from_utf8(records).unwrap(), expected);
        }
        for length in 80..110 {
            let mut records = Vec::new();
            push_record(&mut records, "path", &"x".repeat(length));
            let said: usize =
                std::str::from_utf8(&records).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, records.len());
        }
    }

    #[test]
    fn a_size_beyond_the_digits_is_told_in_a_record() {
        // The header alone is looked at: no test writes nine gigabytes.
        let mut header = new_header(Header::new_ustar(), EntryType::Regular, 0o644, 7);
        let size = MAX_PLAIN_BYTES + 1;
        header.set_size(size);
        let data = Data::File(size, &mut std::io::empty());
        let entry = Entry { path: "a", mode: 0o640, owner: "root", group: "adm", headers: &[], data };
        let records = own_records(&mut header, "a", None, &entry);
        assert_eq!(String::from_utf8(records).unwrap(), "19 size=8589934592\n");
        assert_eq!(header.size().unwrap(), size);
    }
}
