//! `opm export` and `opm import`: what is wanted of a cluster, as a text; and what an old ODA knew.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use fs_err as fs;
use opkg_configurator::{FieldKind, Form};
use opkg_engine::clock::now_seconds;
use opkg_engine::format;
use opkg_engine::operations::transact;
use opkg_oda::export::{self, FieldKey};
use opkg_oda::{Cluster, ConfigValues, PackageId, TargetId, TargetKind};
use opkg_opm::{FormLookup, find_form};
use opkg_shell::UsageError;

use crate::args::{ExportArgs, ImportArgs};
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view::plural;

/// `opm export`.
///
/// # Errors
/// When the database fails, or the file or standard output cannot be written to.
pub fn run_export(session: &Session, arguments: &ExportArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_reader()?;
    let cluster = store.load_overview()?;
    let values = store.all_values()?;
    let forms = SecretFields::of(&cluster, &values);
    let is_secret = |field: FieldKey<'_>| !arguments.with_secrets && forms.is_secret(field);
    let document = export::export(&cluster, &values, &is_secret);
    match &arguments.output {
        None => session.shell.print_document(&document)?,
        Some(file) => {
            write_private(file, &document).context(format_args!("cannot write {}", file.display()))?
        }
    }
    if !arguments.with_secrets {
        for line in forms.describe_omissions(&cluster, &values) {
            session.shell.status(&line);
        }
    }
    Ok(ExitStatus::Success)
}

/// Puts a file in its place that its owner alone can read, all or nothing.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|directory| *directory != Path::new("")).unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new().prefix(".opm-export-").tempfile_in(directory)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    Ok(())
}

/// Which fields of the forms of packages are passwords.
struct SecretFields(BTreeMap<(PackageId, Option<TargetId>), FormLookup>);

impl SecretFields {
    /// Those of the packages that have values. A form that cannot be used is as one that is not there.
    fn of(cluster: &Cluster, values: &ConfigValues) -> Self {
        let Some(server) = cluster.targets_of_kind(TargetKind::Server).next() else {
            return Self(BTreeMap::new());
        };
        let find = |(package, image): &(PackageId, Option<TargetId>)| {
            let name = &cluster.packages.get(package)?.name;
            let image = match image {
                Some(image) => Some(&cluster.targets.get(image)?.address.name),
                None => None,
            };
            find_form(server, name, image).ok()
        };
        Self(values.keys().filter_map(|context| Some((*context, find(context)?))).collect())
    }

    fn form(&self, context: (PackageId, Option<TargetId>)) -> Option<&Form> {
        match self.0.get(&context) {
            Some(FormLookup::Form(form, _)) => Some(form),
            _ => None,
        }
    }

    /// Whether the value of a field must not be shown: that of a password, or of a field that no form tells of.
    fn is_secret(&self, (package, image, name): FieldKey<'_>) -> bool {
        let field = self.form((package, image)).and_then(|form| form.field(name));
        field.is_none_or(|field| field.kind == FieldKind::Password)
    }

    /// What is left out, a line for each package.
    fn describe_omissions(&self, cluster: &Cluster, values: &ConfigValues) -> Vec<String> {
        let mut lines = Vec::new();
        for ((package, image), values) in values {
            let omitted =
                values.iter().filter(|value| self.is_secret((*package, *image, &value.name))).count();
            if omitted == 0 {
                continue;
            }
            let name = format::package_name(cluster, *package);
            let of = image
                .map_or_else(String::new, |image| format!(" for {}", format::target_list(cluster, &[image])));
            let why = match self.form((*package, *image)) {
                Some(_) => "passwords, and what its form does not have",
                None => "its form is not there to say which of them are passwords",
            };
            lines.push(format!(
                "note: {} of {name}{of} left out: {why}; --with-secrets --output FILE writes them",
                plural(omitted, "value")
            ));
        }
        lines
    }
}

/// `opm import`.
///
/// # Errors
/// When the file is not what it should be, or the database fails.
pub fn run_import(session: &Session, arguments: &ImportArgs) -> Result<ExitStatus, CliError> {
    match (&arguments.file, &arguments.oda) {
        (Some(file), _) => import_document(session, file),
        (None, Some(dump)) => import_mysql_dump(session, dump),
        (None, None) => Ok(ExitStatus::Success),
    }
}

fn import_document(session: &Session, file: &Path) -> Result<ExitStatus, CliError> {
    let text = fs::read_to_string(file)?;
    let mut store = session.open_store()?;
    let values = store.all_values()?;
    let count = transact::<_, CliError>(&mut *store, |cluster| {
        let changes = opkg_oda::import(&text, cluster, &values, now_seconds()).map_err(|wrong| {
            let help = "correct it and import it again; nothing of it was taken over";
            UsageError::new(format!("{}, {wrong}", file.display()), help)
        })?;
        let count = changes.len();
        Ok((changes, count))
    })?;
    report_imported(session, file, count);
    Ok(ExitStatus::Success)
}

fn import_mysql_dump(session: &Session, dump: &Path) -> Result<ExitStatus, CliError> {
    let bytes = fs::read(dump)?;
    let mut store = session.open_store()?;
    let (count, findings, cut_off_at) = transact::<_, CliError>(&mut *store, |cluster| {
        let imported = opkg_oda::import_mysql(&bytes, cluster, now_seconds()).map_err(|reason| {
            let help = "`mysqldump oscar > FILE` writes one; nothing was taken over";
            UsageError::new(format!("{} is no dump of an OSCAR database: {reason}", dump.display()), help)
        })?;
        let count = imported.changes.len();
        Ok((imported.changes, (count, imported.warnings, imported.cut_off_at)))
    })?;
    for finding in &findings {
        session.shell.eprint(&format!("warning: {}, {finding}; this was left out", dump.display()));
    }
    if let Some(line) = cut_off_at {
        session.shell.eprint(&format!(
            "warning: {}, line {line}: the dump was cut off here, and what should follow is missing",
            dump.display()
        ));
        session.shell.status("help: import a complete one as well: what is there already stays as it is");
    }
    report_imported(session, dump, count);
    if count > 0 {
        session.shell.status(
            "help: `opm phase set NAME` says how far the cluster has come; `opm status` shows it all",
        );
    }
    Ok(ExitStatus::Success)
}

fn report_imported(session: &Session, file: &Path, count: usize) {
    session.shell.status(&match count {
        0 => format!("nothing in {} is new", file.display()),
        1 => format!("taken over from {}: 1 change", file.display()),
        _ => format!("taken over from {}: {count} changes", file.display()),
    });
}
