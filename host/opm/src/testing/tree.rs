//! What came of tests: a tree, since batches hold tests and other batches.

use opkg::is_control;

/// Parts that are kept of one run of a runner.
const MOST: usize = 10_000;

/// Parts inside of parts.
const DEEPEST: usize = 64;

/// Characters of a name or a line of a reason.
const LONGEST: usize = 300;

/// Lines of a reason.
const LINES: usize = 50;

/// How a test or a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Otherwise: in which way, in one or several lines.
    Failed(String),
    /// Likewise, and it need not pass.
    Tolerated(String),
    /// It did not run: why.
    Skipped(String),
    /// It could not be run, so that it says nothing: why.
    Broken(String),
}

impl Verdict {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Tolerated(_) => "tolerated",
            Self::Skipped(_) => "skipped",
            Self::Broken(_) => "error",
        }
    }

    /// Why, where there is a reason.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Tolerated(reason) | Self::Skipped(reason) | Self::Broken(reason) => {
                Some(reason)
            }
        }
    }

    /// The same with a reason that people can read: text only, and not too much of it.
    fn plain(self) -> Self {
        let lines = |reason: &str| {
            let mut lines: Vec<String> = reason.lines().take(LINES).map(plain).collect();
            if reason.lines().nth(LINES).is_some() {
                lines.push("…".into());
            }
            lines.join("\n")
        };
        match self {
            Self::Passed => Self::Passed,
            Self::Failed(reason) => Self::Failed(lines(&reason)),
            Self::Tolerated(reason) => Self::Tolerated(lines(&reason)),
            Self::Skipped(reason) => Self::Skipped(lines(&reason)),
            Self::Broken(reason) => Self::Broken(lines(&reason)),
        }
    }
}

/// A test, or a batch of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file that defines it, mostly.
    pub name: String,
    /// What it is about; may be empty.
    pub description: String,
    /// How it ended.
    pub verdict: Verdict,
    /// In milliseconds.
    pub took: i64,
    /// Those of a batch.
    pub parts: Vec<Part>,
}

/// How many tests ended how; batches are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// As they should.
    pub passed: usize,
    /// Otherwise.
    pub failed: usize,
    /// Otherwise, and they, or a batch that they are in, need not pass.
    pub tolerated: usize,
    /// Not run.
    pub skipped: usize,
    /// Could not be run.
    pub broken: usize,
}

impl Counts {
    /// Of several trees.
    #[must_use]
    pub fn of(parts: &[Part]) -> Self {
        let mut counts = Self::default();
        parts.iter().for_each(|it| counts.add(it, false));
        counts
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> usize {
        self.passed + self.failed + self.tolerated + self.skipped + self.broken
    }

    fn add(&mut self, part: &Part, tolerated: bool) {
        if !part.parts.is_empty() {
            let tolerated = tolerated || matches!(part.verdict, Verdict::Tolerated(_));
            return part.parts.iter().for_each(|it| self.add(it, tolerated));
        }
        match &part.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) if !tolerated => self.failed += 1,
            Verdict::Failed(_) | Verdict::Tolerated(_) => self.tolerated += 1,
            Verdict::Skipped(_) => self.skipped += 1,
            Verdict::Broken(_) => self.broken += 1,
        }
    }
}

/// Makes a tree of what a runner tells. Whatever it tells, the tree is one, and small enough.
#[derive(Debug, Default)]
pub struct Recorder {
    done: Vec<Part>,
    /// With the times when they began, in milliseconds.
    open: Vec<(Part, i64)>,
    count: usize,
    /// Parts that are open and not kept.
    dropped: usize,
}

impl Recorder {
    /// A part begins inside of the one that began last. The answer is how it is kept, and how deep; nothing where there
    /// are too many already.
    pub fn begin(&mut self, name: &str, description: &str, now: i64) -> Option<(&Part, usize)> {
        if self.dropped > 0 || self.count == MOST || self.open.len() == DEEPEST {
            self.dropped += 1;
            return None;
        }
        self.count += 1;
        let part = Part {
            name: plain(name),
            description: plain(description),
            verdict: Verdict::Passed,
            took: 0,
            parts: Vec::new(),
        };
        self.open.push((part, now));
        let depth = self.open.len() - 1;
        self.open.last().map(|it| (&it.0, depth))
    }

