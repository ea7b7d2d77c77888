//! The table of packages × targets.

use opkg_engine::format;
use opkg_engine::status::{Status, StatusCell, StatusKind, TargetGroup};
use opkg_oda::{Cluster, Stage};

use crate::styles::{Style, Styles};

const COLUMN_GAP: &str = "  ";
/// Letters of the head of a column; groups with longer names are numbered and explained below.
const MAX_HEADER_WIDTH: usize = 32;
/// Groups with a column of their own; those with something to say come first when there are more.
const MAX_COLUMNS: usize = 24;

/// A column: the targets of a group.
struct Column<'a> {
    index: usize,
    group: &'a TargetGroup,
    header: String,
    /// Whether the head is not the group's own name.
    is_numbered: bool,
}

/// The table, no wider than `width` where that can be, and what its signs mean.
#[must_use]
pub fn render_matrix(cluster: &Cluster, status: &Status, width: usize, styles: Styles) -> String {
    let (columns, left_out) = choose_columns(status);
    let names: Vec<String> =
        status.rows.iter().map(|row| format::package_name(cluster, row.package)).collect();
    let first = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("package".len());
    let wide = wide_table(status, &columns, &names, first, width, full_cell, styles);
    let (table, is_short) = match wide {
        Some(table) => (table, false),
        None => (wrapped_table(status, &columns, &names, first, width, styles), true),
    };
    let mut text = table;
    for column in columns.iter().filter(|column| column.is_numbered) {
        text.push_str(&format!("{}: {}\n", column.header, column.group.label));
    }
    if left_out > 0 {
        text.push_str(&format!("{left_out} more groups of targets; name TARGETs with --on to see them\n"));
    }
    text.push_str(&styles.apply(Style::Dimmed, &render_legend(status, is_short, width)));
    text
}

/// Columns for the groups; of too many, those that stand still are left out first.
fn choose_columns(status: &Status) -> (Vec<Column<'_>>, usize) {
    let still = |index: usize| {
        status.rows.iter().all(|line| {
            let cell = line.cells.get(index).and_then(Option::as_ref);
            cell.is_none_or(|cell| matches!(cell.kind, StatusKind::Done | StatusKind::Absent))
        })
    };
    let mut chosen: Vec<usize> = (0..status.groups.len()).collect();
    if chosen.len() > MAX_COLUMNS {
        chosen.sort_by_key(|index| (still(*index), *index));
        chosen.truncate(MAX_COLUMNS);
        chosen.sort_unstable();
    }
    let left_out = status.groups.len() - chosen.len();
    let mut number = 0;
    let columns = chosen
        .into_iter()
        .filter_map(|index| status.groups.get(index).map(|group| (index, group)))
        .map(|(index, group)| {
            let is_numbered = group.label.chars().count() > MAX_HEADER_WIDTH;
            number += usize::from(is_numbered);
            let head = if is_numbered {
                format!("{} {}s (group {number})", group.targets.len(), group.kind)
            } else {
                group.label.clone()
            };
            Column { index, group, header: head, is_numbered }
        })
        .collect();
    (columns, left_out)
}

