//! `opm enroll`: credentials of nodes.

use std::collections::BTreeSet;
use std::io::Write as _;

use fs_err as fs;
use opkg_database::Address;
use opkg_database::access::{self, AccessControl, Credentials, EnrolledNode, EnrollmentWindow};
use opkg_engine::clock::format_timestamp;
use opkg_engine::hostlist;
use opkg_engine::local_target;
use opkg_engine::target_selector::TargetSelector;
use opkg_oda::{Cluster, TargetAddress, TargetId, TargetKind, TargetName};
use opkg_shell::UsageError;
use serde::Serialize;

use crate::args::{EnrollCommand, EnrollNodeArgs, EnrollOpenArgs};
use crate::credentials;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view::plural;

/// Runs the command.
///
/// # Errors
/// When the database is in a file, or its server refuses.
pub fn run(session: &Session, command: &EnrollCommand) -> Result<ExitStatus, CliError> {
    match command {
        EnrollCommand::Open(arguments) => open(session, arguments),
        EnrollCommand::List => list(session),
        EnrollCommand::Close { tokens } => close(session, tokens),
        EnrollCommand::Revoke { targets } => revoke(session, targets),
        EnrollCommand::Node(arguments) => {
            let token = credentials::find_token(session.settings_dir(), arguments.token_file.as_deref())?;
            let token = token.ok_or_else(|| {
                let path = credentials::token_path(session.settings_dir());
                UsageError::new(
                    format!("there is no token: no {}", path.display()),
                    "`opm enroll open` on the head node prints one; --token-file names another file",
                )
            })?;
            enroll(session, &token, arguments)?;
            Ok(ExitStatus::Success)
        }
        EnrollCommand::Renew => renew(session),
    }
}

/// Turns a token into credentials where this machine has one and no credentials.
///
/// # Errors
/// When the token is not valid, or the server is away.
pub fn enroll_if_due(session: &Session) -> Result<(), CliError> {
    let location = session.database()?;
    let is_open = location.server().is_some_and(Address::is_role_open);
    if !is_open || session.credentials()?.is_some() {
        return Ok(());
    }
    match credentials::find_token(session.settings_dir(), None)? {
        Some(token) => enroll(session, &token, &EnrollNodeArgs { token_file: None, name: None }),
        None => Ok(()),
    }
}

/// The address of the server of the database, as it was named.
fn server(session: &Session) -> Result<Address, CliError> {
    let location = session.database()?;
    let address = location.server().cloned().ok_or_else(|| {
        UsageError::new(
            format!("the database {location} is a file, for whoever may read and write it"),
            "`opm copy` moves a cluster to a server of PostgreSQL, where there are roles",
        )
    })?;
    Ok(address)
}

fn open(session: &Session, arguments: &EnrollOpenArgs) -> Result<ExitStatus, CliError> {
    let mut access = AccessControl::open(server(session)?)?;
    let cluster = session.open_store()?.load_targets()?;
    let chosen = session.select_targets(&cluster, &arguments.targets, &BTreeSet::new())?;
    let is_client =
        |id: &&TargetId| cluster.targets.get(id).is_some_and(|it| it.kind() == TargetKind::Client);
    let nodes: Vec<TargetId> = chosen.iter().filter(is_client).copied().collect();
    if nodes.is_empty() {
        let help = "name clients: `opm target list` shows them";
        return Err(UsageError::new("only clients enroll, and none is named", help).into());
    }
    access.set_up()?;
    let token = access.open_window(&nodes, arguments.duration, arguments.every_boot)?;
    session.record_command()?;
    let names = fold(&cluster, &nodes);
    session.shell.status(&format!("{} may enroll until the token {} ends", names, token.role));
    match &arguments.output {
        Some(path) => credentials::write_secret(path, &token.reveal())?,
        None if session.shell.is_json() => {
            let opened = TokenJson { name: &token.role, token: token.reveal(), nodes: nodes.len() };
            session.shell.print_json(&opened)?;
        }
        None => session.shell.print(&format!("{}\n", token.reveal()))?,
    }
    let path = credentials::token_path(session.settings_dir());
    session.shell.status(&format!("help: it belongs into {} of the image, with mode 600", path.display()));
    Ok(ExitStatus::Success)
}

