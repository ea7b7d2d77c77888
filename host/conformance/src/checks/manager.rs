//! How the package manager is driven.

use opkg_interface::DistributionDescription;
use opkg_interface::package_manager::{
    Command, InstallState, Installed, PackageRequest, Place as Root, Repository,
};
use opkg_runtime::{CommandsError, ExecutionErrorKind};

use crate::ledger::{Ledger, Place};
use crate::plugin::{ManagerRequest, OutputReader, PluginUnderTest};
use crate::rule::{Rule, RuleGroup};
use crate::scene::excerpt;

pub const GROUP: RuleGroup = RuleGroup {
    title: "The package manager",
    rules: &[
        COMMANDS_VALID,
        COMMANDS_GIVEN,
        PROGRAMS,
        NO_SHELL,
        NAMES,
        VERSIONS,
        ROOT,
        READERS_TOTAL,
        NO_EMPTY_LIST,
    ],
};

const COMMANDS_VALID: Rule = Rule {
    name: "commands-valid",
    sentence: "The commands of the package manager are what the interface allows.",
    reason: "The host checks them before it runs one: a program, an exit status that is no failure, files whose names begin with \
             `opkg-`.",
    advice: "The comments in `distribution.wit` say what each field may hold.",
};
const COMMANDS_GIVEN: Rule = Rule {
    name: "commands-given",
    sentence: "Packages can be installed, removed and asked for, on the running system and in another root.",
    reason: "Without these, `opm` cannot bring anything onto a machine. A refusal is for what the package manager cannot do, as a \
             source that cannot be added for once.",
    advice: "Return commands for `install`, `remove`, `query` and `refresh`.",
};
const PROGRAMS: Rule = Rule {
    name: "programs-declared",
    sentence: "Commands start programs that `programs` declares, by their plain names.",
    reason: "The host starts nothing else; of a plugin that is not built in, an administrator grants them one by one.",
    advice: "Name every program in `programs`.",
};
const NO_SHELL: Rule = Rule {
    name: "no-shell",
    sentence: "No command is a text for a shell.",
    reason: "The host starts programs with their arguments as they are. A shell in between would read them once more, and could do \
             what nobody granted.",
    advice: "Start the package manager itself, in several commands if need be.",
};
const NAMES: Rule = Rule {
    name: "names-are-arguments",
    sentence: "Each package that is asked for is in an argument of its own.",
    reason: "Names that are joined with others or with options are read as something else. A version, an architecture or a \
             sign may be joined to the name.",
    advice: "Add one element to `argv` for each package.",
};
const VERSIONS: Rule = Rule {
    name: "versions-asked-for",
    sentence: "A request that names a version asks for that version.",
    reason: "An administrator chose it; the newest one is something else.",
    advice: "Join the version to the name, as the package manager reads it.",
};
const ROOT: Rule = Rule {
    name: "root-heeded",
    sentence: "Commands for another root name it, or run inside of it.",
    reason: "A command that does neither changes the running system instead of an image.",
    advice: "Set `in-root`, or give the root as an option.",
};
const READERS_TOTAL: Rule = Rule {
    name: "readers-take-anything",
    sentence: "What reads the output of the package manager takes any text, and fails with an error at worst.",
    reason: "Programs print warnings, half of their output, other languages. A plugin that fails inside tells nobody what \
             happened.",
    advice: "Return an error for what cannot be understood; index and unwrap nothing.",
};
const NO_EMPTY_LIST: Rule = Rule {
    name: "no-packages-is-an-error",
    sentence: "That no package at all is installed is an error.",
    reason: "No system is without packages: it was the query that failed, and everything would be installed anew.",
    advice: "Return an error from `parse-query` where there is no entry.",
};

/// Names of packages that occur in nothing else.
const PACKAGES: [&str; 3] = ["opkg-zqfirst", "opkg-zqsecond-server", "opkg-zq.third+x"];

/// A version that occurs in nothing else.
const VERSION: &str = "7.31.5-9";

/// Where commands work besides the running system.
const OTHER_ROOT: &str = "/srv/zq-image";

const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "ksh", "zsh", "csh", "busybox", "env"];

