//! What is kept of a program for the journal.

use opkg_engine::effects::StepTrace;

use super::step_log::StepLog;
use super::termination::Termination;

/// Finishes the log of a step. `termination` is that of the program that decided, where there was one.
pub(crate) fn finish_trace(termination: Option<&Termination>, log: StepLog) -> StepTrace {
    let (mut tail, path) = (log.last_lines(), log.path().display().to_string());
    if let Some(error) = log.finish() {
        tail = format!("{tail}\n[{error}]");
    }
    let mut trace = StepTrace { tail, log: Some(path), ..StepTrace::default() };
    match termination {
        Some(Termination::Exited(code)) => trace.exit_code = Some(*code),
        Some(Termination::Signaled(signal)) => trace.signal = Some(*signal),
        Some(Termination::TimedOut(_)) => trace.timed_out = true,
        Some(Termination::Stopped | Termination::OutputTooLarge | Termination::NotStarted(_)) | None => {}
    }
    trace
}