/// What `enroll open --format json` prints.
#[derive(Serialize)]
struct TokenJson<'a> {
    name: &'a str,
    token: String,
    nodes: usize,
}

/// What `enroll list --format json` prints.
#[derive(Serialize)]
struct EnrollmentJson {
    tokens: Vec<WindowJson>,
    nodes: Vec<NodeJson>,
}

/// One token; times are in seconds since 1970.
#[derive(Serialize)]
struct WindowJson {
    name: String,
    ends: i64,
    ended: bool,
    every_boot: bool,
    opened_by: String,
    nodes: usize,
    used: usize,
}

/// One node with credentials.
#[derive(Serialize)]
struct NodeJson {
    target: String,
    role: String,
    machine: String,
    enrolled: i64,
}

fn list(session: &Session) -> Result<ExitStatus, CliError> {
    let mut access = AccessControl::open(server(session)?)?;
    let cluster = session.open_store()?.load_targets()?;
    let (windows, nodes) = (access.windows()?, access.enrolled_nodes()?);
    if session.shell.is_json() {
        let tokens = windows.iter().map(window_json).collect();
        let nodes = nodes.iter().map(|node| node_json(&cluster, node)).collect();
        session.shell.print_json(&EnrollmentJson { tokens, nodes })?;
        return Ok(ExitStatus::Success);
    }
    for window in windows.iter().map(window_json) {
        let end = if window.ended { "ended" } else { "until" };
        let often = if window.every_boot { ", at every boot" } else { "" };
        session.shell.print(&format!(
            "{}  {end} {}  used by {} of {}{often}, opened by {}\n",
            window.name,
            format_timestamp(window.ends * 1000),
            window.used,
            plural(window.nodes, "node"),
            window.opened_by
        ))?;
    }
    for node in nodes.iter().map(|node| node_json(&cluster, node)) {
        let since = format_timestamp(node.enrolled * 1000);
        session.shell.print(&format!("{}  since {since}  machine {}\n", node.target, node.machine))?;
    }
    if windows.is_empty() && nodes.is_empty() {
        session.shell.status("no token is valid, and no node has credentials of its own");
    }
    Ok(ExitStatus::Success)
}

fn window_json(window: &EnrollmentWindow) -> WindowJson {
    WindowJson {
        name: window.role.clone(),
        ends: window.ends,
        ended: window.has_ended,
        every_boot: window.every_boot,
        opened_by: window.opened_by.clone(),
        nodes: window.nodes.len(),
        used: window.nodes.iter().filter(|(_, used)| used.is_some()).count(),
    }
}

fn node_json(cluster: &Cluster, node: &EnrolledNode) -> NodeJson {
    let target = cluster.targets.get(&node.target);
    NodeJson {
        target: target.map_or_else(|| node.target.0.to_string(), |target| target.address.to_string()),
        role: node.role.clone(),
        machine: node.machine.clone(),
        enrolled: node.enrolled,
    }
}

fn close(session: &Session, tokens: &[String]) -> Result<ExitStatus, CliError> {
    let mut access = AccessControl::open(server(session)?)?;
    let known: Vec<String> = access.windows()?.into_iter().map(|window| window.role).collect();
    if let Some(unknown) = tokens.iter().find(|token| !known.contains(token)) {
        let help = "`opm enroll list` shows those that are there";
        return Err(UsageError::new(format!("no token is called {unknown}"), help).into());
    }
    let chosen = if tokens.is_empty() { &known } else { tokens };
    let closed = access.close_windows(chosen)?;
    session.record_command()?;
    session.shell.status(&format!("{} void now", are(usize::try_from(closed).unwrap_or_default(), "token")));
    Ok(ExitStatus::Success)
}

