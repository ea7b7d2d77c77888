//! Timing of whole processes.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// Runs the rest of the command line once and prints its peak of resident memory and its processor time.
/// The kernel keeps the peak of all children together, so each is measured by a process of its own.
pub const PEAK_FLAG: &str = "--peak-of";

pub struct Benchmark<'a> {
    name: String,
    budget: &'static str,
    command: Box<dyn Fn() -> Command + 'a>,
}

impl<'a> Benchmark<'a> {
    /// `command` makes a process to be measured, and may prepare what it needs: that is not measured.
    pub fn new(name: &str, budget: &'static str, command: impl Fn() -> Command + 'a) -> Self {
        Self { name: name.to_owned(), budget, command: Box::new(command) }
    }

    fn time_once(&self) -> Duration {
        let mut command = (self.command)();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status().unwrap();
        let took = start.elapsed();
        assert!(status.success(), "{command:?}");
        took
    }

    /// MiB, and milliseconds of processor time.
    fn measure_peak(&self) -> (f64, f64) {
        let measured = (self.command)();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(PEAK_FLAG).arg(measured.get_program()).args(measured.get_args());
        for (name, value) in measured.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        if let Some(directory) = measured.get_current_dir() {
            command.current_dir(directory);
        }
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let (memory, processor) = printed.trim().split_once(' ').unwrap();
        (memory.parse().unwrap(), processor.parse().unwrap())
    }
}

/// The other side of `peak`.
pub fn print_peak(command: &[OsString]) {
    let [program, arguments @ ..] = command else { panic!("no command") };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().unwrap().success(), "{command:?}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let kib = u32::try_from(usage.max_rss()).unwrap();
    let microseconds = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let processor = microseconds(usage.user_time()) + microseconds(usage.system_time());
    println!("{} {}", f64::from(kib) / 1024.0, f64::from(u32::try_from(processor).unwrap()) / 1000.0);
}

/// Measures all of them in turn, so that whatever else the machine does falls on all alike, and prints a
/// table. The ratio is that to the first.
pub fn run_benchmarks(title: &str, rounds: usize, all: &[Benchmark]) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); all.len()];
    for round in 0..rounds + 2 {
        for (work, times) in all.iter().zip(&mut times) {
            let took = work.time_once();
            // The first two only warm up what can be warm.
            if round >= 2 {
                times.push(took);
            }
        }
    }
    println!("\n{title} ({rounds} runs each)\n");
    println!("| what | median ms | best ms | processor ms | peak MB | ratio | budget |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    let mut first = None;
    for (work, mut times) in all.iter().zip(times) {
        times.sort();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let (median, best) = (milliseconds(times[times.len() / 2]), milliseconds(times[0]));
        let ratio = median / *first.get_or_insert(median);
        let (memory, processor) = work.measure_peak();
        println!(
            "| {} | {median:.1} | {best:.1} | {processor:.1} | {memory:.1} | {ratio:.2} | {} |",
            work.name, work.budget
        );
    }
}
