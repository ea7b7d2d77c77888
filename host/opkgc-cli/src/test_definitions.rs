//! The tests that an OPKG brings, read as whoever runs them does: definitions that cannot be, programs that are not
//! there, what is never run, and names that other packages may have as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use opkg::diagnostic::{Diagnostic, Location};
use opkg::escape_for_display;
use opkg::model::{Destination, Opkg, SourceFile};
use opkg_apitest::definition::{Command, Definition, DefinitionBody};
use opkg_apitest::discovery::{TestFiles, find_package_tests, is_definition, phase_test_file};
use opkg_apitest::parse::{MAX_FILE_BYTES, parse};
use opkg_apitest::paths::{DATA_DIR, DEFINITIONS_DIR, TESTING_DIR};
use opkg_apitest::plan::{DefinitionSource, PlanError, ReadError, plan};
use opkg_oda::Phase;

/// Where the programs of all packages lie, below the testing directory.
const PROGRAMS_DIR: &str = "tests.d";

/// Definitions that are read; no more belong to a run either.
const MAX_DEFINITIONS: usize = 500;

/// What is to be said of the tests in a directory. None of it keeps an OPKG from being compiled.
#[must_use]
pub fn check_tests(directory: &Path, opkg: &Opkg) -> Vec<Diagnostic> {
    let mut tests = InstalledTests::new(directory, opkg);
    if tests.files.is_empty() {
        return Vec::new();
    }
    let started = tests.started_files();
    // Whatever these include is read on the way.
    let errors = plan(&mut tests, &started).err().unwrap_or_default();
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut reached: BTreeSet<String> = started.into_iter().collect();
    reached.append(&mut tests.read);
    let definitions: Vec<String> =
        tests.files.keys().filter(|path| is_definition(path)).take(MAX_DEFINITIONS).cloned().collect();
    let others: Vec<String> = definitions.iter().filter(|path| !reached.contains(*path)).cloned().collect();
    found.extend(others.iter().map(|path| tests.never_run(path)));
    let errors = errors.into_iter().chain(plan(&mut tests, &others).err().unwrap_or_default());
    let mut seen: Vec<PlanError> = Vec::new();
    for error in errors {
        if !seen.contains(&error) {
            found.push(tests.plan_error(&error));
            seen.push(error);
        }
    }
    for path in &definitions {
        found.extend(tests.check_program(path));
    }
    found.extend(tests.shared_names());
    found.extend(tests.notes());
    found
}

/// Paths below the testing directory that packages share, each with the file of the OPKG that is installed there.
#[must_use]
pub fn shared_files(opkg: &Opkg) -> Vec<(String, String)> {
    let is_shared = |path: &str| {
        [DEFINITIONS_DIR, PROGRAMS_DIR].iter().any(|shared| in_directory(path, shared).is_some())
    };
    installed_files(opkg)
        .filter(|(path, _)| is_shared(path))
        .map(|(path, file)| (path.to_owned(), file.path.clone()))
        .collect()
}

fn installed_files(opkg: &Opkg) -> impl Iterator<Item = (&str, &SourceFile)> {
    opkg.files.iter().filter_map(|file| {
        let Destination::Path(path) = &file.destination else { return None };
        Some((path.strip_prefix(TESTING_DIR)?.strip_prefix('/')?, file))
    })
}

/// What follows a directory in a path.
fn in_directory<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// The testing directory as it is once the package is installed.
struct InstalledTests<'a> {
    directory: &'a Path,
    opkg: &'a Opkg,
    /// By their paths below the testing directory.
    files: BTreeMap<String, &'a SourceFile>,
    /// Definitions that were read.
    read: BTreeSet<String>,
    remarks: Vec<String>,
}

impl DefinitionSource for InstalledTests<'_> {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, ReadError> {
        let file = self.files.get(path).ok_or(ReadError::NotFound)?;
        self.read.insert(path.to_owned());
        if file.size > MAX_FILE_BYTES as u64 {
            return Err(ReadError::Other(format!("it is larger than {} KiB", MAX_FILE_BYTES >> 10)));
        }
        fs_err::read(self.directory.join(&file.path)).map_err(|error| ReadError::Other(error.to_string()))
    }

    fn note(&mut self, line: &str) {
        if !self.remarks.iter().any(|known| known == line) {
            self.remarks.push(line.to_owned());
        }
    }
}

impl<'a> InstalledTests<'a> {
    fn new(directory: &'a Path, opkg: &'a Opkg) -> Self {
        let files = installed_files(opkg).map(|(path, file)| (path.to_owned(), file)).collect();
        Self { directory, opkg, files, read: BTreeSet::new(), remarks: Vec::new() }
    }

    /// What is run by itself: of the package, and of phases.
    fn started_files(&self) -> Vec<String> {
        let name = self.opkg.name.as_str();
        let names_in = |directory: &str| -> Vec<String> {
            let inside = self.files.keys().filter_map(|path| in_directory(path, directory));
            inside.filter(|name| !name.contains('/')).map(str::to_owned).collect()
        };
        let installed =
            TestFiles { shared: names_in(DEFINITIONS_DIR), own: names_in(&format!("{DATA_DIR}/{name}")) };
        let phases = Phase::ALL.into_iter().map(|phase| phase_test_file(phase.name()));
        let phases = phases.filter(|path| self.files.contains_key(path));
        find_package_tests(name, &[name], &installed).into_iter().chain(phases).collect()
    }

