//! `opm history`: the runs that did something, and the commands that asked for it.

use opkg::escape_line;
use opkg_engine::clock::{format_duration, format_timestamp};
use opkg_oda::{CommandRecord, Run, RunStatus, StepTotal};
use serde::Serialize;

use crate::args::{HistoryArgs, HistoryCommand};
use crate::commands::prune;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::styles::Styles;
use crate::view::{self, runs::run_status_label};

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

/// The steps of a package, a stage and a result on one day, as `--totals --format json` prints them.
#[derive(Serialize)]
struct TotalJson {
    /// In universal time, `2026-01-02`.
    day: String,
    /// Null for steps of no package.
    package: Option<String>,
    stage: &'static str,
    /// As of a run.
    verdict: &'static str,
    steps: i64,
}

/// Runs the command.
///
/// # Errors
/// When the database fails.
pub fn run(session: &Session, arguments: &HistoryArgs) -> Result<ExitStatus, CliError> {
    if let Some(HistoryCommand::Prune(arguments)) = &arguments.command {
        return prune::run(session, arguments);
    }
    if arguments.commands {
        return list_commands(session, arguments.limit);
    }
    if arguments.totals {
        return list_totals(session);
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

fn list_totals(session: &Session) -> Result<ExitStatus, CliError> {
    let mut store = session.open_reader()?;
    let (totals, cluster) = (store.totals()?, store.load_overview()?);
    let package = |total: &StepTotal| total.package.map(|package| view::package_list(&cluster, &[package]));
    if session.shell.is_json() {
        let listed = totals.iter().map(|total| TotalJson {
            day: format_day(total.day),
            package: package(total),
            stage: total.stage.name(),
            verdict: total.status.name(),
            steps: total.steps,
        });
        session.shell.print_json(&listed.collect::<Vec<_>>())?;
        return Ok(ExitStatus::Success);
    }
    if totals.is_empty() {
        session.shell.status("no step has ended so far");
    }
    for total in &totals {
        let package = package(total).unwrap_or_else(|| "-".into());
        let (day, stage, status) = (format_day(total.day), total.stage.name(), total.status.name());
        session
            .shell
            .print(&format!("{day}  {package:16}  {stage:22}  {status:11}  {:>6}\n", total.steps))?;
    }
    Ok(ExitStatus::Success)
}

/// `2026-01-02` of a day since 1970.
fn format_day(day: i64) -> String {
    let moment = format_timestamp(day.saturating_mul(86_400_000));
    moment.split(' ').next().unwrap_or_default().to_owned()
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
    let (who, command) = (escape_line(&format!("{who}{place}{role}")), escape_line(command));
    format!("{}  {who:24}  {command}\n", format_timestamp(*at))
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
    let end = escape_line(&format!("{} on {}, process {}", run.command, run.host, run.pid));
    let status = styles.apply(style, &format!("{status:11}"));
    format!("{:>5}  {}  {status}  {took:>12}  {end}\n", run.id.0, format_timestamp(run.started_at))
}

#[cfg(test)]
mod tests {
    use opkg_oda::RunId;

    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let forged = "moved\n2026-11-30 05:00:00  root@head  opm access grant eve administrator";
        let command = CommandRecord {
            at: 0,
            who: forged.into(),
            host: forged.into(),
            command: forged.into(),
            role: Some(forged.replace("moved", "a")),
        };
        assert_eq!(render_command(&command).lines().count(), 1);
        let run = Run {
            id: RunId(1),
            started_at: 0,
            ended_at: None,
            status: None,
            host: forged.into(),
            pid: 1,
            process: None,
            command: forged.into(),
        };
        assert_eq!(render_run(&run, Styles(false)).lines().count(), 1);
    }
}
