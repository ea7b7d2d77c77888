//! What the environment of a program says about the run that it belongs to, so that a later run finds what a run
//! that crashed has left.

use opkg_oda::RunId;

/// The run, by its id.
const ENV_RUN_ID: &str = "OPM_RUN_ID";

/// The database, since ids of runs are unique only there.
const ENV_DATABASE: &str = "OPM_DATABASE";

/// The role of the program.
const ENV_ROLE: &str = "OPM_DUTY";

/// The session of the engine: what has left it has become a daemon, and belongs to the system.
const ENV_SESSION: &str = "OPM_SESSION";

/// Why a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessRole {
    /// As a hook or script of a package. It can be run again, and may be killed.
    Script,
    /// As a part of the package manager, which must not be killed while it works.
    PackageManager,
}

impl ProcessRole {
    const fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::PackageManager => "package-manager",
        }
    }
}

/// What the environment of a program says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessTag {
    /// The run that started it.
    pub(crate) run: RunId,
    /// The path of the database that the run belongs to.
    pub(crate) database: String,
    /// Decides whether it may be killed.
    pub(crate) role: ProcessRole,
    /// The session of the engine.
    pub(crate) session: i32,
}

impl ProcessTag {
    /// As variables of an environment.
    pub(crate) fn to_env(&self) -> [(&'static str, String); 4] {
        [
            (ENV_RUN_ID, self.run.0.to_string()),
            (ENV_DATABASE, self.database.clone()),
            (ENV_ROLE, self.role.name().to_owned()),
            (ENV_SESSION, self.session.to_string()),
        ]
    }

    /// The tag in the environment of a process, as `/proc` shows it; nothing where it has none.
    pub(crate) fn from_environ(environment: &[u8]) -> Option<Self> {
        let value = |name: &str| {
            let mut variables = environment.split(|byte| *byte == 0);
            let value = variables.find_map(|it| it.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
            std::str::from_utf8(value).ok()
        };
        let role = value(ENV_ROLE)?;
        Some(Self {
            run: RunId(value(ENV_RUN_ID)?.parse().ok()?),
            database: value(ENV_DATABASE)?.to_owned(),
            role: [ProcessRole::Script, ProcessRole::PackageManager]
                .into_iter()
                .find(|it| it.name() == role)?,
            session: value(ENV_SESSION)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tag_is_read_back() {
        let tag = ProcessTag {
            run: RunId(7),
            database: "/var/lib/opm/oda.db".into(),
            role: ProcessRole::PackageManager,
            session: 42,
        };
        let mut environment = b"PATH=/bin\0XOPM_RUN_ID=8\0".to_vec();
        for (name, value) in tag.to_env() {
            environment.extend(format!("{name}={value}\0").bytes());
        }
        assert_eq!(ProcessTag::from_environ(&environment).unwrap(), tag);
        assert_eq!(ProcessTag::from_environ(b"PATH=/bin\0"), None);
        assert_eq!(ProcessTag::from_environ(b""), None);
    }
}
