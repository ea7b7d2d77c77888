//! `opm log --follow`: what steps print, while they run.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use opkg_oda::{Event, EventFilter, Run, RunId};
use opkg_opm::Config;
use opkg_opm::logs::open_log;

use super::log::{event_log, missing_event_error, print_lines, render_event};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::styles::Styles;
use crate::value_parsers::StepReference;

/// Between two looks at a log.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Bytes of a log that are read at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// Runs the command. It ends with the step or run that is followed.
///
/// # Errors
/// When there is no such step or run, or the database fails.
pub fn run(session: &Session, reference: Option<StepReference>) -> Result<ExitStatus, CliError> {
    let mut store = session.open_follower()?;
    let run = match reference {
        Some(reference) => reference.run,
        None => match store.unfinished_runs()?.last() {
            Some(unfinished) => unfinished.run.id,
            None => {
                session.shell.status("no run is at work; `opm log` lists what was done");
                return Ok(ExitStatus::Success);
            }
        },
    };
    drop(store);
    let only = reference.and_then(|reference| reference.step);
    let mut follower = Follower { session, directory: Config::load(session.settings_dir())?.log_directory };
    let mut number = only.unwrap_or(1);
    loop {
        let (journal, found) = follower.look(run, number)?;
        match (found, journal) {
            (Some(event), _) => {
                follower.follow_step(&event)?;
                if only.is_some() {
                    return Ok(ExitStatus::Success);
                }
                number += 1;
            }
            (None, Some(journal)) if only.is_none() && journal.ended_at.is_none() => {
                if is_dead(session, &journal) {
                    return Ok(ExitStatus::Success);
                }
                thread::sleep(POLL_INTERVAL);
            }
            (None, Some(_)) if only.is_none() && number > 1 => return Ok(ExitStatus::Success),
            (None, _) => {
                let reference = reference.unwrap_or(StepReference { run, step: None });
                return Err(missing_event_error(reference).into());
            }
        }
    }
}

/// Whether the process of a run has ended without saying so.
fn is_dead(session: &Session, run: &Run) -> bool {
    let dead = !opkg_opm::is_run_alive(run);
    if dead {
        session
            .shell
            .status(&format!("run {} has crashed; the next `opm` takes its work up again", run.id.0));
    }
    dead
}

struct Follower<'a> {
    session: &'a Session,
    directory: PathBuf,
}

impl Follower<'_> {
    /// A run, and one of its steps, as the database has them now.
    fn look(&mut self, run: RunId, number: u32) -> Result<(Option<Run>, Option<Event>), CliError> {
        let mut store = self.session.open_follower()?;
        // The step first: what it does not have when its run has ended, it will never have.
        let journal = store.runs(u32::MAX)?.into_iter().find(|known| known.id == run);
        let events = store.events(&EventFilter { run: Some(run), ..EventFilter::default() })?;
        Ok((journal, events.into_iter().find(|event| event.id.number == number)))
    }

    /// Prints what a step has printed, and what comes, until it ends.
    fn follow_step(&mut self, event: &Event) -> Result<(), CliError> {
        let cluster = self.session.open_follower()?.load_overview()?;
        let styles = Styles(self.session.shell.use_color(true));
        self.session.shell.print(&render_event(&cluster, event, styles))?;
        let mut event = event.clone();
        let mut output = Output { offset: 0, partial: Vec::new() };
        loop {
            let has_ended = event.result.is_some();
            if let Some(log) = event_log(&event) {
                while self.print_more(Path::new(log), &mut output)? {}
            }
            if has_ended {
                if !output.partial.is_empty() {
                    print_lines(self.session, &String::from_utf8_lossy(&output.partial))?;
                }
                return Ok(());
            }
            thread::sleep(POLL_INTERVAL);
            let (run, found) = self.look(event.id.run, event.id.number)?;
            match found {
                Some(found)
                    if found.result.is_none() && run.is_none_or(|run| is_dead(self.session, &run)) =>
                {
                    return Ok(());
                }
                Some(found) => event = found,
                None => return Ok(()),
            }
        }
    }

    /// Prints the whole lines that a log has behind what was printed. The answer is whether there may be more.
    fn print_more(&mut self, log: &Path, output: &mut Output) -> Result<bool, CliError> {
        // It may not be there yet, or be gone.
        let Ok(mut file) = open_log(&self.directory, log) else { return Ok(false) };
        file.seek(SeekFrom::Start(output.offset))?;
        let mut bytes = Vec::new();
        let read = file.take(CHUNK_BYTES).read_to_end(&mut bytes)?;
        output.offset += read as u64;
        output.partial.extend(bytes);
        if let Some(end) = output.partial.iter().rposition(|byte| *byte == b'\n') {
            let lines: Vec<u8> = output.partial.drain(..=end).collect();
            print_lines(self.session, &String::from_utf8_lossy(&lines))?;
        }
        Ok(read as u64 == CHUNK_BYTES)
    }
}

/// How far a log was printed.
struct Output {
    /// Bytes that were read.
    offset: u64,
    /// The beginning of a line whose end is not there yet.
    partial: Vec<u8>,
}
