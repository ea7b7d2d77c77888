//! What the host does for a hook while it runs. Each use is in the log; what was not granted is refused, with what
//! would have to be done for it.

use std::time::{Duration, Instant};

use opkg_oda::Kind;
use opkg_runtime::Level;
use opkg_runtime::hook::{
    Capabilities, Ended, Problem, Refusal, Request, Root as Place, Target, TargetKind, Verdict,
};
use rustix::fs::{Mode, OFlags};

use super::config::Config;
use super::executor::{Executor, Job};
use super::grants::Trust;
use super::hooks::Call;
use super::log::Log;
use super::process::{How, Patience, Seconds};
use super::programs::{self, Prepared};
use super::root::Root;
use super::rooted::Rooted;
use super::values;

/// Characters of what a hook made up, in a line of the log.
const LONGEST: usize = 200;

/// One hook that runs.
pub(super) struct Service<'a> {
    config: &'a Config,
    executor: &'a Executor,
    call: &'a Call<'a>,
    trust: Trust,
    log: &'a mut Log,
    listener: &'a mut dyn Listener,
    home: Option<Rooted>,
    image: Option<Rooted>,
    /// What its programs have used of its time.
    spent: Duration,
    interruption: Option<Interruption>,
    uses: Uses,
}

/// What ended a hook from outside. It decides the outcome, whatever the hook then says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interruption {
    /// The run is to stop at once.
    Stopped,
    /// Its programs used up its time, and one of them was ended for that or not begun.
    TimedOut,
}

/// Hears of the parts of a hook that consists of many.
pub(super) trait Listener {
    /// A part begins, inside of the one begun last.
    fn begin(&mut self, name: &str, description: &str);
    /// The part begun last ends.
    fn end(&mut self, verdict: &Verdict);
}

/// Nobody listens: what is told is in the log.
pub(super) struct Unheard;

impl Listener for Unheard {
    fn begin(&mut self, _: &str, _: &str) {}
    fn end(&mut self, _: &Verdict) {}
}

/// How often it did what.
#[derive(Debug, Default)]
struct Uses {
    read: u32,
    written: u32,
    removed: u32,
    listed: u32,
    ran: u32,
    refused: u32,
}

impl<'a> Service<'a> {
    pub(super) fn new(
        config: &'a Config,
        executor: &'a Executor,
        call: &'a Call<'a>,
        trust: Trust,
        log: &'a mut Log,
        listener: &'a mut dyn Listener,
    ) -> Self {
        Self {
            config,
            executor,
            call,
            trust,
            log,
            listener,
            home: None,
            image: None,
            spent: Duration::ZERO,
            interruption: None,
            uses: Uses::default(),
        }
    }

    /// Says in one line what the hook did. Returns what interrupted it.
    pub(super) fn finish(self) -> Option<Interruption> {
        if self.tells() {
            let Uses { read, written, removed, listed, ran, refused } = self.uses;
            let counts = [
                (read, "files read"),
                (written, "files written"),
                (removed, "files removed"),
                (listed, "directories listed"),
                (ran, "programs run"),
                (refused, "refused"),
            ];
            let said: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            if !said.is_empty() {
                self.log.write(format!("[{}]\n", said.join(", ")).as_bytes());
            }
        }
        self.interruption
    }

    /// Whether its uses are told one by one: what a built-in runner runs tells itself.
    fn tells(&self) -> bool {
        !matches!(self.trust, Trust::OwnFiles | Trust::Definitions)
    }

    /// The directory that is meant, opened once.
    fn place(&mut self, root: Place) -> Result<&mut Rooted, Problem> {
        let open = |root: &Root, path: &std::path::Path, programs| {
            let directory = root.open_at(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty());
            directory.map(|it| Rooted::new(it, programs)).map_err(|error| Problem::Other(error.to_string()))
        };
        let (place, opened) = match root {
            Place::Home => {
                let opened = self.home.is_none().then(|| open(self.call.root, &self.call.home, false));
                (&mut self.home, opened)
            }
            Place::Image => {
                let Some((_, root)) = self.call.about.image else { return Err(Problem::NotGranted) };
                let opened = self.image.is_none().then(|| open(root, std::path::Path::new("/"), true));
                (&mut self.image, opened)
            }
        };
        if let Some(opened) = opened {
            *place = Some(opened?);
        }
        place.as_mut().ok_or(Problem::NotGranted)
    }

    /// Does something with a file, and notes it.
    fn file<R>(
        &mut self,
        what: &str,
        (root, path): (Place, &str),
        count: fn(&mut Uses) -> &mut u32,
        task: impl FnOnce(&mut Rooted) -> Result<R, Problem>,
    ) -> Result<R, Problem> {
        let result = self.place(root).and_then(task);
        match &result {
            Ok(_) => *count(&mut self.uses) += 1,
            Err(Problem::NotFound) => {}
            Err(_) => self.uses.refused += 1,
        }
        let outcome = match &result {
            Ok(_) => String::new(),
            Err(problem) => format!(": {}", explain(problem)),
        };
        // That tests read their definitions says nothing.
        if self.trust != Trust::Definitions {
            let root = if root == Place::Home { "home" } else { "image" };
            self.log.note(&format!("{what} {root}: {}{outcome}", shown(path)));
        }
        result
    }

    fn refuse(&mut self, what: &str, refusal: Refusal) -> Refusal {
        self.uses.refused += 1;
        let (Refusal::NotGranted(why) | Refusal::NotStarted(why)) = &refusal;
        self.log.note(&format!("run {}: {}", shown(what), shown(why)));
        refusal
    }
}

