//! What starts engines on nodes that do not look for work themselves.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::duration::parse_duration;

/// What stands for the nodes in a command.
const NODES: &str = "{nodes}";

/// A command that starts engines on nodes: `["clush", "-w", "{nodes}", "opm", "run"]`, or a table with that and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LauncherSettings {
    command: Vec<String>,
    /// On which nodes with work.
    pub nodes: LaunchOn,
    /// How long it may take.
    pub time_limit: Duration,
    /// From its start, until it is started again for a node that still has work.
    pub again_after: Duration,
}

/// On which nodes with work engines are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchOn {
    /// Those that have not looked for work for a while.
    #[default]
    Silent,
    /// All.
    All,
}

/// The table, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    command: Vec<String>,
    #[serde(default)]
    nodes: LaunchOn,
    time_limit: Option<String>,
    again_after: Option<String>,
}

impl LauncherSettings {
    /// The words of the command for nodes, which are written `node[01-04,07],login`.
    #[must_use]
    pub fn command_for(&self, nodes: &str) -> Vec<String> {
        self.command.iter().map(|word| word.replace(NODES, nodes)).collect()
    }

    fn from_table(table: Table) -> Result<Self, String> {
        let Table { command, nodes, time_limit, again_after } = table;
        let Some((program, arguments)) = command.split_first() else {
            return Err("a launcher needs a command".into());
        };
        if program.is_empty() || program.contains(NODES) {
            return Err("the first word of a launcher's command is a program".into());
        }
        if !arguments.iter().any(|word| word.contains(NODES)) {
            return Err(format!("a launcher's command has {NODES} where the nodes are to stand"));
        }
        let duration = |text: Option<String>, otherwise| {
            text.map_or(Ok(otherwise), |text| {
                parse_duration(&text).map_err(|error| format!("launcher: {error}"))
            })
        };
        let time_limit = duration(time_limit, Duration::from_secs(3600))?;
        let again_after = duration(again_after, Duration::from_secs(600))?;
        Ok(Self { command, nodes, time_limit, again_after })
    }
}

impl<'de> Deserialize<'de> for LauncherSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the words of a command, or a table with `command`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, words: A) -> Result<Table, A::Error> {
                let command = Vec::deserialize(SeqAccessDeserializer::new(words))?;
                Ok(Table { command, nodes: LaunchOn::default(), time_limit: None, again_after: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Table, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(table))
            }
        }
        Self::from_table(deserializer.deserialize_any(Either)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        launcher: LauncherSettings,
    }

    fn parse(text: &str) -> Result<LauncherSettings, String> {
        toml::from_str::<File>(text).map(|file| file.launcher).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_launcher_is_a_command_or_a_table() {
        let short = parse(r#"launcher = ["clush", "-w", "{nodes}", "opm", "run"]"#).unwrap();
        assert_eq!(short.command_for("n[1-3],login"), ["clush", "-w", "n[1-3],login", "opm", "run"]);
        assert_eq!((short.nodes, short.time_limit), (LaunchOn::Silent, Duration::from_secs(3600)));
        let long = parse(
            "[launcher]\ncommand = [\"pdsh\", \"-w{nodes}\", \"opm\"]\nnodes = \"all\"\ntime_limit = \"2h\"\nagain_after = \"30m\"",
        );
        let long = long.unwrap();
        assert_eq!(long.command_for("a b;c"), ["pdsh", "-wa b;c", "opm"], "a word stays one");
        assert_eq!((long.nodes, long.again_after), (LaunchOn::All, Duration::from_secs(1800)));
    }

    #[test]
    fn mistakes_are_said() {
        let flaws: Vec<String> = [
            "launcher = []",
            "launcher = \"clush -w {nodes} opm\"",
            "launcher = [\"opm\", \"run\"]",
            "launcher = [\"{nodes}\", \"{nodes}\"]",
            "[launcher]\nnodes = \"all\"",
            "[launcher]\ncommand = [\"x\", \"{nodes}\"]\nnodes = \"some\"",
            "[launcher]\ncommand = [\"x\", \"{nodes}\"]\ntime_limit = \"5\"",
            "[launcher]\ncommand = [\"x\", \"{nodes}\"]\nshell = true",
        ]
        .map(|text| parse(text).unwrap_err())
        .into();
        insta::assert_snapshot!(flaws.join("\n"));
    }
}
