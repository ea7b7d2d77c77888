//! A made-up OPKG, and its tree as the host lays it out.
#![allow(dead_code, missing_docs, clippy::unwrap_used)] // each test file uses its share

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output as ProcessOutput};

use opkg_plugin_debian::Debian;
use opkg_sdk::Distribution;
use opkg_sdk::artefacts::{Output, SourcePackage};
use opkg_sdk::model::*;
use opkg_sdk::packaging::Refusal;

pub fn target(dist: &str, version: Option<&str>, arch: Option<&str>) -> BuildTarget {
    opkg_sdk::testing::sample_target(dist, version, arch)
}

pub fn generate(opkg: &Opkg) -> Output {
    Debian::generate(opkg, &target("debian", None, None)).unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

/// What a target is refused for.
pub fn expect_failure(opkg: &Opkg) -> Vec<Diagnostic> {
    match Debian::generate(opkg, &target("debian", None, None)) {
        Err(Refusal::Failed(diagnostics)) => diagnostics,
        other => panic!("{other:?}"),
    }
}

pub fn meta_file<'a>(output: &'a Output, name: &str) -> &'a str {
    let file = output.meta_files.iter().find(|file| file.path.ends_with(&format!("/debian/{name}")));
    &file.unwrap_or_else(|| panic!("no {name}")).contents
}

pub fn source_dir(output: &Output) -> &str {
    match &output.source {
        SourcePackage::Quilt(quilt) => &quilt.directory,
        other => panic!("{other:?}"),
    }
}

/// What `file` holds.
pub fn file_contents(file: &SourceFile) -> String {
    match &file.script {
        Some(NativeScript { text: Some(text), .. }) => text.clone(),
        _ if !file.interpreter.is_empty() => format!("#!{}\n:\n", file.interpreter.join(" ")),
        _ => format!("Contents of {}.\n", file.path),
    }
}

/// The OPKG's files and the meta-files below `root`.
pub fn write_source_tree(opkg: &Opkg, output: &Output, root: &Path) {
    let write = |path: &Path, contents: &str, mode: u32| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for file in &opkg.files {
        let path = root.join(source_dir(output)).join(&file.path);
        match &file.link {
            Some(link) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                symlink(link, path).unwrap();
            }
            None => write(&path, &file_contents(file), file.mode),
        }
    }
    for file in &output.meta_files {
        write(&root.join(&file.path), &file.contents, if file.executable { 0o755 } else { 0o644 });
    }
}

/// Whether a program is there; says so if it is not.
pub fn is_installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

pub fn run_checked(command: &mut Command) -> ProcessOutput {
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    out
}

pub fn stdout_of(command: &mut Command) -> String {
    String::from_utf8(run_checked(command).stdout).unwrap()
}

/// Runs the native build as the output says, in an environment of its own.
pub fn run_native_build(output: &Output, root: &Path, env: &[(&str, &str)], umask: &str) {
    for step in &output.native_build.commands {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
            .args(&step.argv)
            .current_dir(root.join(&step.directory))
            .env_remove("SOURCE_DATE_EPOCH")
            .envs(step.env.iter().map(|(name, value)| (name, value)))
            .envs(env.iter().copied());
        run_checked(&mut command);
    }
}

pub fn relation(scope: Scope, kind: RelationKind, name: &str, bound: Option<(Comparison, &str)>) -> Relation {
    let mut relation = opkg_sdk::testing::sample_relation(7, scope, kind, name);
    relation.any_of[0].bound =
        bound.map(|(comparison, version)| Bound { comparison, version: version.into() });
    relation
}

pub fn dist(id: &str, bound: Option<(Comparison, &str)>) -> DistFilter {
    let bound = bound.map(|(comparison, version)| Bound { comparison, version: version.into() });
    DistFilter { at: 8, id: id.into(), bound }
}

pub fn filtered(relation: Relation, dists: Vec<DistFilter>, archs: &[&str]) -> Relation {
    let archs = archs.iter().map(ToString::to_string).collect();
    Relation { filter: Filter { dists, archs }, ..relation }
}

fn author(role: Role, name: &str, email: &str, years: (Option<u16>, Option<u16>)) -> Author {
    Author {
        role,
        name: name.into(),
        nickname: None,
        email: email.into(),
        institution: None,
        first_year: years.0,
        last_year: years.1,
    }
}