    fn place(&self, path: &str) -> Location {
        Location::File(self.files.get(path).map_or_else(|| path.to_owned(), |file| file.path.clone()))
    }

    fn never_run(&self, path: &str) -> Diagnostic {
        let name = &self.opkg.name;
        let all = format!("{name}_validate.apb");
        let has_all = [DEFINITIONS_DIR.to_owned(), format!("{DATA_DIR}/{name}")]
            .iter()
            .any(|directory| self.files.contains_key(&format!("{directory}/{all}")));
        let help = if path.strip_prefix(DEFINITIONS_DIR).is_some_and(|name| name.starts_with("/before_")) {
            let phases = Phase::ALL.map(Phase::name).join("`, `");
            format!("there is no such phase; there are `{phases}`")
        } else if has_all {
            format!("name it in `{all}`, which is all that is run, or in a batch that is part of it")
        } else {
            format!("let its name begin with `{name}_`, or name it in a batch that does")
        };
        Diagnostic::warning("test-never-run", "the definition is never run").at(self.place(path)).help(help)
    }

    fn plan_error(&self, error: &PlanError) -> Diagnostic {
        let line = error.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let message = format!("{line}{}", error.message);
        let found = match &error.missing {
            Some(name) if !self.is_own_name(name) => Diagnostic::note("test-definition", message)
                .help("make sure that the package that has it is required, or correct the name"),
            Some(_) => Diagnostic::warning("test-definition", message).help("add it, or correct the name"),
            None => Diagnostic::warning("test-definition", message)
                .help("`opm test` refuses to run anything of it: correct it"),
        };
        found.at(self.place(&error.file))
    }

    /// Reports a program of the OPKG that a definition runs, and that is not there or cannot be run.
    fn check_program(&self, path: &str) -> Option<Diagnostic> {
        let definition = self.parse(path)?;
        let DefinitionBody::Test(test) = &definition.body else { return None };
        let (words, is_run_by_itself) = match &test.command {
            Command::Words(words) => (words, true),
            Command::Interpreted { words, .. } => (words, false),
            Command::Text { .. } => return None,
        };
        let program = words.first()?;
        let report = |message: String, help: String| {
            Some(Diagnostic::warning("test-program", message).at(self.place(path)).help(help))
        };
        let shown = escape_for_display(program);
        let Some((_, name)) = program.rsplit_once('/') else {
            let installed = format!("{PROGRAMS_DIR}/{program}");
            return if self.files.contains_key(&installed) {
                report(
                    format!("`{shown}` is looked for among the programs of the system, not of the OPKG"),
                    format!("did you mean `{}`?", escape_for_display(&installed)),
                )
            } else {
                None
            };
        };
        let below = match program.strip_prefix(TESTING_DIR) {
            Some(rest) => rest.strip_prefix('/')?,
            None if program.starts_with('/') => return None,
            None => program.strip_prefix("./").unwrap_or(program),
        };
        let Some(file) = self.files.get(below) else {
            let mut programs = self.files.keys().map(String::as_str).filter(|path| !is_definition(path));
            let near = programs.clone().find(|path| path.rsplit('/').next() == Some(name));
            let near = near.or_else(|| opkg::closest_match(below, &mut programs));
            let help = match near {
                Some(near) => format!("did you mean `{}`?", escape_for_display(near)),
                None => format!("put it into `testing/{PROGRAMS_DIR}/`"),
            };
            return report(format!("the OPKG installs no program `{shown}`"), help);
        };
        let is_program = file.mode & 0o111 != 0 || file.link.is_some();
        if is_run_by_itself && !is_program {
            let message = format!("`{shown}` cannot be run: it has no `#!` line, and nobody may execute it");
            return report(message, "begin it with `#!/bin/sh`, or whatever it is written for".to_owned());
        }
        None
    }

    fn parse(&self, path: &str) -> Option<Definition> {
        let file = self.files.get(path).filter(|file| file.size <= MAX_FILE_BYTES as u64)?;
        parse(&fs_err::read(self.directory.join(&file.path)).ok()?).ok()
    }

    /// Whether a test, by its name, is one of the package, as the names of all packages' tests begin with theirs.
    fn is_own_name(&self, name: &str) -> bool {
        name.strip_prefix(self.opkg.name.as_str())
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    }

    /// Notes about names, among those of all packages, that do not begin with the package's.
    fn shared_names(&self) -> Vec<Diagnostic> {
        let own = &self.opkg.name;
        let is_phase = |path: &str| Phase::ALL.into_iter().any(|phase| phase_test_file(phase.name()) == path);
        let mut found = Vec::new();
        for directory in [DEFINITIONS_DIR, PROGRAMS_DIR] {
            for path in self.files.keys() {
                let Some(name) = in_directory(path, directory) else { continue };
                if self.is_own_name(name) || is_phase(path) {
                    continue;
                }
                let message = format!("another package may install `{}`, too", escape_for_display(path));
                let help = format!("let its name begin with `{own}_`: all packages put their tests there");
                found.push(Diagnostic::note("test-shared-name", message).at(self.place(path)).help(help));
            }
        }
        found
    }

    /// What is odd in definitions, and changes nothing.
    fn notes(&self) -> Vec<Diagnostic> {
        let help = "whoever runs the test leaves it out: correct or remove it";
        let note = |remark: &String| {
            let (path, said) = remark.split_once(": ").unwrap_or(("", remark));
            Diagnostic::note("test-definition", said).at(self.place(path)).help(help)
        };
        self.remarks.iter().map(note).collect()
    }
}