impl Capabilities for Service<'_> {
    fn log(&mut self, level: Level, text: &str) {
        let prefix = match level {
            Level::Error => "error: ",
            Level::Warn => "warning: ",
            Level::Info => "",
            Level::Debug | Level::Trace if self.config.verbose => "",
            Level::Debug | Level::Trace => return,
        };
        self.log.write(format!("{prefix}{text}\n").as_bytes());
    }

    fn values(&mut self) -> Vec<values::Field> {
        let image = self.call.about.image.map(|(name, _)| name);
        match values::read(self.call.root, &self.call.home, image) {
            Ok(values) => {
                self.log.note(&format!("read configuration: {} fields", values.len()));
                values
            }
            Err(reason) => {
                self.log.note(&format!("read configuration: {}", shown(&reason)));
                Vec::new()
            }
        }
    }

    fn nodes(&mut self) -> Vec<String> {
        names(self.call, Kind::Client)
    }

    fn images(&mut self) -> Vec<String> {
        names(self.call, Kind::Image)
    }

    fn target(&mut self) -> Target {
        target(self.call.about.target)
    }

    fn read(&mut self, root: Place, path: &str) -> Result<Vec<u8>, Problem> {
        self.file("read", (root, path), |it| &mut it.read, |place| place.read(path))
    }

    fn write(&mut self, root: Place, path: &str, contents: &[u8], mode: u32) -> Result<(), Problem> {
        let what = format!("write {} bytes to", contents.len());
        self.file(&what, (root, path), |it| &mut it.written, |place| place.write(path, contents, mode))
    }

    fn remove(&mut self, root: Place, path: &str) -> Result<(), Problem> {
        self.file("remove from", (root, path), |it| &mut it.removed, |place| place.remove(path))
    }

    fn entries(&mut self, root: Place, path: &str) -> Result<Vec<String>, Problem> {
        self.file("list", (root, path), |it| &mut it.listed, |place| place.entries(path))
    }

    fn run(&mut self, request: &Request) -> Result<Ended, Refusal> {
        let Prepared { root, job, _text } = match programs::prepare(self.call, &self.trust, request) {
            Ok(prepared) => prepared,
            Err(refusal) => return Err(self.refuse(&programs::name(request), refusal)),
        };
        let patience = self.call.patience;
        let left = patience.limit.saturating_sub(self.spent);
        let name = programs::name(request);
        if left.is_zero() {
            self.interruption.get_or_insert(Interruption::TimedOut);
            let refusal = Refusal::NotStarted(format!("the hook's time of {} is over", Seconds(patience.limit)));
            return Err(self.refuse(&name, refusal));
        }
        let begun = Instant::now();
        let job = Job { patience: Patience { limit: left, ..patience }, ..job };
        let ended = self.executor.run(root, &job, self.log);
        self.spent += begun.elapsed();
        self.uses.ran += 1;
        let how = match ended.how {
            How::NotStarted(reason) => return Err(Refusal::NotStarted(reason)),
            // Of all programs of the hook together.
            How::TimedOut(_) => How::TimedOut(patience.limit),
            how => how,
        };
        match how {
            How::Stopped => self.interruption = Some(Interruption::Stopped),
            How::TimedOut(_) => {
                // However little is left by another clock: no program is begun any more.
                self.spent = self.spent.max(patience.limit);
                self.interruption.get_or_insert(Interruption::TimedOut);
            }
            _ => {}
        }
        let said = self.log.last_line().map(|_| self.log.lines()).unwrap_or_default();
        Ok(Ended {
            how: how.to_string(),
            exit_code: if let How::Exited(code) = how { Some(code) } else { None },
            signal: if let How::Killed(signal) = how { Some(signal) } else { None },
            timed_out: matches!(how, How::TimedOut(_)),
            last_lines: said.lines().map(str::to_owned).collect(),
            stdout: ended.answer,
            stderr: ended.errors,
            cut: ended.cut,
        })
    }

    fn begin(&mut self, name: &str, description: &str) {
        self.log.note(&format!("begin {}: {}", shown(name), shown(description)));
        self.listener.begin(name, description);
    }

    fn end(&mut self, verdict: &Verdict) {
        let said = match verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(why) => format!("failed: {}", shown(why)),
            Verdict::Tolerated(why) => format!("failed, and need not pass: {}", shown(why)),
            Verdict::Skipped(why) => format!("skipped: {}", shown(why)),
            Verdict::Broken(why) => format!("could not be run: {}", shown(why)),
        };
        self.log.note(&said);
        self.listener.end(verdict);
    }
}

/// A target, in the words of the interface.
pub(super) fn target(address: &opkg_oda::Address) -> Target {
    let kind = match address.kind {
        Kind::Server => TargetKind::Server,
        Kind::Image => TargetKind::Image,
        Kind::Client => TargetKind::Client,
    };
    Target { kind, name: address.name.to_string() }
}

fn names(call: &Call<'_>, kind: Kind) -> Vec<String> {
    let mut names: Vec<String> =
        call.about.cluster.of_kind(kind).map(|it| it.address.name.to_string()).collect();
    names.sort();
    names
}

/// Why a hook does not get at a file.
pub(super) fn explain(problem: &Problem) -> String {
    match problem {
        Problem::NotGranted => "not granted: this hook is about no image".to_owned(),
        Problem::NotFound => "there is none".to_owned(),
        Problem::Escapes => "refused: it leads out of there".to_owned(),
        Problem::TooLarge => "refused: it is too large".to_owned(),
        Problem::Denied(why) => format!("refused: {why}"),
        Problem::Other(why) => why.clone(),
    }
}

/// What a hook made up, in one short line.
fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if opkg::is_control(c) { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
