//! Arguments of `web`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use opkg_web::{HeaderName, ListenAddress, PublicUrl};

/// Options of `web`.
#[derive(Debug, Args)]
#[command(
    after_help = "The address that is printed lets whoever opens it do all that the pages can do. From another
machine, open it through ssh: ssh -L 8640:127.0.0.1:8640 HEAD

For several people, put it behind a proxy of the site that knows them and speaks TLS;
`[web]` of opm.toml and `opm access` say what they may do:
  opm web --listen unix:/run/opm-web/socket --socket-group www-data \\
      --trust-header X-Remote-User --public-url https://opm.example.org"
)]
pub struct WebArgs {
    /// Where to listen: a port of this machine, ADDRESS:PORT, or a socket in the file system, unix:PATH
    ///
    /// Port 0 is any that is free.
    #[arg(long, value_name = "[ADDRESS:]PORT|unix:PATH", default_value = "127.0.0.1:8640")]
    pub listen: ListenAddress,

    /// Encrypt connections, with this certificate and those that vouch for it, as PEM
    ///
    /// Read when it starts: restart it when there is a new one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,

    /// The key of that certificate, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,

    /// Let this group connect to the socket as well: that of the proxy
    #[arg(long, value_name = "GROUP", requires = "trust_header")]
    pub socket_group: Option<String>,

    /// Behind a proxy: believe it who asks, as it says in this header of each request
    ///
    /// The proxy must replace what browsers send in that header. Requests without it are refused.
    #[arg(long, value_name = "HEADER", requires = "public_url")]
    pub trust_header: Option<HeaderName>,

    /// Behind a proxy: believe it to which groups they belong, as it says in this header, separated by commas
    #[arg(long, value_name = "HEADER", requires = "trust_header")]
    pub groups_header: Option<HeaderName>,

    /// The machine of the proxy, if it is another one; may be given several times
    #[arg(long, value_name = "ADDRESS", requires = "trust_header")]
    pub trust_from: Vec<IpAddr>,

    /// Behind a proxy: where browsers find the pages, `https://opm.example.org`
    #[arg(long, value_name = "URL", requires = "trust_header")]
    pub public_url: Option<PublicUrl>,
}
