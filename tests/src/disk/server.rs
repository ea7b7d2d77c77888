//! The mounted disk: a thread that answers the kernel.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::model::{Content, Disk};
use super::protocol::{BUFFER, Operation, Reply, Request};
use crate::{scratch, tools};

/// Databases take a file system in user space for one over a network, unless it is known to be local. This one is.
const TYPE: &str = "fuse.fuse-overlayfs";

/// Whether this machine lets us mount one; says so where it does not.
#[must_use]
pub fn can_mount() -> bool {
    if !tools::is_root() {
        return false;
    }
    let place = scratch::create_directory("disk-probe");
    match MountedDisk::try_mount(Disk::default(), &place, None) {
        Ok(_) => true,
        Err(error) => {
            tools::skip(&format!("no file system in user space can be mounted: {error}"));
            false
        }
    }
}

/// The power is gone: nothing is answered any more. The processes must be killed before this is dropped.
#[derive(Debug)]
pub struct Cut(#[expect(dead_code, reason = "it is there to be dropped")] Sender<()>);

/// A disk at a place in the file system, until this is dropped.
#[derive(Debug)]
pub struct MountedDisk {
    place: PathBuf,
    state: Arc<Mutex<State>>,
    server: Option<JoinHandle<()>>,
    cut: Receiver<Cut>,
}

#[derive(Debug)]
struct State {
    disk: Disk,
    /// How many things were written or synced.
    steps: usize,
}

impl MountedDisk {
    /// Mounts a disk whose power is cut in place of the given step: of everything that is written, created, renamed,
    /// removed or synced, counted from 1.
    ///
    /// # Panics
    ///
    /// If it cannot be mounted.
    #[must_use]
    pub fn mount(disk: Disk, place: &Path, cut_at: Option<usize>) -> Self {
        Self::try_mount(disk, place, cut_at).unwrap()
    }

    fn try_mount(disk: Disk, place: &Path, cut_at: Option<usize>) -> io::Result<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse")?;
        let options = format!(
            "fd={},rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions",
            device.as_raw_fd()
        );
        let options = std::ffi::CString::new(options)?;
        mount("opkg-tests", place, TYPE, MountFlags::NOSUID, options.as_c_str())?;
        let state = Arc::new(Mutex::new(State { disk, steps: 0 }));
        let (sender, cut) = channel();
        let served = Arc::clone(&state);
        let server = thread::spawn(move || serve(device, &served, cut_at, &sender));
        Ok(Self { place: place.to_owned(), state, server: Some(server), cut })
    }

    /// Whether the power is cut; then the processes wait for answers that never come.
    #[must_use]
    pub fn poll_cut(&self) -> Option<Cut> {
        self.cut.try_recv().ok()
    }

    /// How many steps there were.
    ///
    /// # Panics
    ///
    /// If the server has panicked.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.state.lock().unwrap().steps
    }

    /// Takes the disk out. Nobody may use it any more.
    ///
    /// # Panics
    ///
    /// If the server has panicked.
    #[must_use]
    pub fn unmount(mut self) -> Disk {
        self.stop();
        self.state.lock().unwrap().disk.clone()
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            // Ends the server as well: it reads from what is no longer connected.
            let _ = unmount(&self.place, UnmountFlags::FORCE | UnmountFlags::DETACH);
            // One that waits after the cut is let go by whoever holds the `Cut`.
            let _ = server.join();
        }
    }
}

impl Drop for MountedDisk {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(mut device: File, state: &Mutex<State>, cut_at: Option<usize>, cut: &Sender<Cut>) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match device.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Unmounted.
            Err(error) if error.raw_os_error() == Some(Errno::NODEV.raw_os_error()) => return,
            // A request that was taken back.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => panic!("/dev/fuse: {error}"),
        };
        let request = Request::parse(&buffer[..count]);
        let mut state = state.lock().unwrap();
        if is_step(&request.operation) {
            state.steps += 1;
            if cut_at.is_some_and(|step| state.steps >= step) {
                drop(state);
                let (held, gone) = channel();
                let _ = cut.send(Cut(held));
                // Until it is dropped.
                let _ = gone.recv();
                return;
            }
        }
        if matches!(request.operation, Operation::Forget) {
            continue;
        }
        let unique = request.unique;
        let message = Reply::message(unique, answer(&mut state.disk, request));
        drop(state);
        // Who asked may have been killed meanwhile.
        let _ = device.write_all(&message);
    }
}

/// Whether the moment before is another one than the moment after. What the kernel writes late comes whenever it likes,
/// and is no moment that a test can choose.
fn is_step(operation: &Operation) -> bool {
    match operation {
        Operation::SetAttributes { size, .. } => size.is_some(),
        Operation::Write { is_late, .. } => !is_late,
        Operation::Create { .. }
        | Operation::Remove(_)
        | Operation::Rename { .. }
        | Operation::Link { .. }
        | Operation::Sync { .. } => true,
        _ => false,
    }
}

