//! Files: each of the OPKG's is in its package, once, and nothing else is.

use opkg::model::{Destination, Directory, NodeId, Part, SourceFile};
use opkg_interface::artefacts::{BinaryPackage, Content, FileMarks, PackedFile};

use crate::filter::build_arch;
use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{PARTS, Scene, active_text, excerpt};

pub const GROUP: RuleGroup = RuleGroup {
    title: "Files",
    rules: &[FILES_ONCE, FILES_IN_PART, FILE_PATHS, NOTHING_UNASKED, DIRECTORIES_OWNED, LINKS_KEPT, GHOSTS],
};

const FILES_ONCE: Rule = Rule {
    name: "files-once",
    sentence: "Each file of the OPKG that is for the target is packaged exactly once, and no other one is.",
    reason: "A file that is missing is missed on the cluster, one that two packages have keeps them from being installed \
             together, and one that is for another architecture does not work.",
    advice: "Pack the files of each of the plans of `opkg_sdk::parts::plan`, and no others.",
};
const FILES_IN_PART: Rule = Rule {
    name: "files-in-their-part",
    sentence: "A file is in the package of the part that it belongs to.",
    reason: "The package for clients is on nodes, the others on the head node: a file in another one is on the wrong machines.",
    advice: "Take the files of a package from the plan of its part.",
};
const FILE_PATHS: Rule = Rule {
    name: "file-paths",
    sentence: "A file is installed where the OPKG says.",
    reason: "Scripts name files by their paths, and `opm` looks for hooks below /usr/lib/oscar/packages. Only the directory of \
             documentation is the distribution's to choose.",
    advice: "Use the path of the plan as it is.",
};
const NOTHING_UNASKED: Rule = Rule {
    name: "nothing-unasked",
    sentence: "A package holds nothing but the OPKG's files, its directories, and documents of the package itself.",
    reason: "What nobody asked for can be in the way of another package, and nobody would look for it here. Documents are \
             texts below a directory that is called after the package: a licence, a changelog.",
    advice: "Leave it out, or put it below a directory with the package's name.",
};
const DIRECTORIES_OWNED: Rule = Rule {
    name: "directories-owned",
    sentence: "A package owns the directories that the OPKG says are its own.",
    reason: "They get their modes and owners from there, and go with the package.",
    advice: "Pack the directories of the plan as well.",
};
const LINKS_KEPT: Rule = Rule {
    name: "links-kept",
    sentence: "A symbolic link leads where it leads in the OPKG.",
    reason: "What is laid into the root holds the same text as in the OPKG. Another link leads to the file that it led to, \
             wherever that is installed.",
    advice: "Use `opkg_sdk::parts::installed_link_target`.",
};
const GHOSTS: Rule = Rule {
    name: "ghosts-not-brought",
    sentence: "A file that is a ghost is known to its package, and not brought by it.",
    reason: "The file is made on the machine; a package that brought it would replace it. It goes with the package: by a mark \
             of the format, or by a script.",
    advice: "Mark it, or leave it out and remove it in a script after the package is gone.",
};

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    let files = &scene.test.opkg.files;
    for file in files {
        match &file.link {
            None => check_file(scene, file, ledger),
            Some(target) => check_link(scene, file, target, ledger),
        }
    }
    check_directories(scene, ledger);
    for part in PARTS {
        let Some(package) = scene.package(part) else { continue };
        for packed in &package.files {
            let found = unasked(scene, part, package, packed);
            scene.check(ledger, &NOTHING_UNASKED, found.is_none(), || {
                format!("{} holds {}: {}", package.name, excerpt(&packed.path), found.unwrap_or_default())
            });
        }
    }
}

/// Whether packages for the target have it.
fn is_for_target(scene: &Scene<'_>, only_arch: Option<&str>) -> bool {
    only_arch.is_none_or(|arch| arch == build_arch(scene.target))
}

/// Whether it is a ghost; nothing where only the plugin knows.
fn is_ghost(scene: &Scene<'_>, file: &SourceFile) -> Option<bool> {
    super::attributes::expected(scene, file).map(|attributes| attributes.is_ghost)
}

fn check_file(scene: &Scene<'_>, file: &SourceFile, ledger: &mut Ledger) {
    let at = file.at;
    let packed: Vec<(&BinaryPackage, &PackedFile)> = scene
        .output
        .packages
        .iter()
        .flat_map(|package| package.files.iter().map(move |packed| (package, packed)))
        .filter(|(_, packed)| packed.content == Content::Source(at.0))
        .collect();
    let Some(is_ghost) = is_ghost(scene, file) else { return };
    let is_wanted = is_for_target(scene, file.only_arch);
    if is_ghost {
        let is_brought = packed.iter().any(|(_, packed)| !packed.marks.contains(FileMarks::GHOST));
        let path = path_of(file);
        let is_known = !packed.is_empty()
            || scene.package(file.part).is_some_and(|package| active_text(package).contains(path));
        scene.check(ledger, &GHOSTS, !is_brought && (is_known || !is_wanted), || match is_brought {
            true => format!("{} is brought", excerpt(path)),
            false => format!("no package knows {}", excerpt(path)),
        });
        return;
    }
    let expected = usize::from(is_wanted);
    scene.check(ledger, &FILES_ONCE, packed.len() == expected, || {
        format!("{} is packaged {} times instead of {expected}", excerpt(&file.path), packed.len())
    });
    for (package, packed) in packed {
        let own = scene.package(file.part).is_some_and(|own| own.name == package.name);
        scene.check(ledger, &FILES_IN_PART, own, || {
            format!("{} of the {} part is in {}", excerpt(&file.path), file.part.name(), package.name)
        });
        let is_in_place = match &file.destination {
            Destination::Path(path) => packed.path == *path,
            Destination::Documentation(inside) => packed.path.ends_with(&format!("/{inside}")),
        };
        scene.check(ledger, &FILE_PATHS, is_in_place, || {
            format!("{} is installed as {}", excerpt(&file.path), excerpt(&packed.path))
        });
    }
}

