//! What `/proc` says of a process.

use fs_err as fs;

/// What `/proc/PID/stat` says of a process. Group and session are 0 where their leader lives outside of the PID
/// namespace of this process, as in a container that was entered from outside.
pub(crate) struct ProcStat {
    pub(crate) pid: i32,
    /// The name of the program, as its first 15 bytes.
    pub(crate) name: String,
    /// One letter, as in `ps`.
    pub(crate) state: char,
    pub(crate) process_group: i32,
    pub(crate) session: i32,
}

impl ProcStat {
    /// Of this process. From the file, since rustix knows no process 0.
    pub(crate) fn current() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    pub(crate) fn parse(stat: &str) -> Option<Self> {
        // The name may hold anything, blanks and parentheses as well.
        let (pid, rest) = stat.split_once('(')?;
        let (name, fields) = rest.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        Some(Self {
            pid: pid.trim().parse().ok()?,
            name: opkg::collapse_whitespace(name),
            state: fields.next()?.chars().next()?,
            process_group: fields.nth(1)?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = ProcStat::parse("17 (a) R (b\nc) S 1 16 15 0 -1 4194304 0").unwrap();
        assert_eq!(
            (stat.name.as_str(), stat.state, stat.process_group, stat.session),
            ("a) R (b c", 'S', 16, 15)
        );
        assert!(ProcStat::parse("17").is_none());
    }
}
