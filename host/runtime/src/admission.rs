//! Whether a plugin that lies somewhere may be used: it is what was installed, and nobody has revoked it.

use std::path::Path;

use crate::error::LoadErrorKind;
use crate::install_record::{Origin, verify_checksum};
use crate::plugin_lock::{LockedPlugin, PluginLock, PluginLockError};
use crate::plugin_policy::{PluginPolicy, PolicyError, SignaturePolicy};

/// What is known before plugins are looked at.
#[derive(Debug)]
pub(crate) struct Admission {
    policy: Result<PluginPolicy, PolicyError>,
    lock: Result<PluginLock, PluginLockError>,
}

impl Admission {
    pub(crate) fn read<'a>(
        policy_files: impl IntoIterator<Item = &'a Path>,
        user_directory: Option<&Path>,
    ) -> Self {
        Self {
            policy: PluginPolicy::read(policy_files),
            lock: user_directory.map_or_else(|| Ok(PluginLock::default()), PluginLock::read),
        }
    }

    /// What is noted of the plugin in a file, if it is one of the user's own.
    pub(crate) fn locked(&self, origin: Origin, path: &Path) -> Option<&LockedPlugin> {
        let id = path.file_stem()?.to_str()?;
        self.lock.as_ref().ok().filter(|_| origin == Origin::User)?.get(id)
    }

    /// Whether the plugin in a file may be used, whose component has this SHA-256.
    ///
    /// # Errors
    /// When it may not, or nobody can tell.
    pub(crate) fn check(&self, origin: Origin, path: &Path, sha256: &str) -> Result<(), LoadErrorKind> {
        verify_checksum(&origin, path, sha256)?;
        let unusable = |error: &PolicyError| LoadErrorKind::PolicyUnusable(error.to_string());
        let policy = self.policy.as_ref().map_err(unusable)?;
        if let (Origin::User, Err(error)) = (origin, &self.lock) {
            return Err(LoadErrorKind::LockUnusable(error.to_string()));
        }
        let locked = self.locked(origin, path).filter(|it| it.sha256 == sha256);
        let key = locked.and_then(|it| it.signature.key());
        if let Some(revocation) = policy.revocation(sha256, locked.and_then(|it| it.digest.as_deref()), key) {
            return Err(LoadErrorKind::Revoked(revocation));
        }
        // The other directories are kept by somebody else, and who names a file says that it is wanted.
        let source = locked.map(|it| it.source.as_str()).unwrap_or_default();
        let is_required = policy.signatures(source) == SignaturePolicy::Required;
        if origin == Origin::User && is_required && key.is_none() {
            return Err(LoadErrorKind::NotSigned);
        }
        Ok(())
    }
}
