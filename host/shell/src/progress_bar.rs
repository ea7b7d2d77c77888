//! How far a run has come: one line at the end of a terminal, while there is more than one thing to do.

use std::sync::{Mutex, PoisonError};

use crate::shell::Shell;

/// Characters between the brackets.
const BAR_WIDTH: usize = 24;

/// A bar with what is being worked on. It goes away when this is dropped.
pub struct ProgressBar {
    shell: Shell,
    total: usize,
    state: Mutex<BarState>,
}

#[derive(Default)]
struct BarState {
    done: usize,
    running: Vec<String>,
}

impl ProgressBar {
    /// For so many jobs; for a single one nothing is shown.
    #[must_use]
    pub fn new(shell: Shell, total: usize) -> Self {
        Self { shell, total, state: Mutex::default() }
    }

    /// Shows what is being worked on while `work` runs.
    pub fn track<R>(&self, what: String, work: impl FnOnce() -> R) -> R {
        if self.total < 2 || !self.shell.is_progress_enabled() {
            return work();
        }
        self.update(|state| state.running.push(what.clone()));
        let result = work();
        self.update(|state| {
            state.done += 1;
            if let Some(place) = state.running.iter().position(|it| *it == what) {
                state.running.remove(place);
            }
        });
        result
    }

    fn update(&self, how: impl FnOnce(&mut BarState)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        how(&mut state);
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        self.shell.set_progress(&render_bar(state.done, self.total, &state.running, width));
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.shell.set_progress("");
    }
}

/// `[=====>   ] 5/12  demo 1.0-1 for debian-12, …`, no wider than the terminal.
fn render_bar(done: usize, total: usize, running: &[String], width: usize) -> String {
    let full = done * BAR_WIDTH / total.max(1);
    let head = if full < BAR_WIDTH { ">" } else { "" };
    let bar = format!("{}{head}", "=".repeat(full));
    let text = format!("[{bar:BAR_WIDTH$}] {done}/{total}  {}", running.join(", "));
    let text = text.trim_end();
    // The last column stays free: some terminals begin a new line there.
    if text.chars().count() < width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(2)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_the_terminal() {
        let running = ["demo 1.0-1 for rhel".to_owned(), "demo 1.0-1 for debian".to_owned()];
        assert_eq!(
            render_bar(3, 12, &running, 100),
            "[======>                 ] 3/12  demo 1.0-1 for rhel, demo 1.0-1 for debian"
        );
        assert_eq!(render_bar(3, 12, &running, 40), "[======>                 ] 3/12  demo …");
        assert_eq!(render_bar(12, 12, &[], 80), "[========================] 12/12");
        for width in 0..90 {
            assert!(render_bar(3, 12, &running, width).chars().count() < width.max(2));
        }
    }
}
