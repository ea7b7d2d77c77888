//! The table of packages × targets. Targets with the same states share a column.

use opkg_engine::format;
use opkg_engine::status::{Status, StatusCell, StatusKind, TargetGroup};
use opkg_oda::{Cluster, Stage, TargetId};

use super::urls::{STATUS_URL, package_target_url, package_url};
use crate::params::build_url;

/// Of more groups, the least urgent are left out.
const MAX_COLUMNS: usize = 48;
/// With more columns than that, stages are numbers.
const NARROW_COLUMNS_FROM: usize = 5;

#[derive(Debug)]
pub struct Matrix {
    pub columns: Vec<Column>,
    pub rows: Vec<MatrixRow>,
    /// Groups of targets that have no column.
    pub omitted_groups: usize,
    /// Whether cells hold numbers of stages instead of names.
    pub is_narrow: bool,
    /// Number and name of all stages, if the table is narrow.
    pub stages: Vec<(u8, &'static str)>,
    /// The signs that occur, the most urgent first.
    pub legend: Vec<LegendEntry>,
}

/// Targets with the same state of every package.
#[derive(Debug)]
pub struct Column {
    /// Selector, as `--on` takes it.
    pub label: String,
    pub kind: &'static str,
    /// The label without the kind.
    pub names: String,
    /// The table of these targets alone.
    pub href: String,
    /// Of targets.
    pub count: usize,
}

#[derive(Debug)]
pub struct MatrixRow {
    /// Of the package.
    pub name: String,
    pub href: String,
    /// One for each column; `None` where the package was never requested.
    pub cells: Vec<Option<CellView>>,
}

/// The state of a package on the targets of a column.
#[derive(Debug)]
pub struct CellView {
    /// CSS class: `done`, `error` and the like.
    pub class: &'static str,
    /// `+`, `!` and the like.
    pub sign: char,
    /// `3→8`, or names of stages.
    pub text: String,
    /// State and stages in words, for the tooltip.
    pub description: String,
    pub href: String,
}

#[derive(Debug)]
pub struct LegendEntry {
    /// CSS class.
    pub class: &'static str,
    pub sign: char,
    pub meaning: &'static str,
    urgency: Option<usize>,
    /// Of package/target pairs in this state.
    pub count: usize,
}

#[must_use]
pub fn build_matrix(cluster: &Cluster, status: &Status) -> Matrix {
    let visible = visible_groups(status);
    let groups: Vec<(usize, &TargetGroup)> =
        visible.iter().filter_map(|index| status.groups.get(*index).map(|group| (*index, group))).collect();
    let is_narrow = groups.len() > NARROW_COLUMNS_FROM;
    let columns = groups.iter().map(|(_, group)| Column {
        label: group.label.clone(),
        kind: group.kind.name(),
        names: group.label.split_once(':').map_or_else(String::new, |(_, names)| names.to_owned()),
        href: build_url(STATUS_URL, &[("on", &group.label)]),
        count: group.targets.len(),
    });
    let rows = status.rows.iter().map(|row| {
        let name = format::package_name(cluster, row.package);
        let cell = |(index, group): &(usize, &TargetGroup)| {
            let cell = row.cells.get(*index)?.as_ref()?;
            Some(cell_view(cluster, cell, is_narrow, cell_url(cluster, &name, group)))
        };
        let cells = groups.iter().map(cell).collect();
        MatrixRow { href: package_url(&name, ""), name, cells }
    });
    let stages = Stage::ALL.map(|stage| (stage.id(), format::stage_label(stage)));
    Matrix {
        columns: columns.collect(),
        rows: rows.collect(),
        omitted_groups: status.groups.len() - groups.len(),
        is_narrow,
        stages: if is_narrow { stages.to_vec() } else { Vec::new() },
        legend: build_legend(status),
    }
}

/// Indices of the groups that have a column, in their order: of too many, the most urgent.
fn visible_groups(status: &Status) -> Vec<usize> {
    let group_urgency = |index: usize| {
        let cells = status.rows.iter().filter_map(|row| row.cells.get(index)?.as_ref());
        cells.filter_map(|cell| urgency(&cell.kind)).min().unwrap_or(usize::MAX)
    };
    let mut visible: Vec<usize> = (0..status.groups.len()).collect();
    if visible.len() > MAX_COLUMNS {
        visible.sort_by_cached_key(|index| (group_urgency(*index), *index));
        visible.truncate(MAX_COLUMNS);
        visible.sort_unstable();
    }
    visible
}

/// A sort key: what needs the administrator comes first.
#[must_use]
pub fn urgency(kind: &StatusKind) -> Option<usize> {
    "!#~?*>+-".find(kind.symbol())
}

/// The page of the package on the targets of a group.
fn cell_url(cluster: &Cluster, package: &str, group: &TargetGroup) -> String {
    let address = |id: &TargetId| cluster.targets.get(id).map(|target| target.address.to_string());
    match group.targets.as_slice() {
        [target] => package_target_url(package, &address(target).unwrap_or_default()),
        _ => package_url(package, &group.label),
    }
}

#[must_use]
pub fn cell_view(cluster: &Cluster, cell: &StatusCell, is_narrow: bool, href: String) -> CellView {
    let [current, requested] = [cell.current, cell.requested].map(format::stage_label);
    let moves = cell.current != cell.requested;
    let text = match (is_narrow, moves) {
        (true, true) => format!("{}→{}", cell.current.id(), cell.requested.id()),
        (true, false) => cell.current.id().to_string(),
        (false, true) => format!("{current} → {requested}"),
        (false, false) => current.to_owned(),
    };
    let goal = if moves { format!(", requested: {requested}") } else { String::new() };
    let version = cell.version.as_ref().map_or_else(String::new, |version| format!(", version {version}"));
    CellView {
        class: cell.kind.name(),
        sign: cell.kind.symbol(),
        text,
        description: format!("{}: {current}{goal}{version}", describe_standing(cluster, &cell.kind)),
        href,
    }
}

/// In a few words, with the stage or package that is the cause.
#[must_use]
pub fn describe_standing(cluster: &Cluster, kind: &StatusKind) -> String {
    match kind {
        StatusKind::Error(stage) => format!("error, {} failed", format::stage_label(*stage)),
        StatusKind::BlockedBy(by) => format!("blocked by {}", format::package_name(cluster, *by)),
        other => standing_label(other).to_owned(),
    }
}

fn standing_label(kind: &StatusKind) -> &'static str {
    match kind {
        StatusKind::Done => "done",
        StatusKind::Ready(_) => "next run",
        StatusKind::Running => "running",
        StatusKind::Waiting(_) => "waiting",
        StatusKind::BlockedBy(_) => "blocked",
        StatusKind::Error(_) => "error",
        StatusKind::Unknown => "not looked at",
        StatusKind::Absent => "removed",
    }
}

fn build_legend(status: &Status) -> Vec<LegendEntry> {
    let mut legend: Vec<LegendEntry> = Vec::new();
    for (cell, group) in status.rows.iter().flat_map(|row| row.cells.iter().zip(&status.groups)) {
        let Some(kind) = cell.as_ref().map(|cell| &cell.kind) else { continue };
        match legend.iter_mut().find(|entry| entry.sign == kind.symbol()) {
            Some(entry) => entry.count += group.targets.len(),
            None => legend.push(LegendEntry {
                class: kind.name(),
                sign: kind.symbol(),
                meaning: standing_label(kind),
                urgency: urgency(kind),
                count: group.targets.len(),
            }),
        }
    }
    legend.sort_by_key(|entry| entry.urgency);
    legend
}
