//! Results: tables on the terminal, and in the documentation.

use std::fmt::Write as _;
use std::process::Command;

use opkg_tests::opkgc;

use crate::measure::{self, Measured, Subject};
use crate::plot::{self, Plot};
use crate::programs::Programs;

/// Where the tables stand in the page.
const BEGIN: &str = "<!-- Results of tests/bench --record -->\n";
const END: &str = "<!-- End of the results -->\n";

/// What was measured so far.
pub struct Report {
    pub programs: Programs,
    other: Option<Programs>,
    text: String,
    plots: Vec<(&'static str, Plot)>,
}

impl Report {
    pub fn new(programs: Programs, other: Option<Programs>) -> Self {
        let mut report = Self { programs, other, text: String::new(), plots: Vec::new() };
        let text = report.describe_machine();
        report.print(&text);
        report
    }

    /// The day, the machine and the programs, a line each.
    fn describe_machine(&self) -> String {
        let day = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().unwrap().stdout;
        let processors = std::thread::available_parallelism().unwrap();
        let info = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model =
            info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("of unknown kind");
        let kernel = fs_err::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut text = format!(
            "{}, {processors} processors ({}), Linux {}, {}\n",
            String::from_utf8_lossy(&day).trim(),
            model.trim_start_matches(['\t', ' ', ':']),
            kernel.trim(),
            self.programs.description()
        );
        if let Some(other) = &self.other {
            let _ = writeln!(text, "\nThe other build: {}", other.description());
        }
        text
    }

    /// Measures subjects in turn and adds a table of them.
    pub fn measure(&mut self, title: &str, rounds: usize, subjects: &[Subject]) -> Vec<Measured> {
        let measured = measure::run(rounds, &self.programs, self.other.as_ref(), subjects);
        let runs = if rounds == 1 { "one run".to_owned() } else { format!("{rounds} runs each") };
        let mut table = format!("\n### {title} ({runs})\n\n");
        let other = if self.other.is_some() { " of the other build |" } else { "" };
        let _ =
            writeln!(table, "| | median ms | best ms | processor ms | peak MB | of the peer | goal |{other}");
        let _ = writeln!(
            table,
            "|---|---:|---:|---:|---:|---:|---|{}",
            if other.is_empty() { "" } else { "---:|" }
        );
        for row in &measured {
            let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            let other = if other.is_empty() { String::new() } else { format!(" {} |", ratio(row.of_other)) };
            let _ = writeln!(
                table,
                "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {} |{other}",
                row.name,
                row.median,
                row.best,
                row.processor,
                row.peak,
                ratio(row.of_peer),
                row.goal
            );
        }
        self.print(&table);
        measured
    }

    /// Adds what is no table of times.
    pub fn print(&mut self, text: &str) {
        print!("{text}");
        self.text.push_str(text);
    }

    /// Adds a plot, as the file `benchmarks-NAME.svg`.
    pub fn plot(&mut self, name: &'static str, plot: Plot) {
        self.print(&format!("\n![{}](benchmarks-{name}.svg)\n", plot.title));
        self.plots.push((name, plot));
    }

    /// Writes everything into the documentation, in place of what was there before.
    pub fn record(&self) {
        let directory = opkgc::workspace().join("docs");
        let page = directory.join("benchmarks.md");
        let text = fs_err::read_to_string(&page).unwrap();
        let (before, rest) = text.split_once(BEGIN).expect("the page has a place for results");
        let (_, after) = rest.split_once(END).expect("the results in the page have an end");
        fs_err::write(&page, format!("{before}{BEGIN}\n{}\n{END}{after}", self.text)).unwrap();
        for (name, plot) in &self.plots {
            fs_err::write(directory.join(format!("benchmarks-{name}.svg")), plot::draw(plot)).unwrap();
        }
    }
}
