//! All that a database holds, table by table: for copies that lose nothing, from one kind of database to another.

use crate::error::Error;

/// What a column holds. Any may hold nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Integer,
    Text,
    Boolean,
}

/// A table, as all databases have it.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, ColumnType)],
    /// The columns by which its rows are ordered, for SQL.
    pub order: &'static str,
}

/// What stands in one column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Boolean(bool),
}

/// A row, with a value for each column of its table.
pub type Row = Vec<Value>;

/// Takes the rows of tables, in the order of [`TABLES`], as many at a time as are at hand.
pub type RowReceiver<'a> = dyn FnMut(&'static Table, Vec<Row>) -> Result<(), Error> + 'a;

/// As many rows are handed on at a time at most.
pub const MAX_ROWS: usize = 1000;

use ColumnType::{Boolean, Integer, Text};

/// All tables, those before others that they refer to. What can be computed from them is in none.
pub static TABLES: [Table; 19] = [
    Table { name: "phase", columns: &[("phase", Integer)], order: "phase" },
    Table {
        name: "target",
        columns: &[
            ("id", Integer),
            ("kind", Integer),
            ("name", Text),
            ("root", Text),
            ("image", Integer),
            ("gone", Boolean),
            ("root_id", Text),
        ],
        // Images before their clients.
        order: "kind, id",
    },
    Table {
        name: "package",
        columns: &[
            ("id", Integer),
            ("name", Text),
            ("class", Integer),
            ("version", Text),
            ("awaits", Text),
            ("held", Boolean),
            ("pinned", Text),
            ("gone", Boolean),
        ],
        order: "id",
    },
    Table {
        name: "package_need",
        columns: &[("package", Integer), ("position", Integer), ("needs", Integer)],
        order: "package, position",
    },
    Table {
        name: "package_requirement",
        columns: &[("package", Integer), ("position", Integer), ("name", Text)],
        order: "package, position",
    },
    Table {
        name: "state",
        columns: &[
            ("target", Integer),
            ("package", Integer),
            ("requested", Integer),
            ("current", Integer),
            ("state", Integer),
            ("attempts", Integer),
            ("inherits", Integer),
            ("changed", Integer),
            ("failed_stage", Integer),
            ("message", Text),
            ("version", Text),
            ("postponed", Text),
        ],
        order: "target, package",
    },
    Table {
        name: "assignment",
        columns: &[("client", Integer), ("package", Integer), ("handed_over", Integer)],
        order: "client, package",
    },
    Table {
        name: "image_seen",
        columns: &[("image", Integer), ("package", Integer)],
        order: "image, package",
    },
    Table {
        name: "rerun",
        columns: &[("target", Integer), ("package", Integer), ("stage", Integer)],
        order: "target, package, stage",
    },
    Table {
        name: "absence",
        columns: &[
            ("target", Integer),
            ("kind", Integer),
            ("reason", Text),
            ("since", Integer),
            ("until", Integer),
            ("who", Text),
        ],
        order: "target",
    },
    Table {
        name: "rollout",
        columns: &[
            ("id", Integer),
            ("at_once", Integer),
            ("max_fail", Integer),
            ("is_percent", Boolean),
            ("since", Integer),
            ("who", Text),
            ("state", Integer),
            ("note", Text),
        ],
        order: "id",
    },
    Table {
        name: "rollout_package",
        columns: &[("rollout", Integer), ("package", Integer)],
        order: "rollout, package",
    },
    Table {
        name: "rollout_target",
        columns: &[("rollout", Integer), ("target", Integer), ("state", Integer)],
        order: "rollout, target",
    },
    Table {
        name: "config_value",
        columns: &[
            ("package", Integer),
            ("image", Integer),
            ("position", Integer),
            ("name", Text),
            ("value", Text),
            ("origin", Integer),
        ],
        order: "package, coalesce(image, 0), position",
    },
    Table {
        name: "run",
        columns: &[
            ("id", Integer),
            ("started", Integer),
            ("ended", Integer),
            ("verdict", Integer),
            ("host", Text),
            ("process", Integer),
            ("command", Text),
            ("boot", Text),
            ("process_start", Integer),
        ],
        order: "id",
    },
    Table {
        name: "event",
        columns: &[
            ("run", Integer),
            ("number", Integer),
            ("started", Integer),
            ("target", Integer),
            ("stage", Integer),
            ("step", Integer),
            ("name", Text),
            ("ended", Integer),
            ("verdict", Integer),
            ("message", Text),
            ("exit_code", Integer),
            ("signal", Integer),
            ("timed_out", Boolean),
            ("log", Text),
            ("tail", Text),
        ],
        order: "run, number",
    },
    Table {
        name: "event_package",
        columns: &[("run", Integer), ("number", Integer), ("position", Integer), ("package", Integer)],
        order: "run, number, position",
    },
    Table {
        name: "journal_total",
        columns: &[
            ("day", Integer),
            ("package", Integer),
            ("stage", Integer),
            ("verdict", Integer),
            ("steps", Integer),
        ],
        order: "day, package, stage, verdict",
    },
    Table {
        name: "command",
        columns: &[
            ("id", Integer),
            ("at", Integer),
            ("who", Text),
            ("host", Text),
            ("command", Text),
            ("role", Text),
        ],
        order: "id",
    },
];

/// The largest id that any run ever had, in one row, though that run may be gone: its id is not used again.
pub static LAST_RUN: Table = Table { name: "last_run", columns: &[("id", Integer)], order: "id" };
