//! `opm enroll`: credentials of nodes.

use std::collections::BTreeSet;

use fs_err as fs;
use opkg::escape_line;
use opkg_database::access::{self, AccessControl, Credentials, EnrolledNode, EnrollmentWindow};
use opkg_database::{Address, Database};
use opkg_engine::clock::format_timestamp;
use opkg_engine::hostlist;
use opkg_engine::target_selector::TargetSelector;
use opkg_oda::{Cluster, Error as DatabaseError, Store, TargetAddress, TargetId, TargetKind, TargetName};
use opkg_shell::UsageError;
use serde::Serialize;

use crate::args::{EnrollCommand, EnrollNodeArgs, EnrollOpenArgs};
use crate::conf_file::ConfDraft;
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

/// Opens the database for the engine of a machine that may be a node: where it has a token, and no credentials or such as the
/// server refuses, it enrolls. Where it has credentials and nobody says which target it is, the server does.
///
/// # Errors
/// The token is not valid, the server is away or refuses, or what is to be kept cannot be written.
pub fn open_enrolled(session: &Session) -> Result<Database, CliError> {
    if session.credentials()?.is_none() {
        enroll_with_token(session)?;
    }
    let mut store = match session.try_open_for_engine()? {
        Err(refused @ DatabaseError::Refused { .. }) if session.credentials()?.is_some() => {
            enroll_instead(session, refused)?;
            session.open_store_for_engine()?
        }
        opened => opened?,
    };
    restore_conf(session, &mut *store)?;
    Ok(store)
}

/// Turns the token of this machine into credentials. The answer is whether there is one.
fn enroll_with_token(session: &Session) -> Result<bool, CliError> {
    if !session.database()?.server().is_some_and(Address::is_role_open) {
        return Ok(false);
    }
    let Some(token) = credentials::find_token(session.settings_dir(), None)? else { return Ok(false) };
    enroll(session, &token, &EnrollNodeArgs { token_file: None, name: None })?;
    Ok(true)
}

/// Gets other credentials where the server refuses those of this machine: the database may have been put there anew, or the
/// node revoked and let in again. Without a token that is valid, it remains refused.
fn enroll_instead(session: &Session, refused: DatabaseError) -> Result<(), CliError> {
    match enroll_with_token(session) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) => session.shell.debug(&format!("the token does not help: {}", error.report().one_line())),
    }
    Err(refused.into())
}

/// Writes which target this machine is where it has credentials and the file is not there: the power failed, or the disk
/// was full, when it enrolled. A node sees no other client.
fn restore_conf(session: &Session, store: &mut dyn Store) -> Result<(), CliError> {
    if session.local_address()?.is_some() || session.credentials()?.is_none() {
        return Ok(());
    }
    let cluster = store.load_targets()?;
    let mut clients = cluster.targets_of_kind(TargetKind::Client);
    if let (Some(own), None) = (clients.next(), clients.next()) {
        ConfDraft::write(session.conf_path(), &own.address)?.place()?;
        report_conf(session, &own.address);
    }
    Ok(())
}

fn report_conf(session: &Session, own: &TargetAddress) {
    session.shell.status(&format!("made {}: this machine is {own}", session.conf_path().display()));
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
    /// Whether the server has its role; otherwise it enrolls anew.
    has_role: bool,
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
            escape_line(&window.opened_by)
        ))?;
    }
    for node in nodes.iter().map(|node| node_json(&cluster, node)) {
        let since = format_timestamp(node.enrolled * 1000);
        let machine = escape_line(&node.machine);
        let lost = if node.has_role { "" } else { "  its role is missing: it has to enroll anew" };
        session.shell.print(&format!("{}  since {since}  machine {machine}{lost}\n", node.target))?;
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
        has_role: node.has_role,
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
    let own = TargetAddress { kind: TargetKind::Client, name: name.clone() };
    // A token may be good for one time only: what can be written is, before the server is asked.
    let conf = match said {
        None => Some(ConfDraft::write(session.conf_path(), &own)?),
        Some(_) => None,
    };
    let credentials = access::enroll(address, token, name.as_str(), &machine_id())?;
    let path = credentials::save(session.settings_dir(), &credentials)?;
    if let Some(draft) = conf {
        draft.place()?;
        report_conf(session, &own);
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
