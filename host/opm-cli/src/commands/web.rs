//! `opm web`: the cluster in the browser, until it is interrupted.

use std::io;

use nix::unistd::Group;
use opkg_engine::clock::{Clock, SystemClock};
use opkg_oda::{Cluster, TargetKind};
use opkg_opm::Config;
use opkg_shell::{UsageError, signals};
use opkg_web::{
    ListenAddress, Program, ProxySettings, Server, ServerSettings, SignIn, StartError, TlsError, TlsSettings,
};
use serde::Serialize;

use crate::args::WebArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::identity::{author, run_identity};
use crate::session::Session;

/// What `--format json` prints.
#[derive(Serialize)]
struct WebJson {
    address: String,
}

/// Runs the command.
///
/// # Errors
/// When the database or the configuration cannot be used, or the address cannot be had.
pub fn run(session: &Session, arguments: &WebArgs) -> Result<ExitStatus, CliError> {
    let cluster = session.open_store()?.load()?;
    let config = Config::load(session.settings_dir())?;
    let groups = config.group_settings(session.settings_dir());
    let settings = ServerSettings {
        database: session.database()?,
        log_directory: config.log_directory,
        answers_directory: config.answer_directory,
        own_target: session
            .local_target(&cluster)
            .ok()
            .and_then(|own| cluster.targets.get(&own))
            .map(|own| own.address.clone()),
        default_targets: default_targets(session, &cluster),
        groups,
        program: Program {
            path: std::env::current_exe().context("cannot find this program")?,
            arguments: session.global_args(),
            environment: session.environment(),
        },
        clock: || SystemClock.now(),
        host: run_identity().host,
        sign_in: sign_in(arguments),
        tls: tls_settings(arguments)?,
        people: config.web,
    };
    let group = arguments.socket_group.as_deref().map(find_group).transpose()?;
    let server = Server::bind(&arguments.listen, group, settings).map_err(start_error)?;
    let stop = server.stop_handle();
    signals::handle_stop_signals(move |_| stop.stop())?;
    let address = server.login_url();
    let is_behind_proxy = arguments.trust_header.is_some();
    if let Some(warning) = warning(arguments) {
        session.shell.eprint(&format!("warning: {warning}"));
    }
    if session.shell.is_json() {
        session.shell.print_json(&WebJson { address })?;
    } else {
        session.shell.status(match is_behind_proxy {
            false => "open this in a browser; the address contains the access token: keep it secret; Ctrl-C stops the server",
            true => "the proxy passes on to here what browsers ask of this address; Ctrl-C stops the server",
        });
        session.shell.print(&format!("{address}\n"))?;
    }
    server.run().context("cannot go on serving")?;
    session.shell.status("ended; a run that was started in the browser goes on");
    Ok(ExitStatus::Success)
}

/// How people get in: with the token, or through a proxy that is trusted.
fn sign_in(arguments: &WebArgs) -> SignIn {
    match (&arguments.trust_header, &arguments.public_url) {
        (Some(user_header), Some(public_url)) => SignIn::Proxy(ProxySettings {
            user_header: user_header.clone(),
            groups_header: arguments.groups_header.clone(),
            addresses: arguments.trust_from.clone(),
            public_url: public_url.clone(),
        }),
        _ => SignIn::Token { person: author() },
    }
}

/// What others could do who reach that address.
fn warning(arguments: &WebArgs) -> Option<&'static str> {
    let ListenAddress::Tcp(address) = &arguments.listen else { return None };
    match (arguments.trust_header.is_some(), address.ip().is_loopback()) {
        (_, false) if arguments.tls_certificate.is_some() => None,
        (false, true) => None,
        (false, false) => Some(
            "whoever can listen in on the network learns the token, and can do all that the pages can do; \
             listen at 127.0.0.1 instead, and open it from elsewhere through `ssh -L`; or name a certificate, --tls-certificate",
        ),
        (true, true) => Some(
            "every user of this machine can connect, and say that they are somebody else; listen at a socket instead, \
             which is for the proxy alone: --listen unix:/run/opm-web/socket --socket-group GROUP",
        ),
        (true, false) => Some(
            "what the proxy and these pages send each other is not encrypted: whoever is between them reads and changes \
             it; name a certificate, --tls-certificate; or run the proxy on this machine, and listen at a socket",
        ),
    }
}

fn tls_settings(arguments: &WebArgs) -> Result<Option<TlsSettings>, CliError> {
    let (Some(certificate), Some(key)) = (&arguments.tls_certificate, &arguments.tls_key) else {
        return Ok(None);
    };
    let unusable = |error: TlsError| {
        UsageError::new(
            error.to_string(),
            "name files of PEM: --tls-certificate with the certificate and those that vouch for it, --tls-key with its key",
        )
    };
    Ok(Some(TlsSettings::load(certificate, key).map_err(unusable)?))
}

fn find_group(name: &str) -> Result<u32, CliError> {
    let group =
        Group::from_name(name).map_err(io::Error::from).context("cannot read the groups of this machine")?;
    let unknown = || {
        UsageError::new(
            format!("this machine has no group called {name}"),
            "name the group of the proxy: `www-data`, `nginx` or `apache`",
        )
    };
    Ok(group.ok_or_else(unknown)?.gid.as_raw())
}

/// The targets that are meant where none are named.
fn default_targets(session: &Session, cluster: &Cluster) -> String {
    let own = session.local_target(cluster).ok().and_then(|it| cluster.targets.get(&it));
    match own.filter(|it| it.kind() != TargetKind::Server) {
        Some(own) => own.address.to_string(),
        None => "all".into(),
    }
}

fn start_error(error: StartError) -> CliError {
    let help = match &error {
        StartError::SocketWithoutProxy(_) => {
            "name the header in which the proxy says who asks: --trust-header X-Remote-User"
        }
        StartError::EncryptedSocket(_) => "leave --tls-certificate and --tls-key out: the proxy speaks TLS",
        StartError::OpenToOthers(_) => {
            "listen where only the proxy can connect: --listen unix:/run/opm-web/socket; or name its machine: \
             --trust-from ADDRESS"
        }
        StartError::Io(address, cause) => match (cause.kind(), address) {
            (io::ErrorKind::AddrInUse, ListenAddress::Tcp(_)) => {
                "the address is in use; --listen 0 takes a free port"
            }
            (io::ErrorKind::AddrInUse, ListenAddress::Socket(_)) => {
                "another server listens there, or there is something else than a socket: take another path"
            }
            (_, ListenAddress::Socket(_)) => {
                "make its directory first, for the user that runs this alone to write"
            }
            (io::ErrorKind::PermissionDenied, _) => "take a port above 1023 with --listen PORT",
            _ => "take an address of this machine: --listen 127.0.0.1:PORT",
        },
    };
    UsageError::new(error.to_string(), help).into()
}
