//! `opm history`: the runs that did something, and the commands that asked for it.

use opkg_engine::clock::{format_duration, format_timestamp};
use opkg_oda::{CommandRecord, Run, RunStatus};
use serde::Serialize;

use crate::args::HistoryArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::styles::Styles;
use crate::view::runs::run_status_label;

/// One run, as `--format json` prints it; times are in milliseconds since 1970.
#[derive(Serialize)]
struct RunJson<'a> {
    run: i64,
    started: i64,
    ended: Option<i64>,
    /// `done`, `failed`, `interrupted` or `waits`; null while it works.
    verdict: Option<&'static str>,
    host: &'a str,
    process: u32,
    command: &'a str,
}

/// One command, as `--commands --format json` prints it.
#[derive(Serialize)]
struct CommandJson<'a> {
    at: i64,
    who: &'a str,
    host: &'a str,
    /// As whom they connected to the server of the database, which has checked that.
    role: Option<&'a str>,
    command: &'a str,
}

/// Runs the command.
///
/// # Errors
/// When the database fails.
pub fn run(session: &Session, arguments: &HistoryArgs) -> Result<ExitStatus, CliError> {
    if arguments.commands {
        return list_commands(session, arguments.limit);
    }
    let runs = session.open_reader()?.runs(arguments.limit)?;
    if session.shell.is_json() {
        let listed: Vec<RunJson<'_>> = runs.iter().map(run_json).collect();
        session.shell.print_json(&listed)?;
        return Ok(ExitStatus::Success);
    }
    if runs.is_empty() {
        session.shell.status("no run has done anything so far; `opm` starts one");
    }
    let styles = Styles(session.shell.use_color(true));
    for run in &runs {
        session.shell.print(&render_run(run, styles))?;
    }
    Ok(ExitStatus::Success)
}

fn list_commands(session: &Session, limit: u32) -> Result<ExitStatus, CliError> {
    let commands = session.open_reader()?.commands(limit)?;
    if session.shell.is_json() {
        let listed: Vec<CommandJson<'_>> = commands.iter().map(command_json).collect();
        session.shell.print_json(&listed)?;
        return Ok(ExitStatus::Success);
    }
    if commands.is_empty() {
        session.shell.status("no command has asked for anything so far");
    }
    for command in &commands {
        session.shell.print(&render_command(command))?;
    }
    Ok(ExitStatus::Success)
}

fn command_json(command: &CommandRecord) -> CommandJson<'_> {
    let CommandRecord { at, who, host, command, role } = command;
    CommandJson { at: *at, who, host, role: role.as_deref(), command }
}

fn render_command(command: &CommandRecord) -> String {
    let CommandRecord { at, who, host, command, role } = command;
    // Other names are the programs' word; this one the server has checked.
    let role =
        role.as_ref().filter(|role| *role != who).map_or_else(String::new, |role| format!(" (as {role})"));
    let place = if host.is_empty() { String::new() } else { format!("@{host}") };
    format!("{}  {:24}  {command}\n", format_timestamp(*at), format!("{who}{place}{role}"))
}

fn run_json(run: &Run) -> RunJson<'_> {
    RunJson {
        run: run.id.0,
        started: run.started_at,
        ended: run.ended_at,
        verdict: run.status.map(RunStatus::name),
        host: &run.host,
        process: run.pid,
        command: &run.command,
    }
}

fn render_run(run: &Run, styles: Styles) -> String {
    let (status, style) = run_status_label(run.status);
    let took = run.ended_at.map_or_else(String::new, |it| format_duration(it - run.started_at));
    let end = format!("{} on {}, process {}", run.command, run.host, run.pid);
    let status = styles.apply(style, &format!("{status:11}"));
    format!("{:>5}  {}  {status}  {took:>12}  {end}\n", run.id.0, format_timestamp(run.started_at))
}
