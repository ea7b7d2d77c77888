//! All the definitions that a run needs, read and checked before anything of it runs.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::definition::{Batch, Body, Condition, Definition, Test};
use crate::machine::{Machine, Unread};
use crate::parse::parse;
use crate::text::show;

/// Where definitions of all packages lie, below the testing directory.
pub const DEFINITIONS: &str = "apitests.d";

/// Batches inside of batches.
const DEEPEST: usize = 16;

/// Tests of a run, counted as often as they run.
const MOST: usize = 1000;

/// Faults that are told.
const TOLD: usize = 20;

/// Something to be run.
#[derive(Debug)]
pub struct Step {
    /// How people call it.
    pub name: String,
    /// One line; may be empty.
    pub description: String,
    /// What it does.
    pub task: Task,
}

/// What a step does.
#[derive(Debug)]
pub enum Task {
    /// Runs a program, and looks at what comes.
    Test(Rc<Definition>),
    /// Runs a program, which says with its exit status how it went.
    Program {
        /// Below the testing directory.
        file: String,
        /// The user it runs as; otherwise the caller.
        user: Option<&'static str>,
    },
    /// Runs others, in this order.
    Batch(Vec<Part>),
}

/// A step of a batch.
#[derive(Debug)]
pub struct Part {
    /// What is run.
    pub step: Step,
    /// Whether the batch fails with it.
    pub must_pass: bool,
    /// Earlier parts, and how they must have ended.
    pub parents: Vec<(usize, Condition)>,
}

impl Step {
    /// The definition of a test.
    #[must_use]
    pub fn test(definition: &Definition) -> Option<&Test> {
        match &definition.body {
            Body::Test(test) => Some(test),
            Body::Batch(_) => None,
        }
    }

    /// All the tests and programs in it.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.task {
            Task::Batch(parts) => parts.iter().map(|it| it.step.count()).sum(),
            Task::Test(_) | Task::Program { .. } => 1,
        }
    }
}

/// Reads what is to be run. Of several files those that others include are not run by themselves.
///
/// # Errors
/// All that is wrong with the definitions, a line each: `file:line: what`.
pub fn plan(machine: &mut dyn Machine, files: &[String]) -> Result<Vec<Step>, Vec<String>> {
    let mut planner =
        Planner { machine, known: BTreeMap::new(), inner: Vec::new(), steps: 0, faults: Vec::new() };
    let mut steps = Vec::new();
    for file in files {
        if let Some(step) = planner.step(file, &mut Vec::new()) {
            steps.push((file, step));
        }
    }
    let Planner { inner, mut faults, .. } = planner;
    if faults.is_empty() {
        let is_single = steps.len() == 1;
        return Ok(steps
            .into_iter()
            .filter(|it| is_single || !inner.contains(it.0))
            .map(|it| it.1)
            .collect());
    }
    faults.dedup();
    if faults.len() > TOLD {
        let more = faults.len() - TOLD;
        faults.truncate(TOLD);
        faults.push(format!("and {more} more"));
    }
    Err(faults)
}

struct Planner<'a> {
    machine: &'a mut dyn Machine,
    /// Files by their paths; nothing for those with faults, which are told already.
    known: BTreeMap<String, Option<Rc<Definition>>>,
    /// Files that batches include.
    inner: Vec<String>,
    steps: usize,
    faults: Vec<String>,
}