fn answer(disk: &mut Disk, request: Request) -> Result<Reply, Errno> {
    let Request { node, owner, operation, .. } = request;
    Ok(match operation {
        Operation::Init { minor, max_readahead } => Reply::init(minor, max_readahead),
        Operation::Lookup(name) => {
            let id = disk.lookup(node, &name)?;
            Reply::entry(id, disk.node(id)?)
        }
        Operation::GetAttributes => Reply::attributes_of(node, disk.node(node)?),
        Operation::SetAttributes { mode, uid, gid, size, modified } => {
            if let Some(size) = size {
                disk.truncate(node, size as usize)?;
            }
            let found = disk.node_mut(node)?;
            if let Some(mode) = mode {
                found.mode = found.mode & 0o170_000 | mode & 0o7777;
            }
            found.uid = uid.unwrap_or(found.uid);
            found.gid = gid.unwrap_or(found.gid);
            found.modified = modified.unwrap_or(found.modified);
            Reply::attributes_of(node, found)
        }
        Operation::ReadLink => match &disk.node(node)?.content {
            Content::Symlink(target) => Reply::bytes(target),
            _ => return Err(Errno::INVAL),
        },
        Operation::Create { name, content, mode, opened } => {
            let id = disk.create(node, &name, content, mode, owner)?;
            let reply = Reply::entry(id, disk.node(id)?);
            if opened { reply.with_opened() } else { reply }
        }
        Operation::Remove(name) => {
            disk.remove(node, &name)?;
            Reply::default()
        }
        Operation::Rename { name, directory, to, exchange, replace } => {
            disk.rename((node, &name), (directory, &to), exchange, replace)?;
            Reply::default()
        }
        Operation::Link { node: linked, name } => {
            disk.link(linked, node, &name)?;
            Reply::entry(linked, disk.node(linked)?)
        }
        Operation::Open => Reply::opened(),
        Operation::Read { offset, size } => match &disk.node(node)?.content {
            Content::File { seen, .. } => {
                let rest = seen.get(offset as usize..).unwrap_or_default();
                Reply::bytes(&rest[..rest.len().min(size as usize)])
            }
            _ => return Err(Errno::ISDIR),
        },
        Operation::ReadDirectory { offset, size } => {
            let entries = disk.entries(node)?.iter().enumerate().skip(offset as usize);
            let entries = entries.filter_map(|(index, (name, id))| {
                Some((index as u64 + 1, *id, disk.node(*id).ok()?.mode, name.as_os_str()))
            });
            Reply::directory(entries, size)
        }
        Operation::Write { offset, data, .. } => {
            disk.write(node, offset as usize, &data)?;
            Reply::written(data.len())
        }
        Operation::Sync { contents_only } => {
            disk.sync(node, contents_only)?;
            Reply::default()
        }
        Operation::StatFs => Reply::statfs(),
        Operation::Release => Reply::default(),
        Operation::Forget | Operation::Unsupported => return Err(Errno::NOSYS),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::disk::PowerLoss;

    #[test]
    fn a_mounted_disk_is_a_file_system() {
        if !can_mount() {
            return;
        }
        let place = scratch::create_directory("disk");
        let mounted = MountedDisk::mount(Disk::default(), &place, None);
        fs::create_dir(place.join("d")).unwrap();
        let large: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
        fs::write(place.join("d/large"), &large).unwrap();
        fs::hard_link(place.join("d/large"), place.join("second")).unwrap();
        fs::rename(place.join("second"), place.join("d/third")).unwrap();
        symlink("d/large", place.join("link")).unwrap();
        assert_eq!(fs::read(place.join("link")).unwrap(), large);
        let mut names: Vec<_> =
            fs::read_dir(place.join("d")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["large", "third"]);
        fs::remove_file(place.join("d/large")).unwrap();
        assert!(fs::remove_dir(place.join("d")).is_err());
        assert_eq!(fs::read(place.join("d/third")).unwrap(), large);
        fs::write(place.join("synced"), "here").unwrap();
        File::open(place.join("synced")).unwrap().sync_all().unwrap();
        File::open(&place).unwrap().sync_all().unwrap();
        let mut disk = mounted.unmount();
        disk.lose_power(PowerLoss::LosesAll);
        let _mounted = MountedDisk::mount(disk, &place, None);
        assert_eq!(fs::read_to_string(place.join("synced")).unwrap(), "here");
        // Renamed out of the synced directory in one step, so that the other end of it is there as well.
        assert_eq!(fs::read_to_string(place.join("d/third")).unwrap(), "");
        assert_eq!(fs::read_dir(place.join("d")).unwrap().count(), 1);
    }
}
