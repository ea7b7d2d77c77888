//! The two states of the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::mem;

use rustix::io::Errno;

use crate::generated::Rng;

pub type NodeId = u64;

/// The root directory's, by the protocol.
#[cfg(test)]
pub const ROOT: NodeId = 1;

/// What a disk keeps or loses at once.
const BLOCK: usize = 512;

/// What happens to that which was written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerLoss {
    /// All of it is lost.
    LosesAll,
    /// Any block and any name may be there or not; which, follows from the number.
    LosesSome(u64),
    /// There was none: the processes were killed and the machine went on.
    KeepsAll,
}

#[derive(Debug, Clone)]
pub enum Content {
    File { seen: Vec<u8>, synced: Vec<u8> },
    Directory { seen: BTreeMap<OsString, NodeId>, synced: BTreeMap<OsString, NodeId> },
    Symlink(Vec<u8>),
    Special,
}

/// A file, directory or link. What an inode holds besides its contents is never lost.
#[derive(Debug, Clone)]
pub struct Node {
    pub content: Content,
    /// Type and permissions.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Names that it has.
    pub links: u32,
    /// Seconds since 1970, and nanoseconds.
    pub modified: (u64, u32),
}

impl Node {
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File { seen, .. } => seen.len() as u64,
            Content::Symlink(target) => target.len() as u64,
            Content::Directory { .. } | Content::Special => 0,
        }
    }
}

/// Names that changed in one step: directory, name, and what it stands for from then on.
type NameChange = Vec<(NodeId, OsString, Option<NodeId>)>;

#[derive(Debug, Clone)]
pub struct Disk {
    nodes: Vec<Node>,
    /// Changes of names that were not synced, in their order.
    unsynced: Vec<NameChange>,
    is_journaled: bool,
    ignores_syncs: bool,
    cannot_exchange: bool,
}

impl Default for Disk {
    fn default() -> Self {
        let mut disk = Self {
            nodes: Vec::new(),
            unsynced: Vec::new(),
            is_journaled: false,
            ignores_syncs: false,
            cannot_exchange: false,
        };
        // Numbers begin with 1.
        disk.nodes.push(new_node(Content::Special, 0, (0, 0)));
        let root = Content::Directory { seen: BTreeMap::new(), synced: BTreeMap::new() };
        disk.nodes.push(new_node(root, 0o040_755, (0, 0)));
        disk
    }
}

fn new_node(content: Content, mode: u32, owner: (u32, u32)) -> Node {
    Node { content, mode, uid: owner.0, gid: owner.1, links: 1, modified: (1_400_000_000, 0) }
}

type Result<T> = std::result::Result<T, Errno>;

impl Disk {
    /// The same disk, but one that keeps names as ext4, XFS and Btrfs do: changes of them get lost from some point on, and
    /// `fsync` of whatever it is keeps all that there were until then. `fdatasync` does not. PostgreSQL counts on it: it
    /// syncs the file of a new table, not the directory.
    #[must_use]
    pub fn journaled(mut self) -> Self {
        self.is_journaled = true;
        self
    }

    /// The same disk, but one that says that it has synced and has not.
    #[must_use]
    pub fn ignoring_syncs(mut self) -> Self {
        self.ignores_syncs = true;
        self
    }

    /// The same disk, but one that cannot exchange two names, as many file systems cannot.
    #[must_use]
    pub fn without_exchange(mut self) -> Self {
        self.cannot_exchange = true;
        self
    }

    /// Syncs everything.
    pub fn sync_all(&mut self) {
        for change in mem::take(&mut self.unsynced) {
            self.apply_to_synced(change);
        }
        for node in &mut self.nodes {
            if let Content::File { seen, synced } = &mut node.content {
                synced.clone_from(seen);
            }
        }
    }

