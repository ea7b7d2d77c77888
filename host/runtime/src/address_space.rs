//! The address space that this process may have: login nodes of clusters limit it, `ulimit -v`.

use rustix::process::{Resource, getrlimit};

/// In bytes; more than there is, where nothing limits it.
pub(crate) fn limit() -> u64 {
    getrlimit(Resource::As).current.unwrap_or(u64::MAX)
}

/// What to do where the system denied memory or threads.
pub(crate) fn help() -> String {
    help_for(getrlimit(Resource::As).current)
}

fn help_for(limit: Option<u64>) -> String {
    match limit {
        Some(bytes) => format!(
            "this process may have {} MiB of virtual memory, which `ulimit -v` says: raise that limit",
            bytes >> 20
        ),
        None => {
            "the machine is short of memory or of processes (`ulimit -u`): end something else, or try again \
                 later"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_named_where_there_is_one() {
        insta::assert_snapshot!(help_for(Some(400_000 << 10)), @"this process may have 390 MiB of virtual memory, which `ulimit -v` says: raise that limit");
        insta::assert_snapshot!(help_for(None), @"the machine is short of memory or of processes (`ulimit -u`): end something else, or try again later");
    }
}