pub fn check(
    plugin: &dyn PluginUnderTest,
    description: &DistributionDescription,
    programs: &[String],
    ledger: &mut Ledger,
) {
    for root in ["/", OTHER_ROOT] {
        let place = root_place(description, programs, root);
        for request in requests() {
            check_request(plugin, programs, &request, &place, ledger);
        }
        check_versions(plugin, &place, ledger);
        // A source for once: many cannot, and say so.
        let further = Root {
            repositories: vec![Repository {
                location: "/srv/zq-source".into(),
                name: None,
                unauthenticated: true,
            }],
            ..place
        };
        let packages = PACKAGES.map(|name| PackageRequest { name: name.into(), version: None }).to_vec();
        if let Ok(commands) = answer(plugin, &ManagerRequest::Install(packages), &further, ledger) {
            check_commands(programs, "install", &commands, &further, ledger);
        }
    }
    check_readers(plugin, ledger);
}

fn root_place(description: &DistributionDescription, programs: &[String], root: &str) -> Root {
    Root {
        root: root.into(),
        repositories: Vec::new(),
        version: description.default_release().map(|release| release.version.clone()),
        arch: description.archs.first().map(|arch| arch.canonical.clone()).unwrap_or_default(),
        available: programs.to_vec(),
    }
}

fn requests() -> Vec<ManagerRequest> {
    let wanted = || PACKAGES.map(|name| PackageRequest { name: name.into(), version: None }).to_vec();
    let names = || PACKAGES.map(str::to_owned).to_vec();
    let broken = PACKAGES.map(|name| Installed {
        name: name.into(),
        version: VERSION.into(),
        arch: Some("noarch".into()),
        has_scriptlets: Some(true),
        state: InstallState::Incomplete("half".into()),
    });
    vec![
        ManagerRequest::Install(wanted()),
        ManagerRequest::Reinstall(wanted()),
        ManagerRequest::Simulate(wanted()),
        ManagerRequest::Remove(names()),
        ManagerRequest::Repair(broken.to_vec()),
        ManagerRequest::Offers(names()),
        ManagerRequest::Refresh,
        ManagerRequest::Query,
    ]
}

/// What the plugin answers; that it is broken is noted.
fn answer(
    plugin: &dyn PluginUnderTest,
    request: &ManagerRequest,
    place: &Root,
    ledger: &mut Ledger,
) -> Result<Vec<Command>, CommandsError> {
    let answer = plugin.commands(request, place);
    let broken = match &answer {
        Err(CommandsError::Broken(error)) => Some(error),
        _ => None,
    };
    // The host refuses a program that is not declared in the same way.
    let is_undeclared = broken.is_some_and(|error| {
        matches!(&error.error.kind, ExecutionErrorKind::Invalid(reason) if reason.contains("none of its programs"))
    });
    ledger.check(&PROGRAMS, Place::default(), !is_undeclared, || {
        format!("{}: {}", request.name(), broken.map(ToString::to_string).unwrap_or_default())
    });
    ledger.check(&COMMANDS_VALID, Place::default(), broken.is_none() || is_undeclared, || {
        format!("{}: {}", request.name(), broken.map(ToString::to_string).unwrap_or_default())
    });
    answer
}

fn check_request(
    plugin: &dyn PluginUnderTest,
    programs: &[String],
    request: &ManagerRequest,
    place: &Root,
    ledger: &mut Ledger,
) {
    let answer = answer(plugin, request, place, ledger);
    let is_needed = matches!(
        request,
        ManagerRequest::Install(_)
            | ManagerRequest::Remove(_)
            | ManagerRequest::Query
            | ManagerRequest::Refresh
    );
    if is_needed {
        let said = match &answer {
            Ok(commands) if commands.is_empty() => Some("there are no commands".to_owned()),
            Err(CommandsError::Refused(reason)) => Some(format!("it is refused: {reason}")),
            _ => None,
        };
        ledger.check(&COMMANDS_GIVEN, Place::default(), said.is_none(), || {
            format!("{} in {}: {}", request.name(), place.root, said.unwrap_or_default())
        });
    }
    let Ok(commands) = answer else { return };
    check_commands(programs, request.name(), &commands, place, ledger);
    let is_about_packages = matches!(
        request,
        ManagerRequest::Install(_) | ManagerRequest::Reinstall(_) | ManagerRequest::Remove(_)
    );
    for name in PACKAGES.iter().filter(|_| is_about_packages && !commands.is_empty()) {
        let has_own = commands.iter().flat_map(|command| &command.argv).any(|word| word.contains(name));
        ledger.check(&NAMES, Place::default(), has_own, || {
            format!("{} does not name {}", request.name(), excerpt(name))
        });
    }
}

