//! Who is told what a run does.

use opkg_oda::Cluster;

use crate::effects::StepTrace;
use crate::machine::{Step, StepStatus};

/// Is told what a run does.
pub trait Observer {
    /// A step begins.
    fn work_started(&mut self, cluster: &Cluster, step: &Step);
    /// A step ended.
    fn work_finished(&mut self, cluster: &Cluster, step: &Step, status: &StepStatus, trace: &StepTrace);
    /// Something else that is worth knowing; one line.
    fn note(&mut self, text: &str);
}