pub fn change(author: &str, email: Option<&str>, seconds: i64, closes: &[u32], items: &[&str]) -> Change {
    Change {
        at: 9,
        author: author.into(),
        email: email.map(Into::into),
        date: Timestamp { seconds, offset: 120 },
        closes: closes.to_vec(),
        items: items.iter().map(ToString::to_string).collect(),
    }
}

pub fn version(epoch: u32, upstream: &str, release: &str) -> Version {
    Version { epoch, upstream: upstream.into(), release: release.into() }
}

pub fn file(at: u32, path: &str, part: Part, destination: Destination, interpreter: &[&str]) -> SourceFile {
    SourceFile {
        at,
        path: path.into(),
        part,
        destination,
        mode: if interpreter.is_empty() { 0o644 } else { 0o755 },
        size: 0,
        sha256: Vec::new(),
        interpreter: interpreter.iter().map(ToString::to_string).collect(),
        link: None,
        configuration: false,
        arch: None,
        only_arch: None,
        rules: Vec::new(),
        unit: None,
        accounts: Vec::new(),
        script: None,
        attributes: Vec::new(),
    }
}

pub const HOME: &str = "/usr/lib/oscar/packages/watch";

pub fn script(at: u32, name: &str, part: Part, interpreter: &str) -> SourceFile {
    let time = match name.split_once('-').map(|(_, time)| time) {
        Some("pre-install") => Some(ScriptTime::PreInstall),
        Some("post-install") => Some(ScriptTime::PostInstall),
        Some("pre-uninstall") => Some(ScriptTime::PreUninstall),
        Some("post-uninstall") => Some(ScriptTime::PostUninstall),
        Some("triggered") => Some(ScriptTime::Triggered),
        _ => None,
    };
    let words: Vec<&str> = interpreter.split(' ').collect();
    let path = format!("scripts/{name}");
    let mut script = file(at, &path, part, Destination::Path(format!("{HOME}/{name}")), &words);
    script.script = time.map(|time| NativeScript {
        time,
        text: matches!(time, ScriptTime::PreInstall | ScriptTime::PostUninstall)
            .then(|| format!("#!{interpreter}\n# of {name}\nexit 0\n")),
    });
    script
}