    /// The disk as it is when the power is back.
    pub fn lose_power(&mut self, loss: PowerLoss) {
        let mut rng = match loss {
            PowerLoss::KeepsAll => return self.sync_all(),
            PowerLoss::LosesAll => None,
            PowerLoss::LosesSome(seed) => Some(Rng::new(seed)),
        };
        let mut unsynced = mem::take(&mut self.unsynced);
        if let Some(rng) = &mut rng {
            if self.is_journaled {
                unsynced.truncate(rng.below(unsynced.len() + 1));
            }
            for change in unsynced {
                if self.is_journaled || rng.one_in(2) {
                    self.apply_to_synced(change);
                }
            }
        }
        for node in &mut self.nodes {
            match &mut node.content {
                Content::File { seen, synced } => {
                    if let Some(rng) = &mut rng
                        && seen != synced
                    {
                        *synced = mix(seen, synced, rng);
                    }
                    seen.clone_from(synced);
                }
                Content::Directory { seen, synced } => seen.clone_from(synced),
                Content::Symlink(_) | Content::Special => {}
            }
        }
        self.count_links();
    }

    fn count_links(&mut self) {
        let mut counts: BTreeMap<NodeId, u32> = BTreeMap::new();
        for node in &self.nodes {
            if let Content::Directory { seen, .. } = &node.content {
                for id in seen.values() {
                    *counts.entry(*id).or_default() += 1;
                }
            }
        }
        for (id, node) in self.nodes.iter_mut().enumerate() {
            node.links = counts.get(&(id as NodeId)).copied().unwrap_or(1);
        }
    }

    fn apply_to_synced(&mut self, change: NameChange) {
        let touched: BTreeSet<(NodeId, OsString)> =
            change.iter().map(|(directory, name, _)| (*directory, name.clone())).collect();
        for (directory, name, node) in change {
            if let Content::Directory { synced, .. } = &mut self.nodes[directory as usize].content {
                match node {
                    Some(node) => synced.insert(name, node),
                    None => synced.remove(&name),
                };
            }
        }
        // What was said of these names before is past.
        for earlier in &mut self.unsynced {
            earlier.retain(|(directory, name, _)| !touched.contains(&(*directory, name.clone())));
        }
    }

    /// Changes names in one step.
    fn change_names(&mut self, change: NameChange) {
        for (directory, name, node) in &change {
            if let Content::Directory { seen, .. } = &mut self.nodes[*directory as usize].content {
                match node {
                    Some(node) => seen.insert(name.clone(), *node),
                    None => seen.remove(name),
                };
            }
        }
        self.unsynced.push(change);
    }

    pub fn node(&self, id: NodeId) -> Result<&Node> {
        self.nodes.get(id as usize).ok_or(Errno::NOENT)
    }

    pub fn node_mut(&mut self, id: NodeId) -> Result<&mut Node> {
        self.nodes.get_mut(id as usize).ok_or(Errno::NOENT)
    }

    pub fn entries(&self, directory: NodeId) -> Result<&BTreeMap<OsString, NodeId>> {
        match &self.node(directory)?.content {
            Content::Directory { seen, .. } => Ok(seen),
            _ => Err(Errno::NOTDIR),
        }
    }

    pub fn lookup(&self, directory: NodeId, name: &OsStr) -> Result<NodeId> {
        self.entries(directory)?.get(name).copied().ok_or(Errno::NOENT)
    }

    pub fn create(
        &mut self,
        directory: NodeId,
        name: &OsStr,
        content: Content,
        mode: u32,
        owner: (u32, u32),
    ) -> Result<NodeId> {
        if self.entries(directory)?.contains_key(name) {
            return Err(Errno::EXIST);
        }
        let id = self.nodes.len() as NodeId;
        self.nodes.push(new_node(content, mode, owner));
        self.change_names(vec![(directory, name.to_owned(), Some(id))]);
        Ok(id)
    }

