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

/// Jobs, each with its outcome. Made for many thousands: a job takes a byte, and as much time whatever came before it.
#[derive(Debug, Default)]
pub struct SummaryTable {
    rows: Vec<Row>,
    targets: Vec<String>,
    causes: Vec<String>,
}

/// The jobs of a package.
#[derive(Debug)]
struct Row {
    package: String,
    /// For each of the targets, as far as there are jobs.
    cells: Vec<Option<JobStatus>>,
}

/// Where a job is in a table.
#[derive(Debug, Clone, Copy)]
pub struct JobPlace {
    row: usize,
    column: usize,
}

impl SummaryTable {
    /// One job, and the first line of what was wrong. Jobs come package by package.
    pub fn add(&mut self, package: &str, target: &str, status: JobStatus, cause: Option<&str>) -> JobPlace {
        let column = self.targets.iter().position(|name| name == target).unwrap_or_else(|| {
            self.targets.push(target.to_owned());
            self.targets.len() - 1
        });
        let has_room =
            |row: &Row| row.package == package && row.cells.get(column).is_none_or(Option::is_none);
        if !self.rows.last().is_some_and(has_room) {
            self.rows
                .push(Row { package: package.to_owned(), cells: Vec::with_capacity(self.targets.len()) });
        }
        let place = JobPlace { row: self.rows.len() - 1, column };
        self.set(place, status);
        if let Some(cause) = cause.and_then(|cause| cause.lines().next()) {
            self.causes.push(format!("{package} for {target}: {cause}"));
        }
        place
    }

    fn set(&mut self, place: JobPlace, status: JobStatus) {
        let cells = &mut self.rows[place.row].cells;
        if cells.len() <= place.column {
            cells.resize(place.column + 1, None);
        }
        cells[place.column] = Some(status);
    }

    /// A job that was added before has failed in the end.
    pub fn fail(&mut self, place: JobPlace, cause: &str) {
        self.set(place, JobStatus::Failed);
        let (package, target) = (&self.rows[place.row].package, &self.targets[place.column]);
        self.causes.push(format!("{package} for {target}: {}", cause.lines().next().unwrap_or_default()));
    }

    /// How all jobs ended.
    fn statuses(&self) -> impl Iterator<Item = JobStatus> {
        self.rows.iter().flat_map(|row| row.cells.iter().copied().flatten())
    }

    /// How many ended so.
    #[must_use]
    pub fn count(&self, status: JobStatus) -> usize {
        self.statuses().filter(|ended| *ended == status).count()
    }

    /// The packages of which every job ended like this.
    pub fn packages_all(&self, all: JobStatus) -> impl Iterator<Item = &str> {
        let ended = move |row: &&Row| row.cells.iter().flatten().all(|status| *status == all);
        self.rows.iter().filter(ended).map(|row| row.package.as_str())
    }

    /// The table, the causes, and the sums; nothing for a single job.
    #[must_use]
    pub fn render(&self) -> Option<String> {
        if self.statuses().count() < 2 {
            return None;
        }
        let mut text = String::new();
        let first = widest(self.rows.iter().map(|row| row.package.as_str())).max("package".len());
        let widths: Vec<usize> = (0..self.targets.len()).map(|column| self.column_width(column)).collect();
        let mut begin = 0;
        while begin < widths.len() {
            let end = begin + fitting_columns(&widths[begin..], first);
            self.render_block(&mut text, first, begin, &widths[begin..end]);
            text.push('\n');
            begin = end;
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

    fn column_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.cells.get(column).copied().flatten());
        widest(cells.map(JobStatus::name)).max(widest([self.targets[column].as_str()].into_iter()))
    }

    /// The columns from `begin` on, of these widths.
    fn render_block(&self, text: &mut String, first: usize, begin: usize, widths: &[usize]) {
        let columns = begin..begin + widths.len();
        let mut line = |head: &str, cells: Vec<&str>| {
            let mut line = format!("{head:first$}");
            for (cell, width) in cells.iter().zip(widths) {
                line.push_str(&format!("{COLUMN_GAP}{cell:width$}"));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        };
        line("package", self.targets[columns.clone()].iter().map(String::as_str).collect());
        for row in &self.rows {
            let text = |column: usize| row.cells.get(column).copied().flatten().map_or("", JobStatus::name);
            line(&row.package, columns.clone().map(text).collect());
        }
    }
}

/// How many columns of these widths there is room for beside the first one; one at least.
fn fitting_columns(widths: &[usize], first: usize) -> usize {
    let mut taken = first;
    let fits = widths.iter().take_while(|width| {
        taken += COLUMN_GAP.len() + **width;
        taken <= MAX_WIDTH
    });
    fits.count().max(1)
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
