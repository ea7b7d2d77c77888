//! A network that can be cut: connections to a server go through it, for as long as it lets them.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes on what comes to a socket of its own.
#[derive(Debug)]
pub struct Proxy {
    directory: tempfile::TempDir,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_cut: bool,
    /// What the server says does not get through any more, what it is told does.
    swallows_answers: bool,
    open: Vec<UnixStream>,
}

impl Proxy {
    /// Between clients and the socket of a server, which has the same name here.
    ///
    /// # Panics
    /// When a socket cannot be made.
    #[must_use]
    pub fn new(server: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join(server.file_name().unwrap())).unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (its, server) = (Arc::clone(&shared), server.to_owned());
        // It ends with the process of the test.
        thread::spawn(move || {
            for client in listener.incoming() {
                let _ = client.and_then(|client| connect(&its, client, &server));
            }
        });
        Self { directory, shared }
    }

    /// Where its socket is.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Breaks all connections, and lets no new one through.
    pub fn cut(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.is_cut = true;
        for stream in shared.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// What the server answers gets lost from now on, and so does the connection: what it was told, it does.
    pub fn lose_next_answer(&self) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).swallows_answers = true;
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Shared::default();
    }
}

fn connect(shared: &Arc<Mutex<Shared>>, client: UnixStream, server: &Path) -> io::Result<()> {
    let mut known = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_cut {
        return client.shutdown(Shutdown::Both);
    }
    let server = UnixStream::connect(server)?;
    known.open.extend([client.try_clone()?, server.try_clone()?]);
    drop(known);
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass(from_client, to_server, || false));
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        pass(server, client, || {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.is_cut |= shared.swallows_answers;
            shared.is_cut
        });
    });
    Ok(())
}

/// Passes on what comes, until one side ends or `is_cut` says so of what is to be passed on.
fn pass(mut from: UnixStream, mut to: UnixStream, is_cut: impl Fn() -> bool) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if is_cut() || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
