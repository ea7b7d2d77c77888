//! Places for connections. There are few, and whoever has not shown who they are gives way: other users of the machine,
//! who can open as many as they like, keep nobody out.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::stream::Stream;

/// That have not sent a request of a session so far. A further one ends the oldest.
pub const MAX_PENDING: usize = 64;
/// Of sessions.
pub const MAX_ACTIVE: usize = 64;

/// All open connections.
#[derive(Debug, Default)]
pub struct ConnectionTable(Mutex<Connections>);

#[derive(Debug, Default)]
struct Connections {
    last_id: u64,
    /// Oldest first.
    pending: VecDeque<(u64, Stream)>,
    active: usize,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    table: &'a ConnectionTable,
    kind: PlaceKind,
}

#[derive(Debug, Clone, Copy)]
enum PlaceKind {
    Pending(u64),
    Active,
}

impl ConnectionTable {
    /// A place for a new connection. Where there is none left, the oldest that has not shown who it is loses its own.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn admit(&self, stream: &Stream) -> io::Result<Place<'_>> {
        let stream = stream.try_clone()?;
        let mut connections = self.lock();
        if connections.pending.len() >= MAX_PENDING
            && let Some((_, oldest)) = connections.pending.pop_front()
        {
            // Whoever reads from it finds the end. It may be closed already.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        connections.last_id += 1;
        let id = connections.last_id;
        connections.pending.push_back((id, stream));
        Ok(Place { table: self, kind: PlaceKind::Pending(id) })
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// The connection belongs to a session: nobody takes its place any more. Returns whether there was one left.
    #[must_use]
    pub fn activate(&mut self) -> bool {
        let PlaceKind::Pending(id) = self.kind else { return true };
        let mut connections = self.table.lock();
        if connections.active >= MAX_ACTIVE {
            return false;
        }
        connections.active += 1;
        connections.pending.retain(|(pending, _)| *pending != id);
        self.kind = PlaceKind::Active;
        true
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut connections = self.table.lock();
        match self.kind {
            PlaceKind::Pending(id) => connections.pending.retain(|(pending, _)| *pending != id),
            PlaceKind::Active => connections.active = connections.active.saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_oldest_that_is_unknown_gives_way_and_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (client, Stream::Tcp(listener.accept().unwrap().0))
        };
        let table = ConnectionTable::default();
        let (mut known_client, known_server) = connect();
        let mut known = table.admit(&known_server).unwrap();
        assert!(known.activate());
        let unknown: Vec<_> = (0..=MAX_PENDING).map(|_| connect()).collect();
        let places: Vec<_> = unknown.iter().map(|(_, server)| table.admit(server).unwrap()).collect();
        let is_open = |mut client: &TcpStream| {
            client.set_nonblocking(true).unwrap();
            client.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        let open: Vec<bool> = unknown.iter().map(|(client, _)| is_open(client)).collect();
        assert_eq!(open.iter().filter(|open| !**open).count(), 1);
        assert!(!open[0] && is_open(&known_client));
        drop(places);
        drop(known);
        assert!(table.lock().pending.is_empty() && table.lock().active == 0);
        let _ = known_client.read(&mut [0]);
    }

    #[test]
    fn those_of_sessions_are_limited_as_well() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Stream::Tcp(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let table = ConnectionTable::default();
        let mut places: Vec<_> = (0..MAX_ACTIVE).map(|_| table.admit(&client).unwrap()).collect();
        assert!(places.iter_mut().all(Place::activate));
        let mut further = table.admit(&client).unwrap();
        assert!(!further.activate());
        places.pop();
        assert!(further.activate() && further.activate());
    }
}
