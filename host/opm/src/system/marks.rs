//! What the environment of a program says about the run that it belongs to, so that a later run finds what a run
//! that died has left.

use opkg_oda::RunId;

/// The run, by its key.
const RUN: &str = "OPM_RUN_ID";

/// The database, since keys are unique only there.
const DATABASE: &str = "OPM_DATABASE";

/// What is being done.
const DUTY: &str = "OPM_DUTY";

/// The session of the engine: what has left it has become a daemon, and belongs to the system.
const SESSION: &str = "OPM_SESSION";

/// Why a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// As a hook or script of a package. It can be run again, and may be killed.
    Script,
    /// As a part of the package manager, which must not be killed while it works.
    PackageManager,
}

impl Duty {
    const fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::PackageManager => "package-manager",
        }
    }
}

/// The marks of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    /// For which run.
    pub(super) run: RunId,
    /// Of which database.
    pub(super) database: String,
    /// Why.
    pub(super) duty: Duty,
    /// The session of the engine.
    pub(super) session: i32,
}

impl Marks {
    /// As variables.
    pub(super) fn variables(&self) -> [(&'static str, String); 4] {
        [
            (RUN, self.run.0.to_string()),
            (DATABASE, self.database.clone()),
            (DUTY, self.duty.name().to_owned()),
            (SESSION, self.session.to_string()),
        ]
    }

    /// Those in the environment of a process, as `/proc` shows it; nothing where it has none.
    pub(super) fn find(environment: &[u8]) -> Option<Self> {
        let value = |name: &str| {
            let mut variables = environment.split(|byte| *byte == 0);
            let value = variables.find_map(|it| it.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
            std::str::from_utf8(value).ok()
        };
        let duty = value(DUTY)?;
        Some(Self {
            run: RunId(value(RUN)?.parse().ok()?),
            database: value(DATABASE)?.to_owned(),
            duty: [Duty::Script, Duty::PackageManager].into_iter().find(|it| it.name() == duty)?,
            session: value(SESSION)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_marked_is_found() {
        let marks = Marks {
            run: RunId(7),
            database: "/var/lib/opm/oda.db".into(),
            duty: Duty::PackageManager,
            session: 42,
        };
        let mut environment = b"PATH=/bin\0XOPM_RUN_ID=8\0".to_vec();
        for (name, value) in marks.variables() {
            environment.extend(format!("{name}={value}\0").bytes());
        }
        assert_eq!(Marks::find(&environment).unwrap(), marks);
        assert_eq!(Marks::find(b"PATH=/bin\0"), None);
        assert_eq!(Marks::find(b""), None);
    }
}
