//! Everything that is printed goes through here: data to standard output, the rest to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use annotate_snippets::Renderer;
use opkg::{escape_hidden, escape_hidden_in_json, escape_hidden_keeping_colors};

use crate::args::{ColorChoice, CommonArgs, OutputFormat};
use crate::stdout_error::StdoutError;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// What stands at the end of the terminal until something else is printed: there is one terminal for a process.
static PROGRESS_LINE: Mutex<String> = Mutex::new(String::new());

/// Back to the first column, and away with what is there.
const ERASE_LINE: &str = "\r\x1b[K";

/// To the top, and away with everything.
const CLEAR_SCREEN: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Where and how to print.
#[derive(Debug, Clone, Copy)]
pub struct Shell {
    verbosity: Verbosity,
    format: OutputFormat,
    color: ColorChoice,
}

/// Prints something where the line is, and the line below it again.
fn without_progress_line<R>(print: impl FnOnce() -> R) -> R {
    let line = progress_line();
    if line.is_empty() {
        return print();
    }
    let _ = write!(io::stderr().lock(), "{ERASE_LINE}");
    let result = print();
    let _ = write!(io::stderr().lock(), "{line}");
    result
}

fn progress_line() -> MutexGuard<'static, String> {
    PROGRESS_LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shell {
    /// As the command line says.
    #[must_use]
    pub fn new(common: &CommonArgs) -> Self {
        let verbosity = match (common.quiet, common.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, 1..) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        Self { verbosity, format: common.format, color: common.color }
    }

    /// Whether results are wanted as JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Whether everything is to be shown.
    #[must_use]
    pub fn is_verbose(self) -> bool {
        self.verbosity == Verbosity::Verbose
    }

    /// Whether only errors are to be shown.
    #[must_use]
    pub fn is_quiet(self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// A result, on standard output.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn print(self, text: &str) -> io::Result<()> {
        let text = self.make_safe(text, true);
        without_progress_line(|| io::stdout().lock().write_all(text.as_bytes())).map_err(StdoutError::wrap)
    }

    /// A document for another program, on standard output: as it is, unless a person reads it.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn print_document(self, text: &str) -> io::Result<()> {
        if io::stdout().is_terminal() {
            return self.print(text);
        }
        io::stdout().lock().write_all(text.as_bytes()).map_err(StdoutError::wrap)
    }

    /// Empties the terminal that standard output is; does nothing where it is none.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn clear_screen(self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            out.write_all(CLEAR_SCREEN.as_bytes()).map_err(StdoutError::wrap)
        } else {
            Ok(())
        }
    }

    /// A result as JSON, on standard output.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn print_json(self, value: &impl serde::Serialize) -> io::Result<()> {
        let text = escape_hidden_in_json(&serde_json::to_string_pretty(value)?);
        writeln!(io::stdout().lock(), "{text}").map_err(StdoutError::wrap)
    }

    /// What is being done, unless quiet.
    pub fn status(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.eprint(text);
        }
    }

    /// What only helps to find out what is going on.
    pub fn debug(self, text: &str) {
        if self.is_verbose() {
            self.eprint(text);
        }
    }

    /// Always shown, on standard error.
    pub fn eprint(self, text: &str) {
        let text = self.make_safe(text, false);
        // Nobody can be told that standard error does not work.
        let _ = without_progress_line(|| writeln!(io::stderr().lock(), "{text}"));
    }

    /// Whether there is a terminal to show progress on, and a person who wants to see it.
    #[must_use]
    pub fn is_progress_enabled(self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|it| it == "dumb");
        self.verbosity >= Verbosity::Normal && !self.is_json() && !is_dumb && io::stderr().is_terminal()
    }

    /// A line that stays at the end of the terminal until the next one; an empty one goes away.
    pub fn set_progress(self, text: &str) {
        let mut line = progress_line();
        let text = self.make_safe(text, false);
        if *line != text {
            let _ = write!(io::stderr().lock(), "{ERASE_LINE}{text}");
            *line = text;
        }
    }

    /// Takes the line away, for programs that are about to end, unless somebody is stuck in printing.
    pub fn clear_progress(self) {
        if let Ok(line) = PROGRESS_LINE.try_lock()
            && !line.is_empty()
        {
            let _ = write!(io::stderr().lock(), "{ERASE_LINE}");
        }
    }

    /// Whether standard output or standard error is to be coloured.
    #[must_use]
    pub fn use_color(self, to_stdout: bool) -> bool {
        let terminal = if to_stdout { io::stdout().is_terminal() } else { io::stderr().is_terminal() };
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()),
        }
    }

    /// What is printed may hold what anybody wrote: nothing of it does anything to the terminal, or goes unseen. Colours
    /// are our own where there are any.
    fn make_safe(self, text: &str, to_stdout: bool) -> String {
        if self.use_color(to_stdout) { escape_hidden_keeping_colors(text) } else { escape_hidden(text) }
    }

    /// Renders diagnostics for standard output or standard error.
    #[must_use]
    pub fn renderer(self, to_stdout: bool) -> Renderer {
        if self.use_color(to_stdout) { Renderer::styled() } else { Renderer::plain() }
    }
}
