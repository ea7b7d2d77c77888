//! Places where a test can let the process die, to see what the next one makes of what it left.

/// Dies by SIGKILL if `$OPM_CRASH_AT` is this name, or, written `NAME:N`, when it is reached for the N-th time.
/// Writes the name as a line at the end of the file `$OPM_CRASH_TRACE`, so that a test can learn what points
/// there are. Only in builds with debug assertions; in others it does nothing.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    armed::reach(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// The point `PLACE.NAME`.
#[inline]
pub(crate) fn point_at(place: &str, name: &str) {
    #[cfg(debug_assertions)]
    armed::reach(&format!("{place}.{name}"));
    #[cfg(not(debug_assertions))]
    let _ = (place, name);
}

#[cfg(debug_assertions)]
mod armed {
    use std::ffi::OsString;
    use std::fs::File;
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    /// The name of the point to die at, and how often it must have been reached.
    static AT: LazyLock<Option<(String, u64)>> =
        LazyLock::new(|| parse(&std::env::var("OPM_CRASH_AT").ok()?));
    static TRACE: LazyLock<Option<OsString>> = LazyLock::new(|| std::env::var_os("OPM_CRASH_TRACE"));
    static REACHED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn parse(text: &str) -> Option<(String, u64)> {
        let counted = text.rsplit_once(':').and_then(|(name, count)| Some((name, count.parse().ok()?)));
        let (name, count) = counted.unwrap_or((text, 1));
        (!name.is_empty()).then(|| (name.to_owned(), count))
    }

    pub(super) fn reach(name: &str) {
        if let Some(trace) = TRACE.as_ref() {
            let file = File::options().create(true).append(true).open(trace);
            // One write, so that lines of several processes do not mix.
            let written = file.and_then(|mut it| it.write_all(format!("{name}\n").as_bytes()));
            if let Err(error) = written {
                eprintln!("cannot trace {name}: {error}");
            }
        }
        let Some((at, count)) = AT.as_ref() else { return };
        if at == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *count {
            // It cannot fail: every process may kill itself.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::armed::parse;

    #[test]
    fn a_name_and_how_often() {
        assert_eq!(parse("commit.after"), Some(("commit.after".into(), 1)));
        assert_eq!(parse("commit.after:3"), Some(("commit.after".into(), 3)));
        assert_eq!(parse("hook:x"), Some(("hook:x".into(), 1)));
        assert_eq!(parse(""), None);
        assert_eq!(parse(":2"), None);
    }
}
