//! Compiling the plugins of this program before anybody needs them, for everybody who uses this machine.

use std::io;
use std::path::Path;

use crate::cache::{Cache, CacheError, CacheOwner};
use crate::embedded;
use crate::engine::parallelism;
use crate::entry::RegistryEntry;
use crate::error::{LoadError, LoadErrorKind};
use crate::options::RuntimeOptions;
use crate::prepared_component::CallSettings;
use crate::runtime::{Runtime, RuntimeSettings};
use crate::strategy::Strategy;

/// Compiles every plugin that is part of this program into a directory that [`RuntimeOptions::system_cache`] may name, and
/// removes what else was compiled in there: that of other releases of the program. Returns their ids.
///
/// Here nobody waits: the code is that of the compiler that takes longer.
///
/// # Errors
/// When this user is not root or cannot write there. What is there stays as it is.
pub fn warm_system_cache(directory: &Path, options: &RuntimeOptions) -> Result<Vec<String>, LoadError> {
    let cache = Cache::new(directory.to_owned(), CacheOwner::System);
    cache.create_directory().map_err(|error| unwritable(directory, error))?;
    let runtime = Runtime::new(RuntimeSettings {
        calls: CallSettings {
            limits: options.limits.clone(),
            sink: options.log.clone(),
            grants: Default::default(),
        },
        system_cache: None,
        cache: Some(cache),
        threads: options.threads.unwrap_or_else(parallelism),
        compiler: None,
        strategy: Some(Strategy::Cranelift),
    });
    let mut ids = Vec::new();
    let mut checksums = Vec::new();
    for embedded in embedded::ALL {
        let entry = RegistryEntry::from_embedded(&runtime, embedded);
        let loaded = entry.load(&runtime)?;
        let checksum = entry.sha256().cloned().unwrap_or_default();
        // Whoever only wants a plugin does without the cache, should it fail.
        runtime.verify_cached(&checksum).map_err(|error| unwritable(directory, error))?;
        checksums.push(checksum);
        ids.push(loaded.description().id().to_owned());
    }
    runtime.retain_cached(&checksums);
    Ok(ids)
}

fn unwritable(directory: &Path, error: CacheError) -> LoadError {
    let source = match error {
        CacheError::Io { source, .. } | CacheError::Write(source) => source,
        other => io::Error::other(other.to_string()),
    };
    let kind = LoadErrorKind::Unwritable { path: directory.to_owned(), error: source };
    LoadError { plugin: "that is part of this program".into(), kind }
}
