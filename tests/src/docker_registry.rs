//! A registry of OCI as a distribution packages it.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::scratch;
use crate::server_certificate::ServerCertificate;

/// Nothing that the tests start takes longer, or it hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Who may ask: `me`, whose password is `secret`.
const HTPASSWD: &str = "me:$2b$04$Kgp.v/6q/fKFPrDduTQkoeHOKsr5y1WL7OAdtyfcG7uQeWiyCfRfa\n";

/// A file of credentials of who may ask a registry.
#[must_use]
pub fn auth_file(host: &str) -> String {
    // me:secret
    format!(r#"{{"auths": {{"{host}": {{"auth": "bWU6c2VjcmV0"}}}}}}"#)
}

/// Answers on a port of this machine, until it is dropped.
#[derive(Debug)]
pub struct DockerRegistry {
    process: Child,
    /// Under which it is asked.
    host: String,
    /// Where it keeps everything.
    data: PathBuf,
}

impl DockerRegistry {
    /// An empty one, which wants to know who asks or does not.
    ///
    /// # Panics
    ///
    /// If it does not answer within minutes.
    #[must_use]
    pub fn start(with_passwords: bool) -> Self {
        Self::start_at("127.0.0.1", with_passwords, None)
    }

    /// An empty one that speaks HTTPS, at an address that is this machine and none of those to which clients speak without it.
    ///
    /// # Panics
    ///
    /// If it does not answer within minutes.
    #[must_use]
    pub fn start_encrypted() -> (Self, ServerCertificate) {
        let address = "0.0.0.0";
        let made = ServerCertificate::new(address);
        (Self::start_at(address, false, Some(&made)), made)
    }

    fn start_at(address: &str, with_passwords: bool, certificate: Option<&ServerCertificate>) -> Self {
        let directory = scratch::create_directory("registry");
        // The port is free again for the registry; somebody who takes it meanwhile makes the test fail, not succeed.
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let passwords = directory.join("htpasswd");
        fs_err::write(&passwords, HTPASSWD).unwrap();
        let data = directory.join("data");
        let auth = match with_passwords {
            true => format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", passwords.display()),
            false => String::new(),
        };
        let tls = certificate.map_or_else(String::new, |made| {
            format!(", tls: {{certificate: {}, key: {}}}", made.certificate.display(), made.key.display())
        });
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}'{tls}}}\n{auth}",
            data.display()
        );
        let path = directory.join("config.yml");
        fs_err::write(&path, config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let mut registry = Self { process, host: format!("{address}:{port}"), data };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = registry.process.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < TIMEOUT, "the registry does not answer: {ended:?}");
            thread::sleep(Duration::from_millis(10));
        }
        registry
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.clone()
    }

    /// The file in which it keeps a blob.
    #[must_use]
    pub fn blob_file(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        self.data.join(format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]))
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