/// Of one that a distribution's own directory comes before, what follows it.
fn path_of(file: &SourceFile) -> &str {
    match &file.destination {
        Destination::Path(path) | Destination::Documentation(path) => path,
    }
}

fn check_link(scene: &Scene<'_>, file: &SourceFile, target: &str, ledger: &mut Ledger) {
    let inside = path_of(file);
    let is_it = |packed: &&PackedFile| {
        matches!(packed.content, Content::Link(_))
            && match &file.destination {
                Destination::Path(path) => packed.path == *path,
                Destination::Documentation(_) => packed.path.ends_with(&format!("/{inside}")),
            }
    };
    let all = scene.output.packages.iter().flat_map(|package| &package.files);
    let found: Vec<&PackedFile> = all.filter(is_it).collect();
    let expected = usize::from(is_for_target(scene, file.only_arch));
    scene.check(ledger, &FILES_ONCE, found.len() == expected, || {
        format!("the link {} is packaged {} times instead of {expected}", excerpt(&file.path), found.len())
    });
    for packed in found {
        let in_part = scene.package(file.part).is_some_and(|own| own.files.contains(packed));
        scene.check(ledger, &FILES_IN_PART, in_part, || {
            format!("the link {} of the {} part is elsewhere", excerpt(&file.path), file.part.name())
        });
        let Content::Link(holds) = &packed.content else { continue };
        let leads_right = match file.path.starts_with("files/") {
            true => holds == target,
            false => match target_in_package(scene, &file.path, target) {
                Some(path) => resolve(&packed.path, holds) == path,
                None => true,
            },
        };
        scene.check(ledger, &LINKS_KEPT, leads_right, || {
            format!("{} holds {}, in the OPKG {}", excerpt(&packed.path), excerpt(holds), excerpt(target))
        });
    }
}

/// Where what a link of the OPKG leads to is installed, if that is a file.
fn target_in_package(scene: &Scene<'_>, link: &str, holds: &str) -> Option<String> {
    let path = resolve(&format!("/{link}"), holds);
    let file = scene.test.opkg.files.iter().find(|file| path.strip_prefix('/') == Some(&file.path))?;
    packed_path(scene, file.at)
}

fn packed_path(scene: &Scene<'_>, at: NodeId) -> Option<String> {
    let mut all = scene.output.packages.iter().flat_map(|package| &package.files);
    all.find(|packed| packed.content == Content::Source(at.0)).map(|packed| packed.path.clone())
}

/// Where a link at an absolute path leads.
fn resolve(link: &str, holds: &str) -> String {
    let mut way: Vec<&str> = match holds.starts_with('/') {
        true => Vec::new(),
        false => link.split('/').filter(|step| !step.is_empty()).collect(),
    };
    way.pop();
    for step in holds.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(way.pop()),
            step => way.push(step),
        }
    }
    format!("/{}", way.join("/"))
}

fn check_directories(scene: &Scene<'_>, ledger: &mut Ledger) {
    for directory in &scene.test.opkg.directories {
        let (Destination::Path(path), Some(package)) =
            (&directory.destination, scene.package(directory.part))
        else {
            continue;
        };
        let is_there = package.files.iter().any(|it| it.path == *path && it.content == Content::Directory);
        // Files of several architectures may lie in it.
        let is_same = |it: &&Directory| it.part == directory.part && it.destination == directory.destination;
        let same = scene.test.opkg.directories.iter().filter(is_same);
        let expected = same.into_iter().any(|it| is_for_target(scene, it.only_arch));
        scene.check(ledger, &DIRECTORIES_OWNED, is_there == expected, || match expected {
            true => format!("{} does not own {}", package.name, excerpt(path)),
            false => format!("{} owns {}, which is for another architecture", package.name, excerpt(path)),
        });
    }
}

/// Why nobody has asked for it.
fn unasked(scene: &Scene<'_>, part: Part, package: &BinaryPackage, packed: &PackedFile) -> Option<String> {
    let opkg = &scene.test.opkg;
    let is_own_document = || packed.path.split('/').any(|name| name.starts_with(&package.name));
    match &packed.content {
        // The host refuses those that are no files of the OPKG; whether they are the right ones is told by other rules.
        Content::Source(_) => None,
        Content::Text(_) | Content::GzipText(_) => (!is_own_document())
            .then(|| "a text that is not below a directory with the package's name".to_owned()),
        Content::Directory => {
            let is_said = opkg.directories.iter().any(|it| match &it.destination {
                Destination::Path(path) => it.part == part && packed.path == *path,
                Destination::Documentation(inside) => {
                    it.part == part && (inside.is_empty() || packed.path.ends_with(&format!("/{inside}")))
                }
            });
            (!is_said && !is_own_document()).then(|| "a directory that is not its own".to_owned())
        }
        Content::Link(_) => {
            let is_said = opkg
                .files
                .iter()
                .any(|file| file.link.is_some() && file.part == part && packed.path.ends_with(path_of(file)));
            (!is_said).then(|| "a link that the OPKG does not have".to_owned())
        }
    }
}
