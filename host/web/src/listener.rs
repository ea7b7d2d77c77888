//! Where the server listens: at an address of the network, or at a socket in the file system.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use opkg_oda::ParseError;
use rustix::fs::Mode;

use crate::stream::{Peer, Stream};

/// Before the path of a socket.
const SOCKET_PREFIX: &str = "unix:";

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// With port 0, at any free port.
    Tcp(SocketAddr),
    /// At a socket with this absolute path.
    Socket(PathBuf),
}

impl FromStr for ListenAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some(path) = text.strip_prefix(SOCKET_PREFIX).map(Path::new).filter(|path| path.is_absolute())
        {
            return Ok(Self::Socket(path.into()));
        }
        let local = || text.parse().ok().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
        let rule = "a port, an address in numbers with a port, or `unix:` and the path of a socket: 8640, \
                    127.0.0.1:8640, [::1]:8640, unix:/run/opm-web/socket";
        let address = text.parse().ok().or_else(local);
        address.map(Self::Tcp).ok_or_else(|| ParseError::new("address to listen at", text, rule))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Socket(path) => write!(f, "{SOCKET_PREFIX}{}", path.display()),
        }
    }
}

/// Accepts connections, without waiting for them.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Socket { listener: UnixListener, _file: SocketFile },
}

/// The socket in the file system; goes away when this is dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Listener {
    /// A socket is for its owner and, where there is one, this group. One that a server left that has ended is replaced.
    ///
    /// # Errors
    /// When the address is not available.
    pub fn bind(address: &ListenAddress, group: Option<u32>) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(listener))
            }
            ListenAddress::Socket(path) => {
                remove_stale_socket(path)?;
                // Nobody else may connect before it belongs to the group.
                let usual = rustix::process::umask(Mode::RWXG | Mode::RWXO);
                let bound = UnixListener::bind(path);
                rustix::process::umask(usual);
                let listener = bound?;
                let file = SocketFile(path.clone());
                listener.set_nonblocking(true)?;
                if group.is_some() {
                    chown(path, None, group)?;
                    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
                }
                Ok(Self::Socket { listener, _file: file })
            }
        }
    }

    /// The address of the network at which it listens.
    ///
    /// # Errors
    /// When the operating system does not say it.
    pub fn local_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            Self::Socket { .. } => Ok(None),
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] where there is none; when the process has no file descriptor left.
    pub fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => listener
                .accept()
                .map(|(stream, from)| (Stream::Tcp(stream), Peer::Ip(from.ip().to_canonical()))),
            Self::Socket { listener, .. } => {
                listener.accept().map(|(stream, _)| (Stream::Unix(stream), Peer::Local))
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Socket { listener, .. } => listener.as_fd(),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes a socket at which nobody listens; anything else stays, and is in the way.
fn remove_stale_socket(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    let is_refused = |error: &io::Error| error.kind() == ErrorKind::ConnectionRefused;
    if is_socket && UnixStream::connect(path).is_err_and(|error| is_refused(&error)) {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn where_to_listen() {
        for (text, shown) in [
            ("8640", "127.0.0.1:8640"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[::1]:8640", "[::1]:8640"),
            ("unix:/run/opm-web/socket", "unix:/run/opm-web/socket"),
        ] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), shown);
        }
        for text in ["", "head:8640", "10.0.0.1", "unix:", "unix:socket", "/run/socket", "65536"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_socket_is_for_its_owner_and_takes_the_place_of_one_that_was_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let address = ListenAddress::Socket(path.clone());
        let listener = Listener::bind(&address, None).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode() & 0o077, 0);
        assert_eq!(Listener::bind(&address, None).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
        assert!(!path.exists());
        // As a server leaves it that was killed.
        drop(UnixListener::bind(&path).unwrap());
        let group = rustix::process::getgid().as_raw();
        let listener = Listener::bind(&address, Some(group)).unwrap();
        assert_eq!(mode(), 0o660);
        let _client = UnixStream::connect(&path).unwrap();
        assert_eq!(listener.accept().unwrap().1, Peer::Local);
        drop(listener);
        fs::write(&path, "a file").unwrap();
        assert!(Listener::bind(&address, None).is_err() && path.exists());
    }
}
