//! What is spoiled of files and relations.

use opkg::model::Filter;
use opkg_interface::artefacts::{Comparison, Content, FileMarks, NativeKind, NativeRelation, PackedFile};

use super::mutant::{Case, Spoiled};

pub fn cases() -> Vec<Case> {
    use Spoiled as S;
    vec![
        // Files.
        (
            "files-once",
            &["files-everything"],
            S::Package(|it| {
                let drops = it.files.iter().position(|file| matches!(file.content, Content::Source(_)));
                if let Some(index) = drops {
                    it.files.remove(index);
                }
            }),
        ),
        (
            "files-once",
            &["files-parts"],
            S::Package(|it| {
                if let Some(file) =
                    it.files.iter().find(|file| matches!(file.content, Content::Source(_))).cloned()
                {
                    it.files.push(PackedFile { path: format!("{}.copy", file.path), ..file });
                }
            }),
        ),
        (
            "files-once",
            &["filter-file-archs"],
            S::Input(|opkg, _, _| opkg.files.iter_mut().for_each(|it| it.only_arch = None)),
        ),
        (
            "files-in-their-part",
            &["files-parts"],
            S::Output(|it, _| {
                let (one, other) = (it.packages[0].files.clone(), it.packages[1].files.clone());
                (it.packages[0].files, it.packages[1].files) = (other, one);
            }),
        ),
        (
            "file-paths",
            &["files-parts"],
            S::Package(|it| {
                for file in &mut it.files {
                    file.path = file.path.replace("/usr/share", "/usr/local/share");
                }
            }),
        ),
        (
            "nothing-unasked",
            &["minimal"],
            S::Package(|it| {
                if let Some(file) = it.files.first().cloned() {
                    let (path, content) = ("/etc/profile.d/zq.sh".into(), Content::Text("zq".into()));
                    it.files.push(PackedFile { path, content, ..file });
                }
            }),
        ),
        (
            "directories-owned",
            &["files-everything"],
            S::Package(|it| it.files.retain(|it| it.content != Content::Directory)),
        ),
        (
            "links-kept",
            &["files-links"],
            S::Package(|it| {
                for file in &mut it.files {
                    if let Content::Link(target) = &mut file.content {
                        *target = target.replace("target", "goal");
                    }
                }
            }),
        ),
        (
            "links-kept",
            &["links-inside"],
            S::Package(|it| {
                for file in &mut it.files {
                    if let Content::Link(target) = &mut file.content {
                        *target = format!("../{target}");
                    }
                }
            }),
        ),
        (
            "ghosts-not-brought",
            &["files-ghost"],
            S::Input(|opkg, _, _| {
                opkg.file_rules.iter_mut().for_each(|it| it.is_ghost = None);
            }),
        ),
        // What is said of files.
        ("file-modes", &["files-modes"], S::Package(|it| it.files.iter_mut().for_each(|it| it.mode = 0o644))),
        (
            "file-modes",
            &["filter-files"],
            S::Input(|opkg, _, _| {
                opkg.file_rules.iter_mut().for_each(|it| it.filter = Filter::default());
            }),
        ),
        (
            "file-modes",
            &["files-rules-later"],
            S::Input(|opkg, _, _| {
                opkg.files.iter_mut().for_each(|it| it.rules.reverse());
            }),
        ),
        (
            "file-owners",
            &["files-owners"],
            S::Input(|opkg, _, _| {
                for rule in &mut opkg.file_rules {
                    (rule.owner, rule.group) = (None, None);
                }
            }),
        ),
        (
            "file-capabilities",
            &["files-capabilities"],
            S::Input(|opkg, _, _| {
                opkg.file_rules.iter_mut().for_each(|it| it.capabilities = None);
            }),
        ),
        (
            "configuration-marked",
            &["files-configuration"],
            S::Package(|it| {
                it.files.iter_mut().for_each(|it| it.marks -= FileMarks::CONFIGURATION);
            }),
        ),
        // Relations.
        (
            "relations-complete",
            &["relation-requires"],
            S::Package(|it| it.relations.retain(|it| !it.name.starts_with("zq-"))),
        ),
        ("relations-complete", &["relation-many"], S::Package(|it| it.relations.truncate(300))),
        (
            "relations-filtered",
            &["filter-dist"],
            S::Input(|opkg, _, _| {
                opkg.relations.iter_mut().for_each(|it| it.filter = Filter::default());
            }),
        ),
        ("relations-filtered", &["filter-versions"], S::Input(|_, target, _| target.version = None)),
        (
            "relations-filtered",
            &["relation-scopes"],
            S::Output(|it, _| {
                let (one, other) = (it.packages[0].relations.clone(), it.packages[1].relations.clone());
                (it.packages[0].relations, it.packages[1].relations) = (other, one);
            }),
        ),
        (
            "relation-kinds",
            &["relation-conflicts"],
            S::Package(|it| {
                for relation in &mut it.relations {
                    if relation.kind == NativeKind::Conflicts {
                        relation.kind = NativeKind::Requires;
                    }
                }
            }),
        ),
        (
            "relation-bounds",
            &["bound-ge"],
            S::Package(|it| it.relations.iter_mut().for_each(|it| it.bound = None)),
        ),
        (
            "relation-bounds",
            &["bound-lt"],
            S::Package(|it| {
                for bound in it.relations.iter_mut().filter_map(|it| it.bound.as_mut()) {
                    bound.comparison = Comparison::Ge;
                }
            }),
        ),
        (
            "relation-bounds",
            &["relation-versions"],
            S::Package(|it| {
                for bound in it.relations.iter_mut().filter_map(|it| it.bound.as_mut()) {
                    if let Some((_, rest)) = bound.version.split_once(':') {
                        bound.version = rest.to_owned();
                    }
                }
            }),
        ),
        (
            "alternatives-together",
            &["relation-alternatives"],
            S::Package(|it| {
                for relation in std::mem::take(&mut it.relations) {
                    it.relations.extend(relation.packages().map(|(name, _)| NativeRelation {
                        name: name.into(),
                        bound: None,
                        alternatives: Vec::new(),
                        ..relation.clone()
                    }));
                }
            }),
        ),
    ]
}
