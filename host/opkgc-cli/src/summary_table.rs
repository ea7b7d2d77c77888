//! What became of many jobs, as a table: packages × targets.

/// What became of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Everything was written.
    Built,
    /// The OPKG's own filters exclude the target.
    Unavailable,
    /// Something is wrong.
    Failed,
    /// It was not begun, after another one had failed.
    NotTried,
}

impl JobStatus {
    /// As people and programs read it; part of the interface.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::NotTried => "not tried",
        }
    }
}

/// Columns of text after which a table goes on below.
const MAX_WIDTH: usize = 100;

const COLUMN_GAP: &str = "  ";

/// Jobs, each with its outcome.
#[derive(Debug, Default)]
pub struct SummaryTable {
    packages: Vec<String>,
    targets: Vec<String>,
    cells: Vec<Cell>,
    causes: Vec<String>,
}

#[derive(Debug)]
struct Cell {
    package: String,
    target: String,
    status: JobStatus,
}

impl SummaryTable {
    /// One job, and the first line of what was wrong.
    pub fn add(&mut self, package: &str, target: &str, status: JobStatus, cause: Option<&str>) {
        for (list, name) in [(&mut self.packages, package), (&mut self.targets, target)] {
            // Jobs come package by package, so the last one is mostly the one.
            if !list.iter().rev().any(|it| it == name) {
                list.push(name.to_owned());
            }
        }
        self.cells.push(Cell { package: package.to_owned(), target: target.to_owned(), status });
        if let Some(cause) = cause.and_then(|it| it.lines().next()) {
            self.causes.push(format!("{package} for {target}: {cause}"));
        }
    }

    /// A job that was added before has failed in the end.
    pub fn fail(&mut self, package: &str, target: &str, cause: &str) {
        let mut of_job =
            self.cells.iter_mut().filter(|cell| cell.package == package && cell.target == target);
        let Some(cell) = of_job.next() else { return };
        cell.status = JobStatus::Failed;
        self.causes.push(format!("{package} for {target}: {}", cause.lines().next().unwrap_or_default()));
    }

    /// How many ended so.
    #[must_use]
    pub fn count(&self, status: JobStatus) -> usize {
        self.cells.iter().filter(|cell| cell.status == status).count()
    }

    /// The packages of which every job ended like this.
    pub fn packages_all(&self, all: JobStatus) -> impl Iterator<Item = &str> {
        let ended = move |package: &&String| {
            self.cells.iter().filter(|cell| cell.package == **package).all(|cell| cell.status == all)
        };
        self.packages.iter().filter(ended).map(String::as_str)
    }

    /// The table, the causes, and the sums; nothing for a single job.
    #[must_use]
    pub fn render(&self) -> Option<String> {
        if self.cells.len() < 2 {
            return None;
        }
        let mut text = String::new();
        let first = widest(self.packages.iter().map(String::as_str)).max("package".len());
        let mut rest = self.targets.as_slice();
        while !rest.is_empty() {
            let (block, further) = rest.split_at(self.fitting_columns(rest, first));
            rest = further;
            self.render_block(&mut text, block, first);
            text.push('\n');
        }
        for cause in &self.causes {
            text.push_str(&format!("{cause}\n"));
        }
        if !self.causes.is_empty() {
            text.push('\n');
        }
        let all = [JobStatus::Built, JobStatus::Unavailable, JobStatus::Failed, JobStatus::NotTried];
        let counts = all.map(|status| (self.count(status), status.name()));
        let counts: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
        text.push_str(&counts.join(", "));
        Some(text)
    }

    /// How many of these columns there is room for; one at least.
    fn fitting_columns(&self, targets: &[String], first: usize) -> usize {
        let mut taken = first;
        let fits = targets.iter().take_while(|target| {
            taken += COLUMN_GAP.len() + self.column_width(target);
            taken <= MAX_WIDTH
        });
        fits.count().max(1)
    }

    fn column_width(&self, target: &str) -> usize {
        let cells = self.cells.iter().filter(|cell| cell.target == target).map(|cell| cell.status.name());
        widest(cells.chain([target]))
    }

    fn render_block(&self, text: &mut String, targets: &[String], first: usize) {
        let widths: Vec<usize> = targets.iter().map(|target| self.column_width(target)).collect();
        let mut line = |head: &str, cells: Vec<&str>| {
            let mut line = format!("{head:first$}");
            for (cell, width) in cells.iter().zip(&widths) {
                line.push_str(&format!("{COLUMN_GAP}{cell:width$}"));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        };
        line("package", targets.iter().map(String::as_str).collect());
        for package in &self.packages {
            let of_package: Vec<_> = self.cells.iter().filter(|cell| cell.package == *package).collect();
            let text = |target: &String| {
                of_package.iter().find(|cell| cell.target == *target).map_or("", |cell| cell.status.name())
            };
            line(package, targets.iter().map(text).collect());
        }
    }
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|it| it.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_table_with_causes() {
        let mut summary = SummaryTable::default();
        summary.add("demo 1.0-1", "rhel-9", JobStatus::Built, None);
        assert_eq!(summary.render(), None);
        summary.add("demo 1.0-1", "debian-12", JobStatus::Unavailable, None);
        summary.add("brökn", "rhel-9", JobStatus::Failed, Some("no config.xml\nmore"));
        summary.add("brökn", "debian-12", JobStatus::NotTried, None);
        assert_eq!(
            summary.render().unwrap(),
            "package     rhel-9  debian-12\n\
             demo 1.0-1  built   unavailable\n\
             brökn       failed  not tried\n\
             \n\
             brökn for rhel-9: no config.xml\n\
             \n\
             1 built, 1 unavailable, 1 failed, 1 not tried"
        );
    }

    #[test]
    fn a_wide_table_goes_on_below() {
        let mut summary = SummaryTable::default();
        for target in 0..12 {
            summary.add("demo", &format!("distribution-{target}"), JobStatus::Built, None);
        }
        let text = summary.render().unwrap();
        assert_eq!(text.matches("package").count(), 3);
        assert!(text.lines().all(|line| line.chars().count() <= MAX_WIDTH));
        assert_eq!(text.matches("built").count(), 13);
    }
}
