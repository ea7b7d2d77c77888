//! Which versions are installed, as far as a run learns it.

use std::collections::BTreeMap;

use opkg_oda::{Change, PackageId, StateKey, TargetId};

use super::stage_machine::StageMachine;

impl StageMachine {
    /// What must be committed when package managers have said which versions of packages are on a target.
    pub fn record_versions(
        &mut self,
        target: TargetId,
        versions: &BTreeMap<PackageId, String>,
    ) -> Vec<Change> {
        let changes: Vec<Change> = versions
            .iter()
            .map(|(package, version)| (StateKey { target, package: *package }, version))
            .filter(|(key, version)| self.cluster.installed_version(*key) != Some(version.as_str()))
            .map(|(key, version)| Change::SetInstalledVersion { key, version: Some(version.clone()) })
            .collect();
        self.apply(&changes);
        changes
    }
}
