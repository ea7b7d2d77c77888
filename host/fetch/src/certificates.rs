//! The authorities that vouch for servers: those that the system trusts.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Where distributions keep the certificates of the authorities that they trust.
const SYSTEM_CERTIFICATES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// A file in the place of those, as other programs know it.
const VARIABLE: &str = "SSL_CERT_FILE";

/// The certificates of all of them; none where there are none, so that no server is trusted.
pub(crate) fn system_certificates() -> Vec<CertificateDer<'static>> {
    let named = std::env::var_os(VARIABLE).filter(|it| !it.is_empty()).map(PathBuf::from);
    let file = named.or_else(|| SYSTEM_CERTIFICATES.iter().map(PathBuf::from).find(|file| file.exists()));
    let Some(file) = file else { return Vec::new() };
    match CertificateDer::pem_file_iter(&file) {
        // One that cannot be read vouches for nobody; the others do.
        Ok(certificates) => certificates.filter_map(Result::ok).collect(),
        Err(error) => {
            tracing::warn!("the certificates {} cannot be read: {error}", file.display());
            Vec::new()
        }
    }
}
