//! The table of packages × targets.

use opkg_oda::{Cluster, Stage};
use opkg_opm::status::{Cell, Group, Standing, Status};
use opkg_opm::words;

use crate::opm::paint::{Paint, Tone};

/// Between two columns.
const GAP: &str = "  ";
/// Letters of the head of a column; groups with longer names are numbered and explained below.
const LONGEST_HEAD: usize = 32;
/// Groups with a column of their own; those with something to say come first when there are more.
const COLUMNS: usize = 24;

/// A column: the targets of a group.
struct Column<'a> {
    index: usize,
    group: &'a Group,
    head: String,
    /// Whether the head is not the group's own name.
    is_numbered: bool,
}

/// The table, no wider than `width` where that can be, and what its signs mean.
#[must_use]
pub fn matrix(cluster: &Cluster, status: &Status, width: usize, paint: Paint) -> String {
    let (columns, left_out) = columns(status);
    let names: Vec<String> = status.lines.iter().map(|it| words::name(cluster, it.package)).collect();
    let first = names.iter().map(|it| it.chars().count()).max().unwrap_or(0).max("package".len());
    let wide = table(status, &columns, &names, first, width, full, paint);
    let (table, is_short) = match wide {
        Some(table) => (table, false),
        None => (blocks(status, &columns, &names, first, width, paint), true),
    };
    let mut text = table;
    for column in columns.iter().filter(|it| it.is_numbered) {
        text.push_str(&format!("{}: {}\n", column.head, column.group.label));
    }
    if left_out > 0 {
        text.push_str(&format!("{left_out} more groups of targets; name TARGETs with --on to see them\n"));
    }
    text.push_str(&paint.tone(Tone::Faint, &legend(status, is_short, width)));
    text
}

/// Columns for the groups; of too many, those that stand still are left out first.
fn columns(status: &Status) -> (Vec<Column<'_>>, usize) {
    let still = |index: usize| {
        status.lines.iter().all(|line| {
            let cell = line.cells.get(index).and_then(Option::as_ref);
            cell.is_none_or(|it| matches!(it.standing, Standing::Done | Standing::Absent))
        })
    };
    let mut chosen: Vec<usize> = (0..status.groups.len()).collect();
    if chosen.len() > COLUMNS {
        chosen.sort_by_key(|index| (still(*index), *index));
        chosen.truncate(COLUMNS);
        chosen.sort_unstable();
    }
    let left_out = status.groups.len() - chosen.len();
    let mut number = 0;
    let columns = chosen
        .into_iter()
        .filter_map(|index| status.groups.get(index).map(|group| (index, group)))
        .map(|(index, group)| {
            let is_numbered = group.label.chars().count() > LONGEST_HEAD;
            number += usize::from(is_numbered);
            let head = if is_numbered {
                format!("{} {}s (group {number})", group.targets.len(), group.kind)
            } else {
                group.label.clone()
            };
            Column { index, group, head, is_numbered }
        })
        .collect();
    (columns, left_out)
}

