//! Encrypted connections to the server itself.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// The certificate of the server, and its key.
#[derive(Clone)]
pub struct TlsSettings(Arc<ServerConfig>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("{} cannot be used: {error}", .path.display())]
    File { path: PathBuf, error: pem::Error },
    /// They do not belong together, or are of a kind that is not understood.
    #[error("the certificate {} and its key cannot be used: {error}", .path.display())]
    Pair { path: PathBuf, error: rustls::Error },
}

impl TlsSettings {
    /// Reads a certificate, followed by those that vouch for it, and its key, as PEM.
    ///
    /// # Errors
    /// When they cannot be read or used.
    pub fn load(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let in_file = |path: &Path| {
            let path = path.to_owned();
            move |error| TlsError::File { path, error }
        };
        let chain =
            CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(in_file(certificates))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(in_file(key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let config = config.map_err(|error| TlsError::Pair { path: certificates.into(), error })?;
        Ok(Self(Arc::new(config)))
    }

    /// A connection that was just accepted. Nothing is read or written yet.
    ///
    /// # Errors
    /// When the settings allow no connection.
    pub fn accept(&self, socket: TcpStream) -> io::Result<TlsStream> {
        let session = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        Ok(TlsStream { session, socket })
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsSettings")
    }
}

/// An encrypted connection.
#[derive(Debug)]
pub struct TlsStream {
    session: ServerConnection,
    pub socket: TcpStream,
}

impl TlsStream {
    /// Says that nothing more is sent.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn end(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.send_pending()
    }

    fn send_pending(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

impl Read for TlsStream {
    /// [`ErrorKind::Interrupted`] when what arrived was no text yet: the caller sees whether there is time for more.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.session.reader().read(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => return read,
        }
        if self.session.read_tls(&mut self.socket)? == 0 {
            return Ok(0);
        }
        let processed = self.session.process_new_packets();
        // The answer of the handshake, or why there is none.
        self.send_pending()?;
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Err(ErrorKind::Interrupted.into())
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.session.writer().write(bytes)?;
        self.send_pending()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send_pending()
    }
}