    pub fn link(&mut self, node: NodeId, directory: NodeId, name: &OsStr) -> Result<()> {
        if self.entries(directory)?.contains_key(name) {
            return Err(Errno::EXIST);
        }
        self.node_mut(node)?.links += 1;
        self.change_names(vec![(directory, name.to_owned(), Some(node))]);
        Ok(())
    }

    pub fn remove(&mut self, directory: NodeId, name: &OsStr) -> Result<()> {
        let node = self.lookup(directory, name)?;
        if let Content::Directory { seen, .. } = &self.node(node)?.content
            && !seen.is_empty()
        {
            return Err(Errno::NOTEMPTY);
        }
        let node = self.node_mut(node)?;
        node.links = node.links.saturating_sub(1);
        self.change_names(vec![(directory, name.to_owned(), None)]);
        Ok(())
    }

    pub fn rename(
        &mut self,
        from: (NodeId, &OsStr),
        to: (NodeId, &OsStr),
        exchange: bool,
        replace: bool,
    ) -> Result<()> {
        if exchange && self.cannot_exchange {
            return Err(Errno::INVAL);
        }
        let moved = self.lookup(from.0, from.1)?;
        let there = self.lookup(to.0, to.1).ok();
        let mut change = vec![(from.0, from.1.to_owned(), None), (to.0, to.1.to_owned(), Some(moved))];
        match there {
            Some(there) if exchange => change[0].2 = Some(there),
            None if exchange => return Err(Errno::NOENT),
            Some(_) if !replace => return Err(Errno::EXIST),
            // Two names of one file: nothing happens.
            Some(there) if there == moved => return Ok(()),
            Some(there) => {
                if let Content::Directory { seen, .. } = &self.node(there)?.content
                    && !seen.is_empty()
                {
                    return Err(Errno::NOTEMPTY);
                }
                let there = self.node_mut(there)?;
                there.links = there.links.saturating_sub(1);
            }
            None => {}
        }
        self.change_names(change);
        Ok(())
    }

    pub fn write(&mut self, file: NodeId, offset: usize, data: &[u8]) -> Result<()> {
        let Content::File { seen, .. } = &mut self.node_mut(file)?.content else { return Err(Errno::ISDIR) };
        let end = offset + data.len();
        if seen.len() < end {
            seen.resize(end, 0);
        }
        seen[offset..end].copy_from_slice(data);
        Ok(())
    }

    pub fn truncate(&mut self, file: NodeId, size: usize) -> Result<()> {
        let Content::File { seen, .. } = &mut self.node_mut(file)?.content else { return Err(Errno::ISDIR) };
        seen.resize(size, 0);
        Ok(())
    }

    /// Of a file its contents, of a directory the names in it.
    pub fn sync(&mut self, id: NodeId, contents_only: bool) -> Result<()> {
        if self.ignores_syncs {
            return Ok(());
        }
        if self.is_journaled && !contents_only {
            for change in mem::take(&mut self.unsynced) {
                self.apply_to_synced(change);
            }
        }
        match &mut self.node_mut(id)?.content {
            Content::File { seen, synced } => synced.clone_from(seen),
            Content::Directory { .. } => {
                let (synced, rest) = mem::take(&mut self.unsynced)
                    .into_iter()
                    .partition(|change: &NameChange| change.iter().any(|(directory, ..)| *directory == id));
                self.unsynced = rest;
                for change in synced {
                    self.apply_to_synced(change);
                }
            }
            Content::Symlink(_) | Content::Special => {}
        }
        Ok(())
    }
}

