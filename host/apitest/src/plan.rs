//! All the definitions that a run needs, read and checked before anything of it runs.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::definition::{Batch, Definition, DefinitionBody, ParentCondition, TestDefinition};
use crate::parse::parse;
use crate::paths::DEFINITIONS_DIR;
use crate::text::escape_for_display;

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// It is not there.
    NotFound,
    /// Anything else: why, in one line.
    Other(String),
}

/// Where definitions are read from.
pub trait DefinitionSource {
    /// The contents of a file below the testing directory.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn read(&mut self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// Says something that changes nothing.
    fn note(&mut self, line: &str);
}

/// Nested batches.
const MAX_BATCH_DEPTH: usize = 16;

/// Tests of a run, counted as often as they run.
const MAX_STEPS: usize = 1000;

#[derive(Debug)]
pub struct Step {
    pub name: String,
    /// One line; may be empty.
    pub description: String,
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
    Batch(Vec<BatchStep>),
}

/// A step of a batch.
#[derive(Debug)]
pub struct BatchStep {
    pub step: Step,
    /// Whether the batch fails with it.
    pub must_pass: bool,
    /// Earlier parts, and how they must have ended.
    pub parents: Vec<(usize, ParentCondition)>,
}

impl Step {
    /// The definition of a test.
    #[must_use]
    pub fn test_definition(definition: &Definition) -> Option<&TestDefinition> {
        match &definition.body {
            DefinitionBody::Test(test) => Some(test),
            DefinitionBody::Batch(_) => None,
        }
    }

    /// All the tests and programs in it.
    #[must_use]
    pub fn test_count(&self) -> usize {
        match &self.task {
            Task::Batch(parts) => parts.iter().map(|part| part.step.test_count()).sum(),
            Task::Test(_) | Task::Program { .. } => 1,
        }
    }
}

/// What is wrong with a definition, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", escape_for_display(file), .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct PlanError {
    /// Below the testing directory.
    pub file: String,
    /// Counted from 1; absent where the whole file is meant.
    pub line: Option<u32>,
    pub message: String,
    /// The definition that it includes and that is not there, as it is named, where that is what is wrong.
    pub missing: Option<String>,
}

/// Reads what is to be run. Of several files those that others include are not run by themselves.
///
/// # Errors
/// All that is wrong with the definitions.
pub fn plan(source: &mut dyn DefinitionSource, files: &[String]) -> Result<Vec<Step>, Vec<PlanError>> {
    let mut planner = Planner {
        source,
        definitions: BTreeMap::new(),
        included_files: Vec::new(),
        step_count: 0,
        errors: Vec::new(),
    };
    let mut steps = Vec::new();
    for file in files {
        if let Some(step) = planner.plan_step(file, &mut Vec::new()) {
            steps.push((file, step));
        }
    }
    let Planner { included_files, mut errors, .. } = planner;
    if errors.is_empty() {
        let is_single = steps.len() == 1;
        return Ok(steps
            .into_iter()
            .filter(|(file, _)| is_single || !included_files.contains(*file))
            .map(|(_, step)| step)
            .collect());
    }
    errors.dedup();
    Err(errors)
}

struct Planner<'a> {
    source: &'a mut dyn DefinitionSource,
    /// Files by their paths; nothing for those with faults, which are told already.
    definitions: BTreeMap<String, Option<Rc<Definition>>>,
    /// Files that batches include.
    included_files: Vec<String>,
    step_count: usize,
    errors: Vec<PlanError>,
}

