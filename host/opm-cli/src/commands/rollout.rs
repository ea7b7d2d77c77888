//! `opm rollout`: requests that go out in waves.

use opkg_engine::operations::change_rollout;
use opkg_engine::rollouts::{self, NewTerms, Waves};
use opkg_engine::status::{Status, StatusFilter};
use opkg_oda::{RolloutId, Share};

use crate::args::{RolloutCommand, WaveArgs};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::identity::author;
use crate::session::Session;
use crate::view::{describe_rollout, rollout_json};

/// Runs the command.
///
/// # Errors
/// When there is no such rollout, or the database fails.
pub fn run(session: &Session, command: &RolloutCommand) -> Result<ExitStatus, CliError> {
    let (told, rollout) = match command {
        RolloutCommand::List => return list(session),
        RolloutCommand::Stop { rollout } => {
            change_rollout::<CliError>(session.open_store()?.as_mut(), |cluster| {
                rollouts::stop(cluster, *rollout, &author())
            })?;
            ("stopped: what was let go comes to its end", rollout)
        }
        RolloutCommand::Resume { rollout, max_at_once, max_fail } => {
            let terms = NewTerms { at_once: *max_at_once, max_fail: *max_fail };
            change_rollout::<CliError>(session.open_store()?.as_mut(), |cluster| {
                rollouts::resume(cluster, *rollout, terms)
            })?;
            ("goes on with the next run of the head node", rollout)
        }
        RolloutCommand::Cancel { rollout } => {
            change_rollout::<CliError>(session.open_store()?.as_mut(), |cluster| {
                rollouts::cancel(cluster, *rollout, &author())
            })?;
            ("cancelled: targets that it had not come to stay as they are", rollout)
        }
    };
    session.shell.status(&format!("rollout {rollout} {told}"));
    Ok(ExitStatus::Success)
}

fn list(session: &Session) -> Result<ExitStatus, CliError> {
    let cluster = session.open_reader()?.load_overview()?;
    let status = Status::compute(&cluster, &StatusFilter::default());
    if session.shell.is_json() {
        let all: Vec<_> = status.rollouts.iter().map(|rollout| rollout_json(&cluster, rollout)).collect();
        session.shell.print_json(&all)?;
        return Ok(ExitStatus::Success);
    }
    if status.rollouts.is_empty() {
        session.shell.status("nothing goes out in waves, or all of it is over");
    }
    for rollout in &status.rollouts {
        session.shell.print(&describe_rollout(&cluster, rollout))?;
    }
    Ok(ExitStatus::Success)
}

/// How a request goes out, as the command line says.
pub(super) fn waves(arguments: WaveArgs) -> Option<Waves> {
    let max_fail = arguments.max_fail.unwrap_or(Share::Count(0));
    arguments.max_at_once.map(|at_once| Waves { at_once, max_fail, who: author() })
}

/// Says what a request goes out with.
pub(super) fn report(session: &Session, rollout: Option<RolloutId>) {
    if let Some(rollout) = rollout {
        session.shell.status(&format!(
            "rollout {rollout}: targets are held until it lets them go; `opm rollout list` shows how far it has come"
        ));
    }
}
