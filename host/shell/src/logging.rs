//! What happens inside, for whoever looks for a fault: events of `tracing`, apart from what users read.
//!
//! `-vv` shows them on standard error; `$OPKG_LOG` says more exactly which ones, as in `opkg_runtime=trace,info`. Where
//! standard error goes to the journal of systemd, each event is an entry with its fields.

use std::io::{self, Write};
use std::os::fd::AsFd;

use opkg::escape_hidden;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::errors::UsageError;

/// Names levels and modules, as `tracing` writes them.
pub const LOG_VARIABLE: &str = "OPKG_LOG";

/// Begins to show events, if any are wanted. `verbosity` counts the options `-v`.
///
/// # Errors
/// When the variable does not say which events are wanted.
pub fn init(verbosity: u8) -> Result<(), UsageError> {
    let targets = match std::env::var(LOG_VARIABLE) {
        Ok(text) => text.parse::<Targets>().map_err(|error| {
            let help =
                "levels are `error`, `warn`, `info`, `debug` and `trace`, as in `opkg_runtime=trace,info`";
            UsageError::new(
                format!("${LOG_VARIABLE} is `{}`: {error}", opkg::escape_for_display(&text)),
                help,
            )
        })?,
        Err(_) if verbosity >= 2 => Targets::new().with_default(LevelFilter::DEBUG),
        Err(_) => return Ok(()),
    };
    let registry = tracing_subscriber::registry();
    let result = match journal() {
        Some(layer) => registry.with(layer.with_filter(targets)).try_init(),
        None => registry.with(terminal().with_filter(targets)).try_init(),
    };
    // Whoever calls this twice has events already.
    result.or(Ok(()))
}

fn terminal<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().with_writer(|| SafeStderr).with_ansi(false).with_target(true)
}

/// Standard error for lines that may hold what anybody wrote.
struct SafeStderr;

impl Write for SafeStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(escape_hidden(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The journal, if that is where standard error goes: systemd names its device and inode.
fn journal() -> Option<tracing_journald::Layer> {
    let stream = std::env::var("JOURNAL_STREAM").ok()?;
    let stat = rustix::fs::fstat(io::stderr().as_fd()).ok()?;
    (stream == format!("{}:{}", stat.st_dev, stat.st_ino)).then(|| tracing_journald::layer().ok()).flatten()
}