    /// The part that began last ends. The answer is how it is kept, and how deep; nothing where none is open.
    pub fn end(&mut self, verdict: Verdict, now: i64) -> Option<(&Part, usize)> {
        if self.dropped > 0 {
            self.dropped -= 1;
            return None;
        }
        let (mut part, began) = self.open.pop()?;
        part.verdict = verdict.plain();
        part.took = (now - began).max(0);
        let depth = self.open.len();
        let place = match self.open.last_mut() {
            Some((parent, _)) => &mut parent.parts,
            None => &mut self.done,
        };
        place.push(part);
        place.last().map(|it| (it, depth))
    }

    /// Whether a part is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.dropped > 0 || !self.open.is_empty()
    }

    /// All that ended.
    #[must_use]
    pub fn finish(self) -> Vec<Part> {
        self.done
    }
}

/// One line of text, cut where it is long.
fn plain(text: &str) -> String {
    let mut shown: String = text.chars().filter(|it| !is_control(*it)).take(LONGEST + 1).collect();
    if let Some((end, _)) = shown.char_indices().nth(LONGEST) {
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

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.into())
    }

    #[test]
    fn a_tree_grows_as_it_is_told() {
        let mut recorder = Recorder::default();
        assert_eq!(recorder.begin("all\u{1b}[1m", "every\nthing", 10).unwrap().0.name, "all[1m");
        for (name, verdict) in [
            ("a", Verdict::Passed),
            ("b", failed("one\r\n\ttwo")),
            ("c", Verdict::Skipped("b".into())),
            ("d", Verdict::Broken("x".into())),
            ("e", Verdict::Tolerated("x".into())),
        ] {
            assert_eq!(recorder.begin(name, "", 20).unwrap().1, 1);
            assert_eq!(recorder.end(verdict, 25).unwrap().1, 1);
        }
        assert!(recorder.is_open());
        assert_eq!(recorder.end(Verdict::Passed, 50).unwrap().1, 0);
        assert!(recorder.end(Verdict::Passed, 60).is_none() && !recorder.is_open());
        let tree = recorder.finish();
        assert_eq!((tree.len(), tree[0].took, tree[0].description.as_str()), (1, 40, "everything"));
        let names: Vec<_> = tree[0].parts.iter().map(|it| it.verdict.name()).collect();
        assert_eq!(names, ["passed", "failed", "skipped", "error", "tolerated"]);
        assert_eq!(tree[0].parts[1].verdict, failed("one\ntwo"));
        let counts = Counts { passed: 1, failed: 1, tolerated: 1, skipped: 1, broken: 1 };
        assert_eq!((Counts::of(&tree), counts.all()), (counts, 5));
    }

    #[test]
    fn what_fails_in_a_batch_that_need_not_pass_is_tolerated() {
        let part = |verdict, parts| Part {
            name: String::new(),
            description: String::new(),
            verdict,
            took: 0,
            parts,
        };
        let parts = || vec![part(failed("y"), vec![]), part(Verdict::Passed, vec![])];
        let tree = [part(failed("x"), parts())];
        assert_eq!(Counts::of(&tree), Counts { passed: 1, failed: 1, ..Counts::default() });
        let tree = [part(Verdict::Tolerated("x".into()), parts())];
        assert_eq!(Counts::of(&tree), Counts { passed: 1, tolerated: 1, ..Counts::default() });
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_a_tree_that_ends(told in prop::collection::vec(any::<Option<String>>(), 0..300)) {
            let mut recorder = Recorder::default();
            let begun = told.iter().flatten().count();
            for it in &told {
                match it {
                    Some(name) => {
                        recorder.begin(name, name, 5);
                    }
                    None => {
                        recorder.end(failed("x\ny"), 3);
                    }
                }
            }
            while recorder.is_open() {
                recorder.end(Verdict::Passed, 9);
            }
            fn size(parts: &[Part]) -> usize {
                parts.iter().map(|it| 1 + size(&it.parts)).sum()
            }
            let tree = recorder.finish();
            prop_assert!(size(&tree) <= begun);
        }
    }

    #[test]
    fn too_many_and_too_deep_ones_are_dropped() {
        let mut recorder = Recorder::default();
        for _ in 0..100 {
            recorder.begin("x", "", 0);
        }
        for _ in 0..100 {
            recorder.end(failed("x"), 0);
        }
        assert!(!recorder.is_open());
        for _ in 0..20_000 {
            recorder.begin("x", "", 0);
            recorder.end(Verdict::Passed, 0);
        }
        assert_eq!(Counts::of(&recorder.finish()).passed, MOST - DEEPEST);
        let long = Verdict::Failed("x\n".repeat(100)).plain();
        assert_eq!(long.reason().unwrap().lines().count(), LINES + 1);
    }
}
