//! How much a plugin may take: time, memory, words.

use std::time::Duration;

/// Bytes that the records of an answer may take beside their text. It is the engine that keeps count, before it
/// allocates anything: a list that lies about its length ends there.
pub(crate) const MAX_RECORD_BYTES: usize = 64 << 20;

/// What one plugin, or one call of it, may take at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Of one call, starting the plugin included.
    pub timeout: Duration,
    /// Bytes of all linear memories of a started plugin together.
    pub memory_bytes: usize,
    /// Bytes of a component's file.
    pub component_bytes: u64,
    /// Of compiling a component that is not built in.
    pub compile_timeout: Duration,
    /// Bytes of address space that this may take.
    pub compile_memory_bytes: u64,
    /// Bytes of all text that one call returns.
    pub text_bytes: usize,
    /// Files that one call returns: meta-files, and files of packages.
    pub files: usize,
    /// Messages that one call may log; what comes after is dropped.
    pub messages: usize,
    /// Bytes of one message, which is cut there.
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Interpreters take a hundred times as long as compiled code, and machines are busy: a package of 100,000 files is
            // not to fail.
            timeout: Duration::from_secs(60),
            memory_bytes: 512 << 20,
            // Those of interpreted languages carry their interpreter: some 20 to 40 MiB.
            component_bytes: 64 << 20,
            // An interpreter of 20 MiB takes some 30 s of a processor's time; machines are old, and busy.
            compile_timeout: Duration::from_secs(600),
            compile_memory_bytes: 4 << 30,
            text_bytes: 64 << 20,
            files: 100_000,
            messages: 1000,
            message_bytes: 4096,
        }
    }
}

/// Elements of all tables together. A table holds functions; a large program has some ten thousand.
const MAX_TABLE_ELEMENTS: usize = 1 << 20;

/// Core instances, tables and memories. Components of large languages are linked from dozens of modules.
const MAX_INSTANCES: usize = 256;

/// Keeps a started plugin within its memory, and remembers whether it asked for more: a program that was
/// denied memory traps in a way that looks like any other failure.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_left: usize,
    elements_left: usize,
    limit_hit: bool,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { memory_left: limits.memory_bytes, elements_left: MAX_TABLE_ELEMENTS, limit_hit: false }
    }

    /// Whether the plugin was refused memory at some time.
    pub(crate) fn limit_hit(&self) -> bool {
        self.limit_hit
    }

    fn try_reserve(left: &mut usize, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let wanted = desired.saturating_sub(current);
        if maximum.is_some_and(|maximum| desired > maximum) || wanted > *left {
            return false;
        }
        *left -= wanted;
        true
    }
}

impl wasmtime::ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = Self::try_reserve(&mut self.memory_left, current, desired, maximum);
        self.limit_hit |= !granted;
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.limit_hit = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = Self::try_reserve(&mut self.elements_left, current, desired, maximum);
        self.limit_hit |= !granted;
        Ok(granted)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_INSTANCES
    }
}
