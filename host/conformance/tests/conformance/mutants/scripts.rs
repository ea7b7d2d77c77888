//! What is spoiled of scripts, text, and the commands of package managers.

use opkg::model::Filter;
use opkg_interface::artefacts::{Container, Content, ScriptTime};
use opkg_runtime::ExecutionErrorKind;

use super::mutant::{Case, Spoiled};

pub fn cases() -> Vec<Case> {
    use Spoiled as S;
    vec![
        // Scripts.
        (
            "scripts-at-their-time",
            &["scripts-all"],
            S::Package(|it| {
                for scriptlet in &mut it.scriptlets {
                    scriptlet.time = match scriptlet.time {
                        ScriptTime::PreInstall => ScriptTime::PostUninstall,
                        ScriptTime::PostUninstall => ScriptTime::PreInstall,
                        other => other,
                    };
                }
            }),
        ),
        ("scripts-at-their-time", &["script-post-install"], S::Package(|it| it.scriptlets.clear())),
        (
            "scripts-at-their-time",
            &["script-pre-install"],
            S::Package(|it| it.scriptlets.iter_mut().for_each(|it| it.body = "true\n".into())),
        ),
        (
            "scripts-nowhere-else",
            &["script-pre-install"],
            S::Output(|it, _| {
                let scriptlets = it.packages[0].scriptlets.clone();
                it.packages[1].scriptlets.extend(scriptlets);
            }),
        ),
        (
            "carried-scripts-whole",
            &["scripts-hostile"],
            S::Package(|it| {
                for scriptlet in &mut it.scriptlets {
                    scriptlet.body = scriptlet
                        .body
                        .lines()
                        .filter(|line| !line.contains("quotes"))
                        .map(|line| format!("{line}\n"))
                        .collect();
                }
            }),
        ),
        (
            "scripts-know-their-home",
            &["script-post-install"],
            S::Package(|it| {
                it.scriptlets
                    .iter_mut()
                    .for_each(|it| it.body = it.body.replace("OSCAR_PACKAGE_HOME", "HOME"));
            }),
        ),
        ("scripts-tell-action", &["scripts-action"], S::Input(|opkg, _, _| opkg.tells_action = false)),
        // The system.
        (
            "service-rules-heeded",
            &["service-rules"],
            S::Package(|it| {
                it.scriptlets
                    .iter_mut()
                    .for_each(|it| it.body = it.body.replace("zq-on.service", "zq-in.service"));
            }),
        ),
        (
            "accounts-made",
            &["accounts"],
            S::Input(|opkg, _, _| opkg.files.iter_mut().for_each(|it| it.accounts.clear())),
        ),
        ("alternatives-registered", &["alternatives"], S::Input(|opkg, _, _| opkg.alternatives.clear())),
        (
            "alternatives-registered",
            &["alternatives"],
            S::Input(|opkg, _, _| {
                opkg.alternatives.iter_mut().for_each(|it| it.filter = Filter::default());
            }),
        ),
        ("triggers-registered", &["triggers"], S::Input(|opkg, _, _| opkg.triggers.truncate(1))),
        // Text.
        (
            "text-arrives",
            &["text-languages"],
            S::Package(|it| it.description = it.description.chars().filter(char::is_ascii).collect()),
        ),
        ("text-arrives", &["minimal"], S::Package(|it| it.url = None)),
        ("text-in-meta-files", &["minimal"], S::Output(|it, _| it.meta_files.clear())),
        (
            "changelog-whole",
            &["changelog-many"],
            S::Package(|it| {
                it.changelog.truncate(5);
                for file in &mut it.files {
                    if let Content::GzipText(text) = &mut file.content {
                        *text = text.lines().take(10).collect();
                    }
                }
            }),
        ),
        (
            "text-not-expanded",
            &["text-macros", "text-variables"],
            S::Output(|it, _| {
                let is_rpm = matches!(it.main_container(), Some(Container::Rpm(_)));
                for file in &mut it.meta_files {
                    file.contents = if is_rpm {
                        file.contents.replace("%%", "%")
                    } else {
                        file.contents.replace("${}{", "${")
                    };
                }
            }),
        ),
        (
            "text-stays-text",
            &["text-macros", "text-macros-twin", "text-fields", "text-fields-twin"],
            S::Output(|it, _| {
                let is_rpm = matches!(it.main_container(), Some(Container::Rpm(_)));
                for file in it
                    .meta_files
                    .iter_mut()
                    .filter(|it| it.path.ends_with(".spec") || it.path.ends_with("/control"))
                {
                    let text = file.contents.replace('\u{2060}', "");
                    file.contents = if is_rpm { text } else { text.replace(" Depends:", "Depends:") };
                }
            }),
        ),
        ("meta-files-plain", &["minimal"], S::Output(|it, _| it.meta_files[0].contents.push('\u{1b}'))),
        // The package manager.
        ("commands-given", &["minimal"], S::Commands(|commands, _| commands.clear())),
        ("programs-declared", &["minimal"], S::Programs(|it| it.truncate(1))),
        (
            "programs-declared",
            &["minimal"],
            S::Commands(|commands, _| commands.iter_mut().for_each(|it| it.argv[0] = "zq".into())),
        ),
        (
            "no-shell",
            &["minimal"],
            S::Commands(|commands, _| {
                for command in commands {
                    command.argv = vec!["/bin/sh".into(), "-c".into(), command.argv.join(" ")];
                }
            }),
        ),
        (
            "names-are-arguments",
            &["minimal"],
            S::Commands(|commands, _| {
                for command in commands {
                    command.argv = vec![command.argv[0].clone(), command.argv[1..].join(" ")];
                }
            }),
        ),
        (
            "names-are-arguments",
            &["minimal"],
            S::Commands(|commands, _| {
                commands.iter_mut().for_each(|it| it.argv.retain(|word| !word.contains("zqsecond")));
            }),
        ),
        (
            "versions-asked-for",
            &["minimal"],
            S::Commands(|commands, _| {
                commands
                    .iter_mut()
                    .flat_map(|it| &mut it.argv)
                    .for_each(|word| *word = word.replace("7.31.5-9", ""));
            }),
        ),
        (
            "root-heeded",
            &["minimal"],
            S::Commands(|commands, place| {
                for command in commands {
                    command.in_root = false;
                    command.env.clear();
                    command.argv.iter_mut().for_each(|word| *word = word.replace(&place.root, "/"));
                }
            }),
        ),
        ("commands-valid", &["minimal"], S::InvalidCommands),
        (
            "readers-take-anything",
            &["minimal"],
            S::Reader(|_, printed| {
                (printed.len() > 100_000).then(|| ExecutionErrorKind::Panicked(None).into())
            }),
        ),
        ("no-packages-is-an-error", &["minimal"], S::ReadsEverything),
    ]
}