/// Uses everything that the format has.
pub fn sample_opkg() -> Opkg {
    let path = |rest: &str| Destination::Path(format!("{HOME}/{rest}"));
    let documentation = |rest: &str| Destination::Documentation(rest.into());
    let link = |file: SourceFile, target: &str| SourceFile { link: Some(target.into()), ..file };
    let mut files = vec![
        file(20, "README.md", Part::Api, documentation("README.md"), &[]),
        file(21, "config.xml", Part::Api, path("config.xml"), &[]),
        file(22, "doc/copyright", Part::Api, documentation("copyright"), &[]),
        file(
            23,
            "doc/deep/er/it's a \"$HOME\" %file\\n",
            Part::Api,
            documentation("deep/er/it's a \"$HOME\" %file\\n"),
            &[],
        ),
        link(file(24, "doc/deep/up", Part::Api, documentation("deep/up"), &[]), "../../README.md"),
        script(30, "api-post-install", Part::Api, "/bin/sh -e"),
        script(31, "api-post-configure", Part::Api, "/usr/bin/python3"),
        script(32, "client-post-uninstall", Part::Client, "/bin/bash"),
        script(33, "client-pre-install", Part::Client, "/usr/bin/env tclsh"),
        script(34, "server-pre-uninstall", Part::Server, "/usr/bin/perl"),
        link(file(35, "scripts/setup", Part::Api, path("setup"), &[]), "api-post-install"),
        file(
            36,
            "testing/.hidden/größe",
            Part::Api,
            Destination::Path("/usr/lib/oscar/testing/data/watch/.hidden/größe".into()),
            &[],
        ),
    ];
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let directory = |part, destination| Directory { part, destination, only_arch: None, rules: Vec::new() };
    use Comparison::{Eq, Ge, Lt};
    use RelationKind::{Conflicts, Provides, Requires, Suggests};
    let debian = || vec![dist("debian", None)];
    Opkg {
        at: 1,
        name: "watch".into(),
        class: Class::ThirdParty,
        summary: "Tells users when their jobs wait too long, and why".into(),
        description: vec![
            "watch looks at the queue every few minutes. A job that has been waiting for longer than is \
             reasonable is looked at more closely; costs ${Newline}$5 %(id) ${source:Version}."
                .into(),
            ".hidden files come second.".into(),
        ],
        license: "GPL".into(),
        groups: vec!["Applications/Batch".into()],
        uri: Some("https://opkg.example.org/watch".into()),
        authors: vec![
            author(Role::Upstream, "Noor Haddad", "noor@example.org", (Some(2009), Some(2023))),
            author(Role::Maintainer, "Jürgen Weiß", "juergen@example.org", (Some(2012), None)),
            author(Role::Maintainer, "Keller, Ada", "ada@example.org", (None, None)),
            author(Role::Uploader, "Mireille (work) Dubois", "mireille@example.org", (None, None)),
            author(Role::Uploader, "Keller, Ada", "ada@example.org", (None, None)),
        ],
        filter: Filter { dists: Vec::new(), archs: Vec::new() },
        relations: vec![
            relation(Scope::Whole, Conflicts, "queuemail", Some((Lt, "2.0"))),
            relation(Scope::Common, Requires, "bash", None),
            relation(Scope::Common, Requires, "perl(XML::Simple)", None),
            filtered(relation(Scope::Common, Suggests, "smartmontools", None), debian(), &[]),
            relation(Scope::Part(Part::Server), Provides, "queue-watcher", Some((Eq, "1.0"))),
            relation(Scope::Part(Part::Server), Requires, "Gmetad_Web", Some((Ge, "1:3.5.0-2"))),
            filtered(
                relation(Scope::Part(Part::Server), Requires, "/usr/bin/foo", None),
                vec![dist("rhel", None)],
                &[],
            ),
            filtered(
                relation(Scope::Part(Part::Client), Requires, "sysstat", None),
                debian(),
                &["x86_64", "aarch64"],
            ),
            filtered(relation(Scope::Part(Part::Client), Requires, "sparc-only", None), debian(), &["ppc"]),
            filtered(
                relation(Scope::Part(Part::Client), Requires, "old-thing", None),
                vec![dist("debian", Some((Lt, "12")))],
                &[],
            ),
            filtered(
                relation(Scope::Part(Part::Client), Requires, "new-thing", None),
                vec![dist("debian", Some((Ge, "bookworm")))],
                &[],
            ),
            relation(Scope::Part(Part::Api), Requires, "oscar-data", None),
            relation(Scope::Part(Part::Api), Requires, "oscar-data", Some((Ge, "6"))),
            relation(Scope::Part(Part::Client), Suggests, "sysstat", None),
        ],
        history: vec![
            HistoryEntry {
                version: version(1, "2.4-rc_1", "1.1"),
                changes: vec![
                    change(
                        "Noor Haddad",
                        Some("noor@example.org"),
                        1_410_344_866,
                        &[12, 345],
                        &[
                            "Look at jobs more closely, which needs a sentence so long that it has to be broken into two lines.",
                            " -- Nobody <nobody@example.org>  Thu, 01 Jan 1970 00:00:00 +0000",
                        ],
                    ),
                    change(
                        "Keller, Ada",
                        Some("ada@example.org"),
                        1_410_000_000,
                        &[],
                        &["Mails are in UTF-8: größer."],
                    ),
                ],
            },
            HistoryEntry {
                version: version(0, "v2.3", "1"),
                changes: vec![change("Somebody Else", None, 1_400_000_000, &[], &["First release."])],
            },
            HistoryEntry {
                version: version(0, "2.2", "1"),
                changes: vec![change(
                    "Jürgen Weiß",
                    Some("juergen@example.org"),
                    1_300_000_000,
                    &[7],
                    &["watch (1.0-1) unstable; urgency=low"],
                )],
            },
        ],
        home: HOME.into(),
        file_rules: Vec::new(),
        service_rules: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        files,
        directories: vec![
            directory(Part::Api, Destination::Path(HOME.into())),
            directory(Part::Api, Destination::Path("/usr/lib/oscar/testing/data/watch".into())),
            directory(Part::Api, Destination::Documentation(String::new())),
            directory(Part::Server, Destination::Path(HOME.into())),
            directory(Part::Client, Destination::Path(HOME.into())),
        ],
        tells_action: false,
        source_date: Timestamp { seconds: 1_410_344_866, offset: 120 },
        attributes: Vec::new(),
    }
}
