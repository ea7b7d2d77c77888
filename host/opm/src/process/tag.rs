//! What the environment of a program says about the run that it belongs to, so that a later run finds what a run
//! that crashed has left.

use opkg_oda::RunId;

use super::proc_stat::ProcStat;

/// The run, by its id.
const ENV_RUN_ID: &str = "OPM_RUN_ID";

/// The database, since ids of runs are unique only there.
const ENV_DATABASE: &str = "OPM_DATABASE";

/// The role of the program.
const ENV_ROLE: &str = "OPM_DUTY";

/// The session of the program, by its leader: what has left it has become a daemon, and belongs to the system.
pub(crate) const ENV_SESSION: &str = "OPM_SESSION";

/// Stands for the session that the process itself leads. Its launcher, which alone has this, then tells others the number.
pub(crate) const OWN_SESSION: &str = "own";

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
}

impl ProcessTag {
    /// As variables of an environment.
    pub(crate) fn to_env(&self) -> [(&'static str, String); 4] {
        [
            (ENV_RUN_ID, self.run.0.to_string()),
            (ENV_DATABASE, self.database.clone()),
            (ENV_ROLE, self.role.name().to_owned()),
            (ENV_SESSION, OWN_SESSION.to_owned()),
        ]
    }

    /// The tag in the environment of a process of a session, as `/proc` shows it; nothing where it has none, or belongs
    /// to another session.
    pub(crate) fn from_environ(environment: &[u8], stat: &ProcStat) -> Option<Self> {
        let value = |name: &str| {
            let mut variables = environment.split(|byte| *byte == 0);
            let value = variables.find_map(|it| it.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
            std::str::from_utf8(value).ok()
        };
        let belongs = match value(ENV_SESSION)? {
            OWN_SESSION => stat.pid == stat.session,
            session => session.parse() == Ok(stat.session),
        };
        let role = value(ENV_ROLE).filter(|_| belongs)?;
        Some(Self {
            run: RunId(value(ENV_RUN_ID)?.parse().ok()?),
            database: value(ENV_DATABASE)?.to_owned(),
            role: [ProcessRole::Script, ProcessRole::PackageManager]
                .into_iter()
                .find(|it| it.name() == role)?,
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
        };
        let mut environment = b"PATH=/bin\0XOPM_RUN_ID=8\0".to_vec();
        for (name, value) in tag.to_env() {
            environment.extend(format!("{name}={value}\0").bytes());
        }
        let process = |pid: i32, session: i32| {
            ProcStat::parse(&format!("{pid} (opm) S 1 {session} {session} 0 -1 4194304 0")).unwrap()
        };
        assert_eq!(ProcessTag::from_environ(&environment, &process(42, 42)).as_ref(), Some(&tag));
        assert_eq!(ProcessTag::from_environ(&environment, &process(43, 42)), None, "it is told its session");
        let told = String::from_utf8(environment).unwrap().replace("=own", "=42");
        assert_eq!(ProcessTag::from_environ(told.as_bytes(), &process(43, 42)), Some(tag));
        assert_eq!(ProcessTag::from_environ(told.as_bytes(), &process(43, 43)), None, "a daemon");
        assert_eq!(ProcessTag::from_environ(b"PATH=/bin\0", &process(42, 42)), None);
        assert_eq!(ProcessTag::from_environ(b"", &process(42, 42)), None);
    }
}