impl Planner<'_> {
    fn fault(&mut self, file: &str, line: Option<u32>, message: &str) {
        let line = line.map_or_else(String::new, |it| format!(":{it}"));
        self.faults.push(format!("{}{line}: {message}", show(file)));
    }

    /// The step of a file that is inside of `above`.
    fn step(&mut self, file: &str, above: &mut Vec<String>) -> Option<Step> {
        self.steps += 1;
        if self.steps > MOST {
            if self.steps == MOST + 1 {
                self.fault(file, None, &format!("the batches come to more than {MOST} tests"));
            }
            return None;
        }
        let name = file.strip_prefix(DEFINITIONS).and_then(|it| it.strip_prefix('/')).unwrap_or(file);
        if !is_definition(file) {
            let task = Task::Program { file: file.to_owned(), user: user(file) };
            return Some(Step { name: show(name), description: String::new(), task });
        }
        let definition = self.definition(file)?;
        let task = match &definition.body {
            Body::Test(_) => Task::Test(Rc::clone(&definition)),
            Body::Batch(batch) => {
                above.push(file.to_owned());
                let parts = self.parts(file, batch, above);
                above.pop();
                Task::Batch(parts?)
            }
        };
        Some(Step { name: show(name), description: show(&definition.description), task })
    }

    fn definition(&mut self, file: &str) -> Option<Rc<Definition>> {
        if let Some(known) = self.known.get(file) {
            return known.clone();
        }
        let read = match self.machine.read(file) {
            Ok(bytes) => parse(&bytes).map_err(|flaws| {
                flaws.iter().for_each(|it| self.fault(file, it.line, &it.message));
            }),
            Err(Unread::Missing) => {
                self.fault(file, None, "it is not there");
                Err(())
            }
            Err(Unread::Other(reason)) => {
                self.fault(file, None, &format!("it cannot be read: {reason}"));
                Err(())
            }
        };
        let definition = read.ok().map(Rc::new);
        for finding in definition.iter().flat_map(|it| &it.findings) {
            self.machine.note(&format!("{}: {finding}", show(file)));
        }
        self.known.insert(file.to_owned(), definition.clone());
        definition
    }

    fn parts(&mut self, file: &str, batch: &Batch, above: &mut Vec<String>) -> Option<Vec<Part>> {
        if above.len() > DEEPEST {
            self.fault(file, None, &format!("batches are nested more than {DEEPEST} deep"));
            return None;
        }
        let order = match order(batch) {
            Ok(order) => order,
            Err(cycle) => {
                let names: Vec<String> = cycle.iter().map(|it| show(&batch.members[*it].name)).collect();
                let line = batch.members[cycle[0]].line;
                let message = format!("dependencies go in a circle: {}", names.join(" needs "));
                self.fault(file, Some(line), &message);
                return None;
            }
        };
        let mut parts = Vec::new();
        let before = self.faults.len();
        for &at in &order {
            let member = &batch.members[at];
            let Some(path) = self.find(file, member.line, &member.name) else { continue };
            if let Some(from) = above.iter().position(|it| *it == path) {
                let circle: Vec<String> = above[from..].iter().chain([&path]).map(|it| show(it)).collect();
                let message = format!("batches include each other: {}", circle.join(" includes "));
                self.fault(file, Some(member.line), &message);
                continue;
            }
            if !self.inner.contains(&path) {
                self.inner.push(path.clone());
            }
            let Some(step) = self.step(&path, above) else { continue };
            let parents = member
                .parents
                .iter()
                .filter_map(|(parent, condition)| {
                    order.iter().position(|it| it == parent).map(|it| (it, *condition))
                })
                .collect();
            parts.push(Part { step, must_pass: member.must_pass, parents });
        }
        // Positions hold only where nothing is left out.
        (parts.len() == order.len() && self.faults.len() == before).then_some(parts)
    }

    /// The file that a batch means: beside it, or among those of all packages.
    fn find(&mut self, file: &str, line: u32, name: &str) -> Option<String> {
        if !is_definition(name) {
            let message = format!("`{}` is neither an .apt nor an .apb file", show(name));
            self.fault(file, Some(line), &message);
            return None;
        }
        let beside = file.rsplit_once('/').map_or("", |it| it.0);
        let places = [beside, DEFINITIONS];
        let places = if beside == DEFINITIONS { &places[..1] } else { &places[..] };
        for place in places {
            let Some(path) = join(place, name) else {
                let message = format!("`{}` leads out of the directory of tests", show(name));
                self.fault(file, Some(line), &message);
                return None;
            };
            // Reading it again is no loss: it is small, and the file is what counts.
            match self.known.get(&path) {
                Some(_) => return Some(path),
                None => match self.machine.read(&path) {
                    Err(Unread::Missing) => {}
                    Ok(_) | Err(Unread::Other(_)) => return Some(path),
                },
            }
        }
        let places: Vec<String> =
            places.iter().map(|it| show(if it.is_empty() { "." } else { it })).collect();
        let message = format!("`{}` is not there: it was looked for in {}", show(name), places.join(" and "));
        self.fault(file, Some(line), &message);
        None
    }
}

/// Whether a file is read as a definition, by its name.
fn is_definition(file: &str) -> bool {
    [".apt", ".apb"].iter().any(|it| file.ends_with(it))
}

/// Who runs a program that is a test by itself: it is in its name.
fn user(file: &str) -> Option<&'static str> {
    match file.rsplit('/').next() {
        Some("test_root") => Some("root"),
        Some("test_user") => Some("oscartst"),
        _ => None,
    }
}

/// A path below the testing directory without `.`, `..` and empty components.
fn join(directory: &str, name: &str) -> Option<String> {
    let mut path: Vec<&str> = directory.split('/').filter(|it| !it.is_empty()).collect();
    if name.starts_with('/') {
        return None;
    }
    for component in name.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                path.pop()?;
            }
            _ => path.push(component),
        }
    }
    Some(path.join("/"))
}

/// The members, each behind its parents, otherwise as they are mentioned.
///
/// # Errors
/// Members that need each other in a circle, the first again as the last.
fn order(batch: &Batch) -> Result<Vec<usize>, Vec<usize>> {
    let count = batch.members.len();
    let mut placed = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        let is_ready = |at: usize| !placed[at] && batch.members[at].parents.iter().all(|it| placed[it.0]);
        match (0..count).find(|at| is_ready(*at)) {
            Some(at) => {
                placed[at] = true;
                order.push(at);
            }
            None => return Err(circle(batch, &placed)),
        }
    }
    Ok(order)
}

/// A circle among those that are not placed: each of them has a parent that is not.
fn circle(batch: &Batch, placed: &[bool]) -> Vec<usize> {
    let mut way: Vec<usize> = placed.iter().position(|it| !it).into_iter().collect();
    while let Some(&last) = way.last() {
        let Some(parent) = batch.members[last].parents.iter().map(|it| it.0).find(|it| !placed[*it]) else {
            break;
        };
        if let Some(from) = way.iter().position(|it| *it == parent) {
            way.drain(..from);
            way.push(parent);
            break;
        }
        way.push(parent);
    }
    way
}
