//! Tests of packages: the files that define them, and running these through their runner.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use opkg_oda::{Cluster, Kind, RunId, TargetId};
use opkg_runtime::hook;
use rustix::fs::{Mode, OFlags};

use super::hooks::{self, Call, Circumstances};
use super::marks::Duty;
use super::packages::Done;
use super::process::How;
use super::root::Root;
use super::rooted::Rooted;
use super::runners::{Ran, TESTS};
use super::service::{Listener, explain};
use super::{System, report, root_of};
use crate::effects::Report;
use crate::engine::Clock;
use crate::machine::Outcome;
use crate::testing::{
    Audience, Bench, DATA, DEFINITIONS, Exam, HOME, Part, Recorder, Shelf, Subject, Verdict, before,
    of_package,
};

impl Bench for System {
    fn find(&mut self, cluster: &Cluster, target: TargetId, subject: Subject) -> Result<Vec<String>, String> {
        let Some(target) = cluster.targets.get(&target) else { return Ok(Vec::new()) };
        let root = root_of(target)?;
        match subject {
            Subject::Phase(phase) => {
                let file = before(phase);
                let path = Path::new(HOME).join(&file);
                let found = root.find(&path).map_err(|error| cannot(&path, &root, &error))?;
                Ok(found.map(|_| file).into_iter().collect())
            }
            Subject::Package(package) => {
                let Some(package) = cluster.packages.get(&package) else { return Ok(Vec::new()) };
                let shelf = Shelf {
                    shared: names(&root, DEFINITIONS)?,
                    own: names(&root, &format!("{DATA}/{}", package.name))?,
                };
                let known: Vec<_> = cluster.packages.values().map(|it| &it.name).collect();
                Ok(of_package(&package.name, &known, &shelf))
            }
        }
    }

    fn examine(
        &mut self,
        cluster: &Cluster,
        exam: &Exam,
        run: RunId,
        clock: &dyn Clock,
        audience: &mut dyn Audience,
    ) -> (Report, Vec<Part>) {
        let failed = |reason| (Report::new(Outcome::Failed(reason)), Vec::new());
        let Some(target) = cluster.targets.get(&exam.target) else {
            return (Report::new(Outcome::Done), Vec::new());
        };
        let package = match exam.subject {
            Subject::Package(id) => cluster.packages.get(&id),
            Subject::Phase(_) => None,
        };
        let root = match root_of(target) {
            Ok(root) => root,
            Err(reason) => return failed(reason),
        };
        let circumstances = Circumstances {
            cluster,
            package,
            stage: exam.stage(cluster),
            target: &target.address,
            image: None,
            marks: self.marks(run, Duty::Script),
        };
        let mut nodes: Vec<OsString> =
            cluster.of_kind(Kind::Client).map(|it| it.address.name.to_string().into()).collect();
        nodes.sort_unstable();
        let call = Call {
            name: TESTS,
            title: exam.name().to_owned(),
            about: &circumstances,
            root: &root,
            home: HOME.into(),
            candidates: exam.files.iter().map(|it| Path::new(HOME).join(it)).collect(),
            arguments: nodes,
            environment: hooks::environment(&self.config, &circumstances),
            shared: Vec::new(),
            patience: self.config.limits.of_hooks(),
        };
        let what = package.map_or("phase", |it| it.name.as_str());
        let mut log = match self.log(run, &format!("{}-{what}-test", target.address.name)) {
            Ok(log) => log,
            Err(reason) => return failed(reason),
        };
        let mut told = Told { recorder: Recorder::default(), clock, audience };
        let (outcome, how) = match self.runners().run(&call, &mut log, &mut told) {
            Ran::Done => (Outcome::Done, How::Exited(0)),
            Ran::Stopped => (Outcome::Stopped, How::Stopped),
            Ran::Failed { reason, how } => (Outcome::Failed(reason), how),
        };
        let parts = told.finish();
        (report(Done { outcome, how: Some(how), learned: Vec::new() }, log), parts)
    }

    fn stopped(&self) -> bool {
        self.executor.stop.requested()
    }
}

/// The files in a directory of the testing directory, in order; none where it is not there.
fn names(root: &Root, directory: &str) -> Result<Vec<String>, String> {
    let path = Path::new(HOME).join(directory);
    let place = match root.open_at(&path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()) {
        Ok(place) => Rooted::new(place, false),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(&path, root, &error)),
    };
    let names = place.entries("").map_err(|problem| cannot(&path, root, &explain(&problem)))?;
    Ok(names.into_iter().filter(|it| !it.ends_with('/')).collect())
}

fn cannot(path: &Path, root: &Root, error: &dyn std::fmt::Display) -> String {
    format!("{} in the root {} cannot be looked into: {error}", path.display(), root.path().display())
}

/// What a runner tells, as a tree and for those who listen.
struct Told<'a> {
    recorder: Recorder,
    clock: &'a dyn Clock,
    audience: &'a mut dyn Audience,
}

impl Told<'_> {
    fn close(&mut self, verdict: Verdict) {
        if let Some((part, depth)) = self.recorder.end(verdict, self.clock.now()) {
            self.audience.part_ended(part, depth);
        }
    }

    /// The tree; what a runner that died has left open is closed.
    fn finish(mut self) -> Vec<Part> {
        while self.recorder.is_open() {
            self.close(Verdict::Broken("its runner ended before it".into()));
        }
        self.recorder.finish()
    }
}

impl Listener for Told<'_> {
    fn begin(&mut self, name: &str, description: &str) {
        if let Some((part, depth)) = self.recorder.begin(name, description, self.clock.now()) {
            self.audience.part_begins(part, depth);
        }
    }

    fn end(&mut self, verdict: &hook::Verdict) {
        self.close(match verdict {
            hook::Verdict::Passed => Verdict::Passed,
            hook::Verdict::Failed(why) => Verdict::Failed(why.clone()),
            hook::Verdict::Tolerated(why) => Verdict::Tolerated(why.clone()),
            hook::Verdict::Skipped(why) => Verdict::Skipped(why.clone()),
            hook::Verdict::Broken(why) => Verdict::Broken(why.clone()),
        });
    }
}
