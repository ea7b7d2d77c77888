//! What is said while tests run: a tree that grows.

use opkg_oda::Cluster;
use opkg_opm::testing::{Audience, Counts, Exam, Examined, Part, Subject, Verdict};

use crate::opm::clock::span;
use crate::opm::paint::{Paint, Tone};
use crate::opm::view;
use crate::opm::view::results::{heading, line, sum, word};
use crate::shell::Shell;

/// Where the tree goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Standard output: it is the result.
    Output,
    /// Standard error, unless quiet: it is on the way to something else.
    Aside,
    /// Nowhere: the result is printed otherwise.
    Nowhere,
}

/// Shows tests as they run.
pub struct Witness {
    shell: Shell,
    place: Place,
    paint: Paint,
    /// Parts that began and are not printed: whether they are batches is known when another begins in them.
    open: Vec<Part>,
    /// How many of these have a heading.
    told: usize,
    /// What went wrong with standard output.
    broken: Option<std::io::Error>,
}

impl Witness {
    /// Speaks through the shell.
    #[must_use]
    pub fn new(shell: Shell, place: Place) -> Self {
        let paint = Paint(shell.colored(place == Place::Output));
        Self { shell, place, paint, open: Vec::new(), told: 0, broken: None }
    }

    /// When standard output cannot be written to.
    ///
    /// # Errors
    /// The first that went wrong.
    pub fn finish(self) -> std::io::Result<()> {
        self.shell.end_progress();
        self.broken.map_or(Ok(()), Err)
    }

    fn say(&mut self, text: &str) {
        match self.place {
            _ if text.is_empty() || self.broken.is_some() => {}
            Place::Output => self.broken = self.shell.data(text).err(),
            Place::Aside => self.shell.status(text.trim_end_matches('\n')),
            Place::Nowhere => {}
        }
    }

    fn progress(&self, text: &str) {
        if self.shell.shows_progress() && self.place != Place::Nowhere {
            self.shell.progress(text);
        }
    }
}

impl Audience for Witness {
    fn begins(&mut self, cluster: &Cluster, exam: &Exam) {
        let title = self.paint.tone(Tone::Strong, &title(cluster, exam));
        self.say(&format!("{title}\n"));
    }

    fn part_begins(&mut self, part: &Part, depth: usize) {
        self.open.truncate(depth);
        self.told = self.told.min(depth);
        for above in self.told..self.open.len() {
            let text = heading(&self.open[above], above, self.paint);
            self.say(&text);
        }
        self.told = self.open.len();
        self.open.push(part.clone());
        self.progress(&format!("{} ...", part.name));
    }

    fn part_ended(&mut self, part: &Part, depth: usize) {
        self.progress("");
        self.open.truncate(depth);
        self.told = self.told.min(depth);
        let text = line(part, depth, self.paint);
        self.say(&text);
    }

    fn ended(&mut self, cluster: &Cluster, examined: &Examined) {
        let (word, tone) = word(&examined.verdict);
        let word = self.paint.tone(tone, word);
        if examined.event.is_none() {
            let title = self.paint.tone(Tone::Strong, &title(cluster, &examined.exam));
            self.say(&format!("{title}\n"));
        }
        let counts = Counts::of(&examined.parts);
        let sum = if counts.all() == 0 {
            String::new()
        } else {
            format!(": {} in {}", sum(counts), span(examined.took))
        };
        let mut text = format!("  {word}{sum}");
        // What is wrong with single tests is said above.
        let is_said = counts.failed + counts.broken > 0;
        if let Some(reason) = examined.verdict.reason().filter(|_| !is_said) {
            text.push_str(&format!(": {}", reason.replace('\n', "\n  ")));
        }
        text.push('\n');
        if let (true, Some(log)) =
            (matches!(examined.verdict, Verdict::Failed(_) | Verdict::Broken(_)), &examined.log)
        {
            text.push_str(&format!("  log: {log}\n"));
        }
        self.say(&text);
    }
}

/// `munge on server:head: munge_validate.apb`
#[must_use]
pub fn title(cluster: &Cluster, exam: &Exam) -> String {
    let what = match exam.subject {
        Subject::Package(package) => view::packages(cluster, &[package]),
        Subject::Phase(phase) => format!("before {phase}"),
    };
    let file = if exam.files.is_empty() { String::new() } else { format!(" ({})", exam.name()) };
    format!("{what} on {}{file}", view::target_names(cluster, &[exam.target]))
}