/// All columns side by side; nothing where that is too wide.
fn wide_table(
    status: &Status,
    columns: &[Column<'_>],
    names: &[String],
    first: usize,
    width: usize,
    cell: fn(&StatusCell) -> String,
    styles: Styles,
) -> Option<String> {
    let widths: Vec<usize> = columns.iter().map(|column| column_width(status, column, cell)).collect();
    let all: usize = first + widths.iter().map(|width| width + COLUMN_GAP.len()).sum::<usize>();
    (all <= width).then(|| render_block(status, columns, &widths, names, first, cell, styles))
}

/// Short cells, and as many columns side by side as there is room for; the rest below.
fn wrapped_table(
    status: &Status,
    columns: &[Column<'_>],
    names: &[String],
    first: usize,
    width: usize,
    styles: Styles,
) -> String {
    let mut text = String::new();
    let mut rest = columns;
    while !rest.is_empty() {
        let widths: Vec<usize> = rest.iter().map(|column| column_width(status, column, short_cell)).collect();
        let mut taken = first;
        let fitting = widths.iter().take_while(|column| {
            taken += COLUMN_GAP.len() + **column;
            taken <= width
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&render_block(status, now, &widths, names, first, short_cell, styles));
        rest = later;
    }
    text
}

fn column_width(status: &Status, column: &Column<'_>, cell: fn(&StatusCell) -> String) -> usize {
    let cells = status.rows.iter().filter_map(|row| row.cells.get(column.index)?.as_ref());
    cells.map(|found| cell(found).len()).chain([column.header.chars().count()]).max().unwrap_or(0)
}

fn render_block(
    status: &Status,
    columns: &[Column<'_>],
    widths: &[usize],
    names: &[String],
    first: usize,
    cell: fn(&StatusCell) -> String,
    styles: Styles,
) -> String {
    let mut text = styles.apply(Style::Heading, &format!("{:first$}", "package"));
    let last = columns.len().saturating_sub(1);
    for (at, (column, width)) in columns.iter().zip(widths).enumerate() {
        let head = if at == last { column.header.clone() } else { format!("{:width$}", column.header) };
        text.push_str(&format!("{COLUMN_GAP}{}", styles.apply(Style::Heading, &head)));
    }
    text.push('\n');
    for (line, name) in status.rows.iter().zip(names) {
        let mut row = format!("{name:first$}");
        // Blanks are kept back until something follows them: nothing stands at the end of a line.
        let mut gap = 0;
        for (column, width) in columns.iter().zip(widths) {
            gap += COLUMN_GAP.len();
            let Some(found) = line.cells.get(column.index).and_then(Option::as_ref) else {
                gap += width;
                continue;
            };
            let written = cell(found);
            row.push_str(&" ".repeat(gap));
            row.push_str(&styles.apply(status_style(&found.kind), &written));
            gap = width - written.len();
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// `! install-bin-pkgs -> finished`
fn full_cell(cell: &StatusCell) -> String {
    let sign = cell.kind.symbol();
    let current = format::stage_label(cell.current);
    if cell.requested == cell.current {
        format!("{sign} {current}")
    } else {
        format!("{sign} {current} -> {}", format::stage_label(cell.requested))
    }
}

/// `! 4>8`
fn short_cell(cell: &StatusCell) -> String {
    let sign = cell.kind.symbol();
    if cell.requested == cell.current {
        format!("{sign} {}", cell.current.id())
    } else {
        format!("{sign} {}>{}", cell.current.id(), cell.requested.id())
    }
}

fn status_style(kind: &StatusKind) -> Style {
    match kind {
        StatusKind::Done => Style::Success,
        StatusKind::Absent => Style::Dimmed,
        StatusKind::Ready(_) | StatusKind::Running => Style::InProgress,
        StatusKind::Waiting(_) | StatusKind::BlockedBy(_) => Style::Warning,
        StatusKind::Unknown => Style::Warning,
        StatusKind::Error(_) => Style::Error,
    }
}

/// What the signs in the table mean, as far as they occur.
fn render_legend(status: &Status, is_short: bool, width: usize) -> String {
    type StatusPredicate = fn(&StatusKind) -> bool;
    let signs: [(StatusPredicate, &str); 8] = [
        (|kind| *kind == StatusKind::Done, "+ done"),
        (|kind| matches!(kind, StatusKind::Ready(_)), "> next run"),
        (|kind| *kind == StatusKind::Running, "* running"),
        (|kind| matches!(kind, StatusKind::Waiting(_)), "~ waiting"),
        (|kind| matches!(kind, StatusKind::BlockedBy(_)), "# blocked"),
        (|kind| *kind == StatusKind::Unknown, "? not looked at"),
        (|kind| matches!(kind, StatusKind::Error(_)), "! error"),
        (|kind| *kind == StatusKind::Absent, "- removed"),
    ];
    let there =
        signs.iter().filter(|(test, _)| status.count_where(test) > 0).map(|(_, text)| (*text).to_owned());
    let mut legend = wrap_parts(there, width);
    if is_short {
        legend.push_str(&wrap_parts(
            Stage::ALL.iter().map(|stage| format!("{} {}", stage.id(), format::stage_label(*stage))),
            width,
        ));
    }
    legend
}

/// Parts side by side, on as many lines as they need.
fn wrap_parts(parts: impl Iterator<Item = String>, width: usize) -> String {
    let mut text = String::new();
    let mut taken = 0;
    for part in parts {
        let gap = match taken {
            0 => "",
            _ if taken + 3 + part.len() <= width => "   ",
            _ => "\n",
        };
        taken = if gap == "   " { taken + 3 } else { 0 } + part.len();
        text.push_str(gap);
        text.push_str(&part);
    }
    text.push('\n');
    text
}