/// Of each block the new contents, the old ones, or nothing.
fn mix(seen: &[u8], synced: &[u8], rng: &mut Rng) -> Vec<u8> {
    let length = if rng.one_in(2) { seen.len() } else { synced.len() };
    let mut mixed = vec![0; length];
    for (index, block) in mixed.chunks_mut(BLOCK).enumerate() {
        let source = if rng.one_in(2) { seen } else { synced };
        let source = source.get(index * BLOCK..).unwrap_or_default();
        let count = source.len().min(block.len());
        block[..count].copy_from_slice(&source[..count]);
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(disk: &mut Disk, name: &str, bytes: &[u8]) -> NodeId {
        let content = Content::File { seen: Vec::new(), synced: Vec::new() };
        let id = disk.create(ROOT, OsStr::new(name), content, 0o100_644, (0, 0)).unwrap();
        disk.write(id, 0, bytes).unwrap();
        id
    }

    fn contents(disk: &Disk) -> Vec<(String, Vec<u8>)> {
        let entries = disk.entries(ROOT).unwrap();
        let bytes = |id: NodeId| match &disk.node(id).unwrap().content {
            Content::File { seen, .. } => seen.clone(),
            _ => Vec::new(),
        };
        entries.iter().map(|(name, id)| (name.to_string_lossy().into_owned(), bytes(*id))).collect()
    }

    #[test]
    fn contents_and_names_are_synced_apart() {
        let mut disk = Disk::default();
        let a = file(&mut disk, "a", b"one");
        disk.sync(a, false).unwrap();
        let mut without_names = disk.clone();
        without_names.lose_power(PowerLoss::LosesAll);
        assert_eq!(contents(&without_names), []);
        disk.sync(ROOT, false).unwrap();
        file(&mut disk, "b", b"two");
        disk.sync(ROOT, false).unwrap();
        disk.lose_power(PowerLoss::LosesAll);
        assert_eq!(contents(&disk), [("a".into(), b"one".to_vec()), ("b".into(), Vec::new())]);
    }

    #[test]
    fn a_rename_is_one_step_and_lasts_once_synced() {
        let mut disk = Disk::default();
        let old = file(&mut disk, "a", b"old");
        disk.sync(old, false).unwrap();
        disk.sync(ROOT, false).unwrap();
        let new = file(&mut disk, "new", b"new");
        disk.sync(new, false).unwrap();
        let name = OsStr::new;
        disk.rename((ROOT, name("new")), (ROOT, name("a")), false, true).unwrap();
        let mut seen = BTreeSet::new();
        for seed in 0..40 {
            let mut after = disk.clone();
            after.lose_power(PowerLoss::LosesSome(seed));
            let a = contents(&after).into_iter().find(|(name, _)| name == "a").unwrap().1;
            assert!(a == b"old" || a == b"new");
            seen.insert(a);
        }
        assert_eq!(seen.len(), 2);
        disk.sync(ROOT, false).unwrap();
        disk.lose_power(PowerLoss::LosesAll);
        assert_eq!(contents(&disk), [("a".into(), b"new".to_vec())]);
    }

    #[test]
    fn a_journal_of_names_is_kept_up_to_some_point() {
        let mut disk = Disk::default().journaled();
        file(&mut disk, "a", b"");
        let b = file(&mut disk, "b", b"");
        let mut contents_only = disk.clone();
        contents_only.sync(b, true).unwrap();
        contents_only.lose_power(PowerLoss::LosesAll);
        assert_eq!(contents(&contents_only), []);
        disk.sync(b, false).unwrap();
        for name in ["c", "d", "e"] {
            file(&mut disk, name, b"");
        }
        let names = |disk: &Disk| contents(disk).into_iter().map(|(name, _)| name).collect::<String>();
        let mut seen = BTreeSet::new();
        for seed in 0..40 {
            let mut after = disk.clone();
            after.lose_power(PowerLoss::LosesSome(seed));
            seen.insert(names(&after));
        }
        assert_eq!(seen, ["ab", "abc", "abcd", "abcde"].map(String::from).into());
    }

    #[test]
    fn one_that_ignores_syncs_keeps_nothing() {
        let mut disk = Disk::default().ignoring_syncs();
        let a = file(&mut disk, "a", b"one");
        disk.sync(a, false).unwrap();
        disk.sync(ROOT, false).unwrap();
        disk.lose_power(PowerLoss::LosesAll);
        assert_eq!(contents(&disk), []);
    }
}