/// All columns beside each other; nothing where that is too wide.
fn table(
    status: &Status,
    columns: &[Column<'_>],
    names: &[String],
    first: usize,
    width: usize,
    cell: fn(&Cell) -> String,
    paint: Paint,
) -> Option<String> {
    let widths: Vec<usize> = columns.iter().map(|it| column_width(status, it, cell)).collect();
    let all: usize = first + widths.iter().map(|it| it + GAP.len()).sum::<usize>();
    (all <= width).then(|| block(status, columns, &widths, names, first, cell, paint))
}

/// Short cells, and as many columns beside each other as there is room for; the rest below.
fn blocks(
    status: &Status,
    columns: &[Column<'_>],
    names: &[String],
    first: usize,
    width: usize,
    paint: Paint,
) -> String {
    let mut text = String::new();
    let mut rest = columns;
    while !rest.is_empty() {
        let widths: Vec<usize> = rest.iter().map(|it| column_width(status, it, short)).collect();
        let mut taken = first;
        let fitting = widths.iter().take_while(|it| {
            taken += GAP.len() + **it;
            taken <= width
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&block(status, now, &widths, names, first, short, paint));
        rest = later;
    }
    text
}

fn column_width(status: &Status, column: &Column<'_>, cell: fn(&Cell) -> String) -> usize {
    let cells = status.lines.iter().filter_map(|it| it.cells.get(column.index)?.as_ref());
    cells.map(|it| cell(it).len()).chain([column.head.chars().count()]).max().unwrap_or(0)
}

fn block(
    status: &Status,
    columns: &[Column<'_>],
    widths: &[usize],
    names: &[String],
    first: usize,
    cell: fn(&Cell) -> String,
    paint: Paint,
) -> String {
    let mut text = paint.tone(Tone::Strong, &format!("{:first$}", "package"));
    let last = columns.len().saturating_sub(1);
    for (at, (column, width)) in columns.iter().zip(widths).enumerate() {
        let head = if at == last { column.head.clone() } else { format!("{:width$}", column.head) };
        text.push_str(&format!("{GAP}{}", paint.tone(Tone::Strong, &head)));
    }
    text.push('\n');
    for (line, name) in status.lines.iter().zip(names) {
        let mut row = format!("{name:first$}");
        // Blanks are kept back until something follows them: nothing stands at the end of a line.
        let mut gap = 0;
        for (column, width) in columns.iter().zip(widths) {
            gap += GAP.len();
            let Some(found) = line.cells.get(column.index).and_then(Option::as_ref) else {
                gap += width;
                continue;
            };
            let written = cell(found);
            row.push_str(&" ".repeat(gap));
            row.push_str(&paint.tone(tone(&found.standing), &written));
            gap = width - written.len();
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// `! install-bin-pkgs -> finished`
fn full(cell: &Cell) -> String {
    let sign = cell.standing.sign();
    let current = words::stage(cell.current);
    if cell.requested == cell.current {
        format!("{sign} {current}")
    } else {
        format!("{sign} {current} -> {}", words::stage(cell.requested))
    }
}

/// `! 4>8`
fn short(cell: &Cell) -> String {
    let sign = cell.standing.sign();
    if cell.requested == cell.current {
        format!("{sign} {}", cell.current.id())
    } else {
        format!("{sign} {}>{}", cell.current.id(), cell.requested.id())
    }
}

fn tone(standing: &Standing) -> Tone {
    match standing {
        Standing::Done => Tone::Good,
        Standing::Absent => Tone::Faint,
        Standing::Due(_) | Standing::Running => Tone::Moving,
        Standing::Waits(_) | Standing::Blocked(_) => Tone::Held,
        Standing::Error(_) => Tone::Bad,
    }
}

/// What the signs in the table mean, as far as they occur.
fn legend(status: &Status, is_short: bool, width: usize) -> String {
    type Test = fn(&Standing) -> bool;
    let signs: [(Test, &str); 7] = [
        (|it| *it == Standing::Done, "+ done"),
        (|it| matches!(it, Standing::Due(_)), "> next run"),
        (|it| *it == Standing::Running, "* running"),
        (|it| matches!(it, Standing::Waits(_)), "~ waiting"),
        (|it| matches!(it, Standing::Blocked(_)), "# blocked"),
        (|it| matches!(it, Standing::Error(_)), "! error"),
        (|it| *it == Standing::Absent, "- removed"),
    ];
    let there = signs.iter().filter(|(test, _)| status.count(test) > 0).map(|(_, text)| (*text).to_owned());
    let mut legend = lines(there, width);
    if is_short {
        legend.push_str(&lines(
            Stage::ALL.iter().map(|it| format!("{} {}", it.id(), words::stage(*it))),
            width,
        ));
    }
    legend
}

/// Parts beside each other, on as many lines as they need.
fn lines(parts: impl Iterator<Item = String>, width: usize) -> String {
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
