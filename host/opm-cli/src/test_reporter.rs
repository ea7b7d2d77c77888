//! Reports tests while they run, as a tree that grows.

use opkg_engine::clock::format_duration;
use opkg_engine::testing::{TestCounts, TestNode, TestObserver, TestRun, TestRunResult, TestStatus};
use opkg_oda::Cluster;
use opkg_shell::Shell;

use crate::styles::{Style, Styles};
use crate::view::results::{
    format_counts, render_batch_heading, render_result, test_run_title, test_status_label,
};

/// Where the tree goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// Standard output: it is the result.
    Stdout,
    /// Standard error, unless quiet: it is on the way to something else.
    Stderr,
    /// Nowhere: the result is printed otherwise.
    Discard,
}

/// Shows tests as they run.
pub struct TestReporter {
    shell: Shell,
    destination: Destination,
    styles: Styles,
    /// Parts that began and are not printed: whether they are batches is known when another begins in them.
    pending: Vec<TestNode>,
    /// How many of these have a heading.
    printed_headings: usize,
    /// What went wrong with standard output.
    write_error: Option<std::io::Error>,
}

impl TestReporter {
    #[must_use]
    pub fn new(shell: Shell, destination: Destination) -> Self {
        let styles = Styles(shell.use_color(destination == Destination::Stdout));
        Self { shell, destination, styles, pending: Vec::new(), printed_headings: 0, write_error: None }
    }

    /// When standard output cannot be written to.
    ///
    /// # Errors
    /// The first that went wrong.
    pub fn finish(self) -> std::io::Result<()> {
        self.shell.clear_progress();
        self.write_error.map_or(Ok(()), Err)
    }

    fn write_text(&mut self, text: &str) {
        match self.destination {
            _ if text.is_empty() || self.write_error.is_some() => {}
            Destination::Stdout => self.write_error = self.shell.print(text).err(),
            Destination::Stderr => self.shell.status(text.trim_end_matches('\n')),
            Destination::Discard => {}
        }
    }

    fn show_progress(&self, text: &str) {
        if self.shell.is_progress_enabled() && self.destination != Destination::Discard {
            self.shell.set_progress(text);
        }
    }
}

impl TestObserver for TestReporter {
    fn run_started(&mut self, cluster: &Cluster, test_run: &TestRun) {
        let title = self.styles.apply(Style::Heading, &test_run_title(cluster, test_run));
        self.write_text(&format!("{title}\n"));
    }

    fn test_started(&mut self, part: &TestNode, depth: usize) {
        self.pending.truncate(depth);
        self.printed_headings = self.printed_headings.min(depth);
        for above in self.printed_headings..self.pending.len() {
            let text = render_batch_heading(&self.pending[above], above, self.styles);
            self.write_text(&text);
        }
        self.printed_headings = self.pending.len();
        self.pending.push(part.clone());
        self.show_progress(&format!("{} ...", part.name));
    }

    fn test_finished(&mut self, part: &TestNode, depth: usize) {
        self.show_progress("");
        self.pending.truncate(depth);
        self.printed_headings = self.printed_headings.min(depth);
        let text = render_result(part, depth, self.styles);
        self.write_text(&text);
    }

    fn run_finished(&mut self, cluster: &Cluster, result: &TestRunResult) {
        let (word, style) = test_status_label(&result.status);
        let word = self.styles.apply(style, word);
        if result.event.is_none() {
            let title = self.styles.apply(Style::Heading, &test_run_title(cluster, &result.test_run));
            self.write_text(&format!("{title}\n"));
        }
        let counts = TestCounts::of(&result.tests);
        let sum = if counts.total() == 0 {
            String::new()
        } else {
            format!(": {} in {}", format_counts(counts), format_duration(result.duration_ms))
        };
        let mut text = format!("  {word}{sum}");
        // What is wrong with single tests is said above.
        let is_said = counts.failed + counts.errored > 0;
        if let Some(reason) = result.status.reason().filter(|_| !is_said) {
            text.push_str(&format!(": {}", reason.replace('\n', "\n  ")));
        }
        text.push('\n');
        if let (true, Some(log)) =
            (matches!(result.status, TestStatus::Failed(_) | TestStatus::Errored(_)), &result.log)
        {
            text.push_str(&format!("  log: {log}\n"));
        }
        self.write_text(&text);
    }
}