fn revoke(session: &Session, targets: &[TargetSelector]) -> Result<ExitStatus, CliError> {
    let mut access = AccessControl::open(server(session)?)?;
    let cluster = session.open_store()?.load_targets()?;
    let chosen = session.select_targets(&cluster, targets, &BTreeSet::new())?;
    let chosen: Vec<TargetId> = chosen.into_iter().collect();
    let revoked = usize::try_from(access.revoke(&chosen)?).unwrap_or_default();
    session.record_command()?;
    session.shell.status(&format!("{} without credentials now", are(revoked, "node")));
    Ok(ExitStatus::Success)
}

/// `1 node is`, `3 nodes are`
fn are(count: usize, what: &str) -> String {
    format!("{} {}", plural(count, what), if count == 1 { "is" } else { "are" })
}

/// `node[01-96]`
fn fold(cluster: &Cluster, nodes: &[TargetId]) -> String {
    let names = nodes.iter().filter_map(|id| cluster.targets.get(id));
    hostlist::fold(names.map(|target| target.address.name.as_str()))
}

fn enroll(session: &Session, token: &Credentials, arguments: &EnrollNodeArgs) -> Result<(), CliError> {
    let address = server(session)?;
    let said = session.local_address()?;
    let name = match (&arguments.name, &said) {
        (Some(name), Some(said)) if said.name != *name || said.kind != TargetKind::Client => {
            return Err(UsageError::new(
                format!(
                    "this machine is {said}, as {} says, and not client:{name}",
                    session.conf_path().display()
                ),
                "leave out --name, or correct that file",
            )
            .into());
        }
        (Some(name), _) => name.clone(),
        (None, Some(said)) if said.kind == TargetKind::Client => said.name.clone(),
        (None, Some(said)) => {
            let help = "the head node works with the credentials of the administrator";
            return Err(UsageError::new(format!("this machine is {said}; only clients enroll"), help).into());
        }
        (None, None) => machine_name()?,
    };
    let credentials = access::enroll(address, token, name.as_str(), &machine_id())?;
    let path = credentials::save(session.settings_dir(), &credentials)?;
    if said.is_none() {
        let own = TargetAddress { kind: TargetKind::Client, name: name.clone() };
        let conf = session.conf_path();
        fs::File::create(conf).and_then(|mut file| file.write_all(local_target::render(&own).as_bytes()))?;
        session.shell.status(&format!("made {}: this machine is {own}", conf.display()));
    }
    session.shell.status(&format!("enrolled as {name}: {} has its credentials", path.display()));
    Ok(())
}

fn renew(session: &Session) -> Result<ExitStatus, CliError> {
    let address = server(session)?;
    let Some(known) = session.credentials()? else {
        let help = "`opm enroll node` gets some for a token";
        return Err(UsageError::new("this machine has no credentials of its own", help).into());
    };
    credentials::renew(session.settings_dir(), &address, &known)?;
    session.shell.status(&format!("{} has a new password", known.role));
    Ok(ExitStatus::Success)
}

/// The name of this machine, without its domain.
fn machine_name() -> Result<TargetName, CliError> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname")
        .context("cannot find out the name of this machine")?;
    let name = host.trim().split('.').next().unwrap_or_default();
    name.parse().map_err(|error: opkg_oda::ParseError| {
        UsageError::new(error.to_string(), "say what it is called with --name NAME").into()
    })
}

/// What tells this machine from others: its own id, or that of its mainboard where it keeps nothing.
fn machine_id() -> String {
    let files = ["/sys/class/dmi/id/product_uuid", "/etc/machine-id"];
    let found = files.into_iter().filter_map(|path| fs::read_to_string(path).ok());
    let known =
        found.map(|text| text.trim().chars().take(100).collect::<String>()).find(|text| !text.is_empty());
    known.unwrap_or_else(|| "unknown".to_owned())
}
