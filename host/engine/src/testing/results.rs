//! What came of tests: a tree, since batches hold tests and other batches.

use opkg::escape_hidden;

/// Parts that are kept of one run of a runner.
const MAX_NODES: usize = 10_000;

/// Parts inside of parts.
const MAX_DEPTH: usize = 64;

/// Characters of a name or a line of a reason.
const MAX_LINE_CHARS: usize = 300;

/// Lines of a reason.
const MAX_REASON_LINES: usize = 50;

/// How a test or a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestStatus {
    /// It did what it should.
    Passed,
    /// It did not; in which way, in one or several lines.
    Failed(String),
    /// It did not, and need not; in which way, in one or several lines.
    Tolerated(String),
    /// It did not run: why.
    Skipped(String),
    /// It could not be run, so that it says nothing: why.
    Errored(String),
}

impl TestStatus {
    /// In the words of reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Tolerated(_) => "tolerated",
            Self::Skipped(_) => "skipped",
            Self::Errored(_) => "error",
        }
    }

    /// Why, where there is a reason.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason)
            | Self::Tolerated(reason)
            | Self::Skipped(reason)
            | Self::Errored(reason) => Some(reason),
        }
    }

    /// The same with a reason that people can read: text only, and not too much of it.
    fn sanitized(self) -> Self {
        let lines = |reason: &str| {
            let mut lines: Vec<String> = reason.lines().take(MAX_REASON_LINES).map(sanitize_line).collect();
            if reason.lines().nth(MAX_REASON_LINES).is_some() {
                lines.push("…".into());
            }
            lines.join("\n")
        };
        match self {
            Self::Passed => Self::Passed,
            Self::Failed(reason) => Self::Failed(lines(&reason)),
            Self::Tolerated(reason) => Self::Tolerated(lines(&reason)),
            Self::Skipped(reason) => Self::Skipped(lines(&reason)),
            Self::Errored(reason) => Self::Errored(lines(&reason)),
        }
    }
}

/// A test, or a batch of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestNode {
    /// The file that defines it, mostly.
    pub name: String,
    /// What it is about; may be empty.
    pub description: String,
    /// How it ended.
    pub status: TestStatus,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// The tests and batches in a batch.
    pub children: Vec<TestNode>,
}

/// How many tests ended how; batches are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TestCounts {
    /// Did what they should.
    pub passed: usize,
    /// Did not do what they should.
    pub failed: usize,
    /// Failed, and they, or a batch that they are in, need not pass.
    pub tolerated: usize,
    /// Not run.
    pub skipped: usize,
    /// Could not be run.
    pub errored: usize,
}

impl TestCounts {
    /// The sum over several trees.
    #[must_use]
    pub fn of(parts: &[TestNode]) -> Self {
        let mut counts = Self::default();
        parts.iter().for_each(|it| counts.add(it, false));
        counts
    }

    /// The number of tests.
    #[must_use]
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.tolerated + self.skipped + self.errored
    }

    fn add(&mut self, part: &TestNode, tolerated: bool) {
        if !part.children.is_empty() {
            let tolerated = tolerated || matches!(part.status, TestStatus::Tolerated(_));
            return part.children.iter().for_each(|it| self.add(it, tolerated));
        }
        match &part.status {
            TestStatus::Passed => self.passed += 1,
            TestStatus::Failed(_) if !tolerated => self.failed += 1,
            TestStatus::Failed(_) | TestStatus::Tolerated(_) => self.tolerated += 1,
            TestStatus::Skipped(_) => self.skipped += 1,
            TestStatus::Errored(_) => self.errored += 1,
        }
    }
}

/// Makes a tree of what a runner tells. Whatever it tells, the tree is one, and small enough.
#[derive(Debug, Default)]
pub struct TestRecorder {
    finished: Vec<TestNode>,
    /// With the times when they began, in milliseconds.
    open: Vec<(TestNode, i64)>,
    count: usize,
    /// Parts that are open and not kept.
    dropped: usize,
}

impl TestRecorder {
    /// A part begins inside of the one that began last. The answer is how it is kept, and how deep; nothing where there
    /// are too many already.
    pub fn begin(&mut self, name: &str, description: &str, now: i64) -> Option<(&TestNode, usize)> {
        if self.dropped > 0 || self.count == MAX_NODES || self.open.len() == MAX_DEPTH {
            self.dropped += 1;
            return None;
        }
        self.count += 1;
        let part = TestNode {
            name: sanitize_line(name),
            description: sanitize_line(description),
            status: TestStatus::Passed,
            duration_ms: 0,
            children: Vec::new(),
        };
        self.open.push((part, now));
        let depth = self.open.len() - 1;
        self.open.last().map(|it| (&it.0, depth))
    }