fn check_commands(
    programs: &[String],
    request: &str,
    commands: &[Command],
    place: &Root,
    ledger: &mut Ledger,
) {
    let about = Place::default();
    for command in commands {
        let program = command.argv.first().map(String::as_str).unwrap_or_default();
        ledger.check(&PROGRAMS, about, programs.iter().any(|it| it == program), || {
            format!("{request} starts {}, which is not declared", excerpt(program))
        });
        let name = program.rsplit('/').next().unwrap_or_default();
        let is_shell = SHELLS.contains(&name);
        ledger.check(&NO_SHELL, about, !is_shell, || {
            format!("{request} runs {}", excerpt(&command.argv.join(" ")))
        });
        for word in &command.argv {
            let named = PACKAGES.iter().filter(|name| word.contains(*name)).count();
            let is_joined = named > 1 || (named == 1 && word.contains(char::is_whitespace));
            ledger
                .check(&NAMES, about, !is_joined, || format!("{request} has the argument {}", excerpt(word)));
        }
        if place.root != "/" {
            let words = command.argv.iter().chain(command.env.iter().map(|(_, value)| value));
            let is_heeded = command.in_root || words.into_iter().any(|word| word.contains(&place.root));
            ledger.check(&ROOT, about, is_heeded, || {
                format!("{request} runs {} on the running system", excerpt(&command.argv.join(" ")))
            });
        }
    }
}

fn check_versions(plugin: &dyn PluginUnderTest, place: &Root, ledger: &mut Ledger) {
    // Where the package manager cannot tell which versions there are, none is asked for.
    let offers = plugin.commands(&ManagerRequest::Offers(vec![PACKAGES[0].into()]), place);
    if !offers.is_ok_and(|commands| !commands.is_empty()) {
        return;
    }
    let exactly = PackageRequest { name: PACKAGES[0].into(), version: Some(VERSION.into()) };
    for request in
        [ManagerRequest::Install(vec![exactly.clone()]), ManagerRequest::Reinstall(vec![exactly.clone()])]
    {
        let Ok(commands) = plugin.commands(&request, place) else { continue };
        let is_asked = commands
            .iter()
            .flat_map(|command| &command.argv)
            .any(|word| word.contains(PACKAGES[0]) && word.contains(VERSION));
        ledger.check(&VERSIONS, Place::default(), is_asked, || {
            format!("{} of {} {VERSION} does not name the version", request.name(), PACKAGES[0])
        });
    }
}

fn check_readers(plugin: &dyn PluginUnderTest, ledger: &mut Ledger) {
    let readers = [
        OutputReader::Query,
        OutputReader::Offers,
        OutputReader::Simulation,
        OutputReader::Explain { succeeded: true },
        OutputReader::Explain { succeeded: false },
    ];
    for printed in garbage() {
        for reader in readers {
            let answer = plugin.read_output(reader, &printed);
            // A word that is not one line, taken over from the garbage, is refused by the host: an error like others.
            let broken = match &answer {
                Err(CommandsError::Broken(error))
                    if !matches!(error.error.kind, ExecutionErrorKind::Invalid(_)) =>
                {
                    Some(error)
                }
                _ => None,
            };
            ledger.check(&READERS_TOTAL, Place::default(), broken.is_none(), || {
                let said = broken.map(ToString::to_string).unwrap_or_default();
                format!("{} of {}: {said}", reader.name(), excerpt(&printed))
            });
        }
    }
    for printed in ["", "\n", "\n\n\n"] {
        let is_error = plugin.read_output(OutputReader::Query, printed).is_err();
        ledger.check(&NO_EMPTY_LIST, Place::default(), is_error, || {
            format!("parse-query takes {} for a list", excerpt(printed))
        });
    }
}

/// What no package manager prints, or half of what one does.
fn garbage() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        "\n",
        " ",
        "\t\t\t",
        "a",
        "a b c d e f g h i j",
        "a\tb\tc\td\te\tf",
        "a|b|c|d|e|f",
        ":::::",
        "name: \nversion: \n\n\n",
        "Name : zq\n\nVersion",
        "zq-1-1.noarch\n-\n--\n.\n..",
        "Inst zq [1] (2\nConf zq (\nRemv\nInst\n",
        "\u{0}\u{1}\u{1b}[31m\r\r\n",
        "é日本語☃\u{202e}\u{feff}",
        "'\"`$(zq)%{zq}\\",
        "Error:\nerror:\nE:\nW:\nN:\nfailed\nwarning:",
        "1:2:3-4-5~~^^..++",
        "<xml/><?zq?>]]>",
        "{\"zq\": [",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("zq ".repeat(100_000));
    all.push("zq 1.0-1 noarch yes installed\n".repeat(5_000));
    all.push("\n".repeat(20_000));
    all.push("é".repeat(50_000));
    all
}
