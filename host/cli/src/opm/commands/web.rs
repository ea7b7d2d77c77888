//! `opm web`: the cluster in the browser, until it is interrupted.

use std::io;
use std::thread;

use anyhow::{Context, Result};
use opkg_oda::{Cluster, Kind, Store};
use opkg_opm::clock::SystemClock;
use opkg_opm::engine::Clock;
use opkg_opm::system::Config;
use opkg_web::{Program, Server, Settings, Stop};
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::UsageError;
use crate::opm::args::Web;
use crate::opm::exit::Exit;
use crate::opm::session::Session;

/// What `--format json` prints.
#[derive(Serialize)]
struct Document {
    address: String,
}

/// Runs the command.
///
/// # Errors
/// When the database or the configuration cannot be used, or the address cannot be had.
pub fn run(session: &Session, arguments: &Web) -> Result<Exit> {
    let cluster = session.open()?.load()?;
    let config = Config::load(session.settings())?;
    let settings = Settings {
        database: session.database().to_owned(),
        log_directory: config.log_directory,
        answers: config.answers,
        on: everywhere(session, &cluster),
        opm: Program {
            path: std::env::current_exe().context("cannot find this program")?,
            arguments: session.options(),
        },
        now: || SystemClock.now(),
    };
    let server = Server::bind(arguments.listen, settings).map_err(|error| taken(arguments, &error))?;
    stop_on_signals(server.stop())?;
    let address = server.address();
    if !arguments.listen.ip().is_loopback() {
        session.shell.message(
            "warning: whoever can listen in on the network learns the token, and can do all that the pages can do; \
             listen at 127.0.0.1 instead, and open it from elsewhere through `ssh -L`",
        );
    }
    if session.shell.json() {
        session.shell.json_data(&Document { address })?;
    } else {
        session.shell.status("open this in a browser; it is a key, so keep it to yourself; Ctrl-C ends it");
        session.shell.data(&format!("{address}\n"))?;
    }
    server.run().context("cannot go on serving")?;
    session.shell.status("ended; a run that was started in the browser goes on");
    Ok(Exit::Done)
}

/// The targets that are meant where none are named.
fn everywhere(session: &Session, cluster: &Cluster) -> String {
    let own = session.own(cluster).ok().and_then(|it| cluster.targets.get(&it));
    match own.filter(|it| it.kind() != Kind::Server) {
        Some(own) => own.address.to_string(),
        None => "all".into(),
    }
}

fn taken(arguments: &Web, error: &io::Error) -> anyhow::Error {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => "somebody listens there already; --listen 0 takes a port that is free",
        io::ErrorKind::PermissionDenied => "take a port above 1023 with --listen PORT",
        _ => "take an address of this machine: --listen 127.0.0.1:PORT",
    };
    UsageError::new(format!("cannot listen at {}: {error}", arguments.listen), help).into()
}

fn stop_on_signals(stop: Stop) -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            stop.request();
        }
    })?;
    Ok(())
}
