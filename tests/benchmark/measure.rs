//! Timing of whole processes.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use crate::programs::Programs;

/// Runs the rest of the command line once and prints its peak of resident memory and its processor time.
/// The kernel keeps the peak of all children together, so each is measured by a process of its own.
pub const PEAK_FLAG: &str = "--peak-of";

/// Rounds before the first that counts: they only warm up what can be warm.
const WARM_UP: usize = 2;

/// Makes a process to be measured, and may prepare what it needs: that is not measured.
type MakeCommand<'a> = Box<dyn Fn(&Programs) -> Command + 'a>;

/// What is measured.
pub struct Subject<'a> {
    name: String,
    /// What was aimed at, for readers.
    goal: &'static str,
    /// Whether it is one of the project's programs.
    is_own: bool,
    command: MakeCommand<'a>,
}

impl<'a> Subject<'a> {
    /// One of the project's programs.
    pub fn own(name: &str, goal: &'static str, command: impl Fn(&Programs) -> Command + 'a) -> Self {
        Self { name: name.to_owned(), goal, is_own: true, command: Box::new(command) }
    }

    /// A program that does the same, or a part of it.
    pub fn peer(name: &str, command: impl Fn() -> Command + 'a) -> Self {
        Self { name: name.to_owned(), goal: "", is_own: false, command: Box::new(move |_| command()) }
    }
}

/// What was found out about a subject. Times in milliseconds.
pub struct Measured {
    pub name: String,
    pub goal: &'static str,
    pub median: f64,
    pub best: f64,
    /// Of all processors together.
    pub processor: f64,
    /// MiB of resident memory.
    pub peak: f64,
    /// Of the first peer, in the same round; the median of all rounds.
    pub of_peer: Option<f64>,
    /// Likewise of the other build.
    pub of_other: Option<f64>,
}

/// Measures all of them in turn, so that whatever else the machine does falls on all alike.
pub fn run(
    rounds: usize,
    programs: &Programs,
    other: Option<&Programs>,
    subjects: &[Subject],
) -> Vec<Measured> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); subjects.len()];
    let mut of_other: Vec<Vec<f64>> = times.clone();
    let warm_up = if rounds > 1 { WARM_UP } else { 0 };
    for round in 0..rounds + warm_up {
        for (index, subject) in subjects.iter().enumerate() {
            let took = time_once((subject.command)(programs));
            let ratio =
                other.filter(|_| subject.is_own).map(|other| took / time_once((subject.command)(other)));
            if round >= warm_up {
                times[index].push(took);
                of_other[index].extend(ratio);
            }
        }
    }
    let peer = subjects.iter().position(|subject| !subject.is_own).map(|index| times[index].clone());
    let measured = subjects.iter().zip(times.iter().zip(of_other));
    measured
        .map(|(subject, (times, of_other))| {
            let (peak, processor) = measure_peak(&(subject.command)(programs));
            let ratios = peer
                .iter()
                .filter(|_| subject.is_own)
                .flat_map(|peer| times.iter().zip(peer).map(|(time, peer)| time / peer));
            Measured {
                name: subject.name.clone(),
                goal: subject.goal,
                median: median(times.clone()).unwrap_or_default(),
                best: times.iter().copied().fold(f64::INFINITY, f64::min),
                processor,
                peak,
                of_peer: median(ratios.collect()),
                of_other: median(of_other),
            }
        })
        .collect()
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Whether a command did what it was told. Some end with 4 where all is well and something could not be looked at.
fn is_success(status: std::process::ExitStatus) -> bool {
    matches!(status.code(), Some(0 | 4))
}

/// Milliseconds of one run, which must succeed.
pub fn time_once(mut command: Command) -> f64 {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let took = start.elapsed();
    assert!(is_success(status), "{command:?}: {status}");
    took.as_secs_f64() * 1000.0
}

/// MiB, and milliseconds of processor time.
pub fn measure_peak(measured: &Command) -> (f64, f64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(PEAK_FLAG).arg(measured.get_program()).args(measured.get_args());
    let environment = measured.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(environment);
    if let Some(directory) = measured.get_current_dir() {
        command.current_dir(directory);
    }
    let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let (memory, processor) = printed.trim().split_once(' ').unwrap();
    (memory.parse().unwrap(), processor.parse().unwrap())
}

/// The other side of [`measure_peak`].
pub fn print_peak(command: &[OsString]) {
    let [program, arguments @ ..] = command else { panic!("no command") };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(is_success(command.status().unwrap()), "{command:?}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let kib = u32::try_from(usage.max_rss()).unwrap();
    let microseconds = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let processor = microseconds(usage.user_time()) + microseconds(usage.system_time());
    println!("{} {}", f64::from(kib) / 1024.0, f64::from(u32::try_from(processor).unwrap()) / 1000.0);
}