impl Planner<'_> {
    fn report_error(&mut self, file: &str, line: Option<u32>, message: &str) {
        self.errors.push(PlanError {
            file: file.to_owned(),
            line,
            message: message.to_owned(),
            missing: None,
        });
    }

    /// The step of a file that is inside of `above`.
    fn plan_step(&mut self, file: &str, above: &mut Vec<String>) -> Option<Step> {
        self.step_count += 1;
        if self.step_count > MAX_STEPS {
            if self.step_count == MAX_STEPS + 1 {
                self.report_error(file, None, &format!("the batches come to more than {MAX_STEPS} tests"));
            }
            return None;
        }
        let name = file.strip_prefix(DEFINITIONS_DIR).and_then(|name| name.strip_prefix('/')).unwrap_or(file);
        if !is_definition(file) {
            let task = Task::Program { file: file.to_owned(), user: program_user(file) };
            return Some(Step { name: escape_for_display(name), description: String::new(), task });
        }
        let definition = self.load_definition(file)?;
        let task = match &definition.body {
            DefinitionBody::Test(_) => Task::Test(Rc::clone(&definition)),
            DefinitionBody::Batch(batch) => {
                above.push(file.to_owned());
                let parts = self.plan_batch(file, batch, above);
                above.pop();
                Task::Batch(parts?)
            }
        };
        Some(Step {
            name: escape_for_display(name),
            description: escape_for_display(&definition.description),
            task,
        })
    }

    fn load_definition(&mut self, file: &str) -> Option<Rc<Definition>> {
        if let Some(known) = self.definitions.get(file) {
            return known.clone();
        }
        let parsed = match self.source.read(file) {
            Ok(bytes) => parse(&bytes).map_err(|errors| {
                errors.iter().for_each(|error| self.report_error(file, error.line, &error.message));
            }),
            Err(ReadError::NotFound) => {
                self.report_error(file, None, "it is not there");
                Err(())
            }
            Err(ReadError::Other(reason)) => {
                self.report_error(file, None, &format!("it cannot be read: {reason}"));
                Err(())
            }
        };
        let definition = parsed.ok().map(Rc::new);
        for warning in definition.iter().flat_map(|definition| &definition.warnings) {
            self.source.note(&format!("{}: {warning}", escape_for_display(file)));
        }
        self.definitions.insert(file.to_owned(), definition.clone());
        definition
    }

    fn plan_batch(&mut self, file: &str, batch: &Batch, above: &mut Vec<String>) -> Option<Vec<BatchStep>> {
        if above.len() > MAX_BATCH_DEPTH {
            self.report_error(file, None, &format!("batches are nested more than {MAX_BATCH_DEPTH} deep"));
            return None;
        }
        let order = match topological_order(batch) {
            Ok(order) => order,
            Err(DependencyCycle(cycle)) => {
                let names: Vec<String> =
                    cycle.iter().map(|member| escape_for_display(&batch.members[*member].name)).collect();
                let line = batch.members[cycle[0]].line;
                let message = format!("dependency cycle: {}", names.join(" needs "));
                self.report_error(file, Some(line), &message);
                return None;
            }
        };
        let mut parts = Vec::new();
        let before = self.errors.len();
        for &at in &order {
            let member = &batch.members[at];
            let Some(path) = self.resolve_member(file, member.line, &member.name) else { continue };
            if let Some(from) = above.iter().position(|outer| *outer == path) {
                let cycle: Vec<String> =
                    above[from..].iter().chain([&path]).map(|file| escape_for_display(file)).collect();
                let message = format!("include cycle: {}", cycle.join(" includes "));
                self.report_error(file, Some(member.line), &message);
                continue;
            }
            if !self.included_files.contains(&path) {
                self.included_files.push(path.clone());
            }
            let Some(step) = self.plan_step(&path, above) else { continue };
            let parents = member
                .parents
                .iter()
                .filter_map(|(parent, condition)| {
                    order.iter().position(|member| member == parent).map(|position| (position, *condition))
                })
                .collect();
            parts.push(BatchStep { step, must_pass: member.must_pass, parents });
        }
        // Positions hold only where nothing is left out.
        (parts.len() == order.len() && self.errors.len() == before).then_some(parts)
    }

    /// The file that a batch names: next to it, or among those of all packages.
    fn resolve_member(&mut self, file: &str, line: u32, name: &str) -> Option<String> {
        if !is_definition(name) {
            let message = format!("`{}` is neither an .apt nor an .apb file", escape_for_display(name));
            self.report_error(file, Some(line), &message);
            return None;
        }
        let beside = file.rsplit_once('/').map_or("", |(directory, _)| directory);
        let places = [beside, DEFINITIONS_DIR];
        let places = if beside == DEFINITIONS_DIR { &places[..1] } else { &places[..] };
        for place in places {
            let Some(path) = join_path(place, name) else {
                let message = format!("`{}` leads out of the directory of tests", escape_for_display(name));
                self.report_error(file, Some(line), &message);
                return None;
            };
            // Reading it again is no loss: it is small, and the file is what counts.
            match self.definitions.get(&path) {
                Some(_) => return Some(path),
                None => match self.source.read(&path) {
                    Err(ReadError::NotFound) => {}
                    Ok(_) | Err(ReadError::Other(_)) => return Some(path),
                },
            }
        }
        let places: Vec<String> = places
            .iter()
            .map(|directory| escape_for_display(if directory.is_empty() { "." } else { directory }))
            .collect();
        let message = format!(
            "`{}` is not there: it was looked for in {}",
            escape_for_display(name),
            places.join(" and ")
        );
        self.errors.push(PlanError {
            file: file.to_owned(),
            line: Some(line),
            message,
            missing: Some(name.to_owned()),
        });
        None
    }
}

/// Whether a file is read as a definition, by its name.
fn is_definition(file: &str) -> bool {
    [".apt", ".apb"].iter().any(|ending| file.ends_with(ending))
}

/// Who runs a program that is a test by itself: it is in its name.
fn program_user(file: &str) -> Option<&'static str> {
    match file.rsplit('/').next() {
        Some("test_root") => Some("root"),
        Some("test_user") => Some("oscartst"),
        _ => None,
    }
}

/// A path below the testing directory without `.`, `..` and empty components.
fn join_path(directory: &str, name: &str) -> Option<String> {
    let mut path: Vec<&str> = directory.split('/').filter(|component| !component.is_empty()).collect();
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
/// Members that depend on each other.
fn topological_order(batch: &Batch) -> Result<Vec<usize>, DependencyCycle> {
    let count = batch.members.len();
    let mut placed = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        let is_ready =
            |at: usize| !placed[at] && batch.members[at].parents.iter().all(|(parent, _)| placed[*parent]);
        match (0..count).find(|at| is_ready(*at)) {
            Some(at) => {
                placed[at] = true;
                order.push(at);
            }
            None => return Err(find_cycle(batch, &placed)),
        }
    }
    Ok(order)
}

/// Positions of members that depend on each other; the last is the first again.
struct DependencyCycle(Vec<usize>);

/// A cycle among those that are not placed: each of them has a parent that is not.
fn find_cycle(batch: &Batch, placed: &[bool]) -> DependencyCycle {
    let mut path: Vec<usize> = placed.iter().position(|is_placed| !is_placed).into_iter().collect();
    while let Some(&last) = path.last() {
        let Some(parent) =
            batch.members[last].parents.iter().map(|(parent, _)| *parent).find(|parent| !placed[*parent])
        else {
            break;
        };
        if let Some(from) = path.iter().position(|member| *member == parent) {
            path.drain(..from);
            path.push(parent);
            break;
        }
        path.push(parent);
    }
    DependencyCycle(path)
}
