//! `opm web`: the cluster in the browser, until it is interrupted.

use std::io;

use opkg_engine::clock::{Clock, SystemClock};
use opkg_oda::{Cluster, TargetKind};
use opkg_opm::Config;
use opkg_shell::{UsageError, signals};
use opkg_web::{Program, Server, ServerSettings};
use serde::Serialize;

use crate::args::WebArgs;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
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
    };
    let server = Server::bind(arguments.listen, settings).map_err(|error| bind_error(arguments, &error))?;
    let stop = server.stop_handle();
    signals::handle_stop_signals(move |_| stop.stop())?;
    let address = server.login_url();
    if !arguments.listen.ip().is_loopback() {
        session.shell.eprint(
            "warning: whoever can listen in on the network learns the token, and can do all that the pages can do; \
             listen at 127.0.0.1 instead, and open it from elsewhere through `ssh -L`",
        );
    }
    if session.shell.is_json() {
        session.shell.print_json(&WebJson { address })?;
    } else {
        session.shell.status("open this in a browser; the address contains the access token: keep it secret; Ctrl-C stops the server");
        session.shell.print(&format!("{address}\n"))?;
    }
    server.run().context("cannot go on serving")?;
    session.shell.status("ended; a run that was started in the browser goes on");
    Ok(ExitStatus::Success)
}

/// The targets that are meant where none are named.
fn default_targets(session: &Session, cluster: &Cluster) -> String {
    let own = session.local_target(cluster).ok().and_then(|it| cluster.targets.get(&it));
    match own.filter(|it| it.kind() != TargetKind::Server) {
        Some(own) => own.address.to_string(),
        None => "all".into(),
    }
}

fn bind_error(arguments: &WebArgs, error: &io::Error) -> CliError {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => "the address is in use; --listen 0 takes a free port",
        io::ErrorKind::PermissionDenied => "take a port above 1023 with --listen PORT",
        _ => "take an address of this machine: --listen 127.0.0.1:PORT",
    };
    UsageError::new(format!("cannot listen at {}: {error}", arguments.listen), help).into()
}
