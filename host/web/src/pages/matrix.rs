//! The table of packages × targets: targets that are alike are one column.

use opkg_oda::{Cluster, Stage, TargetId};
use opkg_opm::status::{Cell, Group, Standing, Status};
use opkg_opm::words;

use super::names::{package_address, pair_address};
use crate::fields::address;

/// Columns; of more groups, those that stand still are left out first.
const COLUMNS: usize = 48;
/// With more columns than that, stages are numbers.
const WIDE: usize = 5;

/// The table.
#[derive(Debug)]
pub struct Matrix {
    /// From left to right.
    pub columns: Vec<Column>,
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// Groups of targets that have no column.
    pub left_out: usize,
    /// Whether there are so many columns that each is narrow.
    pub is_narrow: bool,
    /// Number and name of the stages, where the table has numbers only.
    pub stages: Vec<(u8, &'static str)>,
    /// The signs that occur: how often, and what they mean.
    pub signs: Vec<Sign>,
}

/// Targets that are alike in all packages.
#[derive(Debug)]
pub struct Column {
    /// As `--on` takes them.
    pub label: String,
    /// Their kind, and their names without it.
    pub kind: &'static str,
    /// Likewise.
    pub names: String,
    /// The table of them alone.
    pub href: String,
    /// How many they are.
    pub count: usize,
}

/// A package.
#[derive(Debug)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// One for each column; none where it was never asked for.
    pub cells: Vec<Option<Shown>>,
}

/// How a package stands on the targets of a column.
#[derive(Debug)]
pub struct Shown {
    /// `done`, `error` and the like: the name of its style.
    pub class: &'static str,
    /// `+`, `!` and the like.
    pub sign: char,
    /// `3→8`, or names of stages.
    pub text: String,
    /// All of it in words.
    pub words: String,
    /// The page that says more.
    pub href: String,
}

/// A sign of the table.
#[derive(Debug)]
pub struct Sign {
    /// The name of its style.
    pub class: &'static str,
    /// The sign.
    pub sign: char,
    /// What it means.
    pub meaning: &'static str,
    urgency: Option<usize>,
    /// How many pairs of package and target stand so.
    pub count: usize,
}

/// Makes the table.
#[must_use]
pub fn matrix(cluster: &Cluster, status: &Status) -> Matrix {
    let chosen = chosen(status);
    let groups: Vec<(usize, &Group)> =
        chosen.iter().filter_map(|it| status.groups.get(*it).map(|group| (*it, group))).collect();
    let is_short = groups.len() > WIDE;
    let columns = groups.iter().map(|(_, group)| Column {
        label: group.label.clone(),
        kind: group.kind.name(),
        names: group.label.split_once(':').map_or_else(String::new, |it| it.1.to_owned()),
        href: address("/", &[("on", &group.label)]),
        count: group.targets.len(),
    });
    let lines = status.lines.iter().map(|line| {
        let name = words::name(cluster, line.package);
        let cell = |(index, group): &(usize, &Group)| {
            let cell = line.cells.get(*index)?.as_ref()?;
            Some(shown(cluster, cell, is_short, page(cluster, &name, group)))
        };
        let cells = groups.iter().map(cell).collect();
        Line { href: package_address(&name, ""), name, cells }
    });
    let stages = Stage::ALL.map(|it| (it.id(), words::stage(it)));
    Matrix {
        columns: columns.collect(),
        lines: lines.collect(),
        left_out: status.groups.len() - groups.len(),
        is_narrow: is_short,
        stages: if is_short { stages.to_vec() } else { Vec::new() },
        signs: signs(status),
    }
}

/// The groups that have a column, in their order: of too many, those in which most is wrong.
fn chosen(status: &Status) -> Vec<usize> {
    let urgency = |index: usize| {
        let cells = status.lines.iter().filter_map(|line| line.cells.get(index)?.as_ref());
        cells.filter_map(|it| urgency(&it.standing)).min().unwrap_or(usize::MAX)
    };
    let mut chosen: Vec<usize> = (0..status.groups.len()).collect();
    if chosen.len() > COLUMNS {
        chosen.sort_by_cached_key(|index| (urgency(*index), *index));
        chosen.truncate(COLUMNS);
        chosen.sort_unstable();
    }
    chosen
}

/// What needs somebody comes first: the smaller the number, the sooner.
#[must_use]
pub fn urgency(standing: &Standing) -> Option<usize> {
    "!#~*>+-".find(standing.sign())
}

/// Where more is said of a package on the targets of a group.
fn page(cluster: &Cluster, package: &str, group: &Group) -> String {
    let target = |id: &TargetId| cluster.targets.get(id).map(|it| it.address.to_string());
    match group.targets.as_slice() {
        [one] => pair_address(package, &target(one).unwrap_or_default()),
        _ => package_address(package, &group.label),
    }
}

/// A cell as it is shown.
#[must_use]
pub fn shown(cluster: &Cluster, cell: &Cell, is_short: bool, href: String) -> Shown {
    let [current, requested] = [cell.current, cell.requested].map(words::stage);
    let moves = cell.current != cell.requested;
    let text = match (is_short, moves) {
        (true, true) => format!("{}→{}", cell.current.id(), cell.requested.id()),
        (true, false) => cell.current.id().to_string(),
        (false, true) => format!("{current} → {requested}"),
        (false, false) => current.to_owned(),
    };
    let to = if moves { format!(", requested: {requested}") } else { String::new() };
    Shown {
        class: cell.standing.name(),
        sign: cell.standing.sign(),
        text,
        words: format!("{}: {current}{to}", meaning(cluster, &cell.standing)),
        href,
    }
}

/// What a standing means, in a few words.
#[must_use]
pub fn meaning(cluster: &Cluster, standing: &Standing) -> String {
    match standing {
        Standing::Error(stage) => format!("error, {} failed", words::stage(*stage)),
        Standing::Blocked(by) => format!("blocked by {}", words::name(cluster, *by)),
        other => word(other).to_owned(),
    }
}

fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Done => "done",
        Standing::Due(_) => "next run",
        Standing::Running => "running",
        Standing::Waits(_) => "waiting",
        Standing::Blocked(_) => "blocked",
        Standing::Error(_) => "error",
        Standing::Absent => "removed",
    }
}

fn signs(status: &Status) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    for (cell, group) in status.lines.iter().flat_map(|line| line.cells.iter().zip(&status.groups)) {
        let Some(standing) = cell.as_ref().map(|it| &it.standing) else { continue };
        match signs.iter_mut().find(|it| it.sign == standing.sign()) {
            Some(sign) => sign.count += group.targets.len(),
            None => signs.push(Sign {
                class: standing.name(),
                sign: standing.sign(),
                meaning: word(standing),
                urgency: urgency(standing),
                count: group.targets.len(),
            }),
        }
    }
    signs.sort_by_key(|it| it.urgency);
    signs
}