    /// The part that began last ends. The answer is how it is kept, and how deep; nothing where none is open.
    pub fn end(&mut self, status: TestStatus, now: i64) -> Option<(&TestNode, usize)> {
        if self.dropped > 0 {
            self.dropped -= 1;
            return None;
        }
        let (mut part, began) = self.open.pop()?;
        part.status = status.sanitized();
        part.duration_ms = (now - began).max(0);
        let depth = self.open.len();
        let siblings = match self.open.last_mut() {
            Some((parent, _)) => &mut parent.children,
            None => &mut self.finished,
        };
        siblings.push(part);
        siblings.last().map(|it| (it, depth))
    }

    /// Whether a part is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.dropped > 0 || !self.open.is_empty()
    }

    /// All that ended.
    #[must_use]
    pub fn finish(self) -> Vec<TestNode> {
        self.finished
    }
}

/// One line of text, cut where it is long.
fn sanitize_line(text: &str) -> String {
    let mut shown: String =
        escape_hidden(text).replace(['\n', '\t'], " ").chars().take(MAX_LINE_CHARS + 1).collect();
    if let Some((end, _)) = shown.char_indices().nth(MAX_LINE_CHARS) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn failed(reason: &str) -> TestStatus {
        TestStatus::Failed(reason.into())
    }

    #[test]
    fn a_tree_grows_as_it_is_told() {
        let mut recorder = TestRecorder::default();
        assert_eq!(recorder.begin("all\u{1b}[1m", "every\nthing", 10).unwrap().0.name, "all");
        for (name, verdict) in [
            ("a", TestStatus::Passed),
            ("b", failed("one\r\n\ttwo")),
            ("c", TestStatus::Skipped("b".into())),
            ("d", TestStatus::Errored("x".into())),
            ("e", TestStatus::Tolerated("x".into())),
        ] {
            assert_eq!(recorder.begin(name, "", 20).unwrap().1, 1);
            assert_eq!(recorder.end(verdict, 25).unwrap().1, 1);
        }
        assert!(recorder.is_open());
        assert_eq!(recorder.end(TestStatus::Passed, 50).unwrap().1, 0);
        assert!(recorder.end(TestStatus::Passed, 60).is_none() && !recorder.is_open());
        let tree = recorder.finish();
        assert_eq!((tree.len(), tree[0].duration_ms, tree[0].description.as_str()), (1, 40, "every thing"));
        let names: Vec<_> = tree[0].children.iter().map(|it| it.status.name()).collect();
        assert_eq!(names, ["passed", "failed", "skipped", "error", "tolerated"]);
        assert_eq!(tree[0].children[1].status, failed("one\n two"));
        let counts = TestCounts { passed: 1, failed: 1, tolerated: 1, skipped: 1, errored: 1 };
        assert_eq!((TestCounts::of(&tree), counts.total()), (counts, 5));
    }

    #[test]
    fn what_fails_in_a_batch_that_need_not_pass_is_tolerated() {
        let part = |verdict, parts| TestNode {
            name: String::new(),
            description: String::new(),
            status: verdict,
            duration_ms: 0,
            children: parts,
        };
        let parts = || vec![part(failed("y"), vec![]), part(TestStatus::Passed, vec![])];
        let tree = [part(failed("x"), parts())];
        assert_eq!(TestCounts::of(&tree), TestCounts { passed: 1, failed: 1, ..TestCounts::default() });
        let tree = [part(TestStatus::Tolerated("x".into()), parts())];
        assert_eq!(TestCounts::of(&tree), TestCounts { passed: 1, tolerated: 1, ..TestCounts::default() });
    }

    proptest! {
        #[test]
        fn whatever_is_recorded_is_a_tree_that_ends(events in prop::collection::vec(any::<Option<String>>(), 0..300)) {
            let mut recorder = TestRecorder::default();
            let begun = events.iter().flatten().count();
            for event in &events {
                match event {
                    Some(name) => {
                        recorder.begin(name, name, 5);
                    }
                    None => {
                        recorder.end(failed("x\ny"), 3);
                    }
                }
            }
            while recorder.is_open() {
                recorder.end(TestStatus::Passed, 9);
            }
            fn size(parts: &[TestNode]) -> usize {
                parts.iter().map(|it| 1 + size(&it.children)).sum()
            }
            let tree = recorder.finish();
            prop_assert!(size(&tree) <= begun);
        }
    }

    #[test]
    fn too_many_and_too_deep_ones_are_dropped() {
        let mut recorder = TestRecorder::default();
        for _ in 0..100 {
            recorder.begin("x", "", 0);
        }
        for _ in 0..100 {
            recorder.end(failed("x"), 0);
        }
        assert!(!recorder.is_open());
        for _ in 0..20_000 {
            recorder.begin("x", "", 0);
            recorder.end(TestStatus::Passed, 0);
        }
        assert_eq!(TestCounts::of(&recorder.finish()).passed, MAX_NODES - MAX_DEPTH);
        let long = TestStatus::Failed("x\n".repeat(100)).sanitized();
        assert_eq!(long.reason().unwrap().lines().count(), MAX_REASON_LINES + 1);
    }
}
