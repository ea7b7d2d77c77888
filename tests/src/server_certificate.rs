//! Certificates of servers, by an authority that nobody knows by itself.

use std::path::PathBuf;
use std::process::Command;

use crate::{process, scratch};

/// What a server of HTTPS needs, and who vouches for it.
#[derive(Debug)]
pub struct ServerCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authority's, for clients to trust.
    pub authority: PathBuf,
}

impl ServerCertificate {
    /// One for two days, made by `openssl`, for an address of IP.
    ///
    /// # Panics
    ///
    /// If there is no `openssl`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let directory = scratch::create_directory("keys");
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            process::run_successfully(command.args(arguments.split(' ')).current_dir(&directory));
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"));
        openssl(&format!("req {key} -keyout key.pem -out request.pem -subj /CN={address}"));
        fs_err::write(directory.join("names"), format!("subjectAltName=IP:{address}\n")).unwrap();
        openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names",
        );
        let file = |name: &str| directory.join(name);
        Self { certificate: file("cert.pem"), key: file("key.pem"), authority: file("ca.pem") }
    }
}
