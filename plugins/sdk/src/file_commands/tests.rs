use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

/// A directory that stands for the root.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// A file of the package as it was unpacked.
    fn unpack(&self, path: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), "").unwrap();
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.path(path)).unwrap().mode() & 0o7777
    }

    fn packed(&self, path: &str, content: Content, owner: &str, mode: u32) -> PackedFile {
        let (owner, group) = owner.split_once(':').unwrap();
        PackedFile {
            path: self.path(path).to_str().unwrap().to_owned(),
            content,
            mode,
            owner: owner.to_owned(),
            group: group.to_owned(),
            capabilities: None,
            marks: FileMarks::empty(),
        }
    }

    fn file(&self, path: &str, owner: &str, mode: u32) -> PackedFile {
        self.packed(path, Content::Source(1), owner, mode)
    }

    fn directory(&self, path: &str, owner: &str, mode: u32) -> PackedFile {
        self.packed(path, Content::Directory, owner, mode)
    }

    /// Whoever runs the test, by number: somebody else than `root` for the commands.
    fn somebody(&self) -> String {
        let found = fs::metadata(self.0.path()).unwrap();
        format!("{}:{}", found.uid(), found.gid())
    }

    /// What a shell prints that runs `commands` after `definitions`, of which the first argument is the root.
    fn run(&self, definitions: &str, commands: &str) -> String {
        let script = format!("{definitions}\n{commands}");
        let output = Command::new("/bin/sh").args(["-c", &script, "sh"]).arg(self.0.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Tells what is done to what. Whoever gets a directory puts links into it at once.
const WATCHED: &str = r#"
    root=$1
    tell() {
        kind=file
        [ ! -d "$3" ] || kind=directory
        [ ! -h "$3" ] || kind=link
        printf '%s %s %s %s\n' "$1" "$2" "${3#$root/}" "$kind"
    }
    chown() {
        tell chown "$2" "$3"
        if [ -d "$3" ] && [ ! -h "$3" ]; then
            for each in "$3"/*; do rm -rf "$each"; ln -s "$root/elsewhere" "$each"; done
        fi
    }
    chmod() { tell chmod "$1" "$2"; }
    setcap() { tell setcap "$1" "$2"; }
"#;

#[test]
fn nobody_can_put_something_in_the_place_of_what_is_given() {
    let root = Root::new();
    for path in ["elsewhere", "site/sub/tool", "site/tool", "site-2/tool"] {
        root.unpack(path);
    }
    let mut tool = root.file("site/tool", "site:site", 0o4755);
    tool.capabilities = Some("cap_net_raw=ep".to_owned());
    let files = [
        root.directory("site", "site:site", 0o2750),
        root.directory("site-2", "site:root", 0o755),
        root.file("site-2/tool", "root:site", 0o2755),
        root.directory("site/sub", "site:site", 0o700),
        root.file("site/sub/tool", "root:root", 0o4755),
        tool,
    ];
    let expected = "chown root:site site-2/tool file\nchmod 2755 site-2/tool file\n\
                    chown site:site site/tool file\nchmod 4755 site/tool file\nsetcap cap_net_raw=ep site/tool file\n\
                    chown site:site site/sub directory\nchown site:root site-2 directory\n\
                    chown site:site site directory\n";
    let given = |files: &[PackedFile]| {
        root.run(WATCHED, &attribute_commands(files, Unkept::OWNERS | Unkept::CAPABILITIES))
    };
    // With what the first one did, all of them would be links.
    let mut shuffled = files.to_vec();
    shuffled.reverse();
    assert_eq!(given(&shuffled), expected);
    let links = given(&files);
    assert!(!links.contains("chmod") && links.contains("chown site:site site/tool link\n"), "{links}");
}

#[test]
fn rights_are_given_with_the_owner_alone() {
    let root = Root::new();
    root.unpack("tool");
    let own = root.file("tool", &root.somebody(), 0o6755);
    assert_eq!((packed_mode(&own), packed_mode(&root.file("tool", "root:root", 0o6755))), (0o755, 0o6755));
    for unkept in [Unkept::empty(), Unkept::OWNERS] {
        root.unpack("tool");
        assert_eq!(root.run("set -e", &attribute_commands(std::slice::from_ref(&own), unkept)), "");
        assert_eq!(root.mode("tool"), 0o6755, "the bits are given after the owner, who would take them away");
    }
    root.unpack("tool");
    let nobodys = root.file("tool", "nobody-of-this-name:root", 0o4755);
    let printed = root.run("", &attribute_commands(&[nobodys], Unkept::OWNERS));
    assert!(!printed.is_empty());
    assert_eq!(root.mode("tool"), 0o755, "it is root's as yet");
}

#[test]
fn links_are_given_away_and_never_followed() {
    let root = Root::new();
    root.unpack("elsewhere");
    for path in ["link", "tool", "directory"] {
        symlink("elsewhere", root.path(path)).unwrap();
    }
    let somebody = root.somebody();
    let files = [
        root.packed("link", Content::Link("elsewhere".to_owned()), &somebody, 0o777),
        root.file("tool", &somebody, 0o4700),
        root.directory("directory", &somebody, 0o700),
    ];
    let commands = attribute_commands(&files, Unkept::OWNERS | Unkept::DIRECTORIES);
    assert!(commands.contains(&format!("chown -h '{somebody}' '{}'\n", files[0].path)), "{commands}");
    root.run("mkdir() { :; }", &commands);
    assert_eq!(root.mode("elsewhere"), 0o755);
}

#[test]
fn directories_that_are_in_no_archive_are_made() {
    let root = Root::new();
    root.unpack("srv/site/file");
    let files = [
        root.directory("srv/site", "root:root", 0o711),
        root.directory("srv/site/it's $(empty)/spool", &root.somebody(), 0o1777),
        root.directory("srv/site/it's $(empty)", &root.somebody(), 0o2750),
    ];
    assert_eq!(attribute_commands(&files[..1], Unkept::OWNERS), "");
    assert_eq!(root.run("set -e", &attribute_commands(&files, Unkept::DIRECTORIES)), "");
    let modes =
        ["srv/site", "srv/site/it's $(empty)", "srv/site/it's $(empty)/spool"].map(|it| root.mode(it));
    assert_eq!(modes, [0o711, 0o2750, 0o1777]);
    // Whoever installs a newer version has them already.
    assert_eq!(root.run("set -e", &attribute_commands(&files, Unkept::DIRECTORIES)), "");
}

#[test]
fn what_is_kept_is_not_given() {
    let root = Root::new();
    let mut capable = root.file("capable", "root:root", 0o755);
    capable.capabilities = Some("cap_chown=ep".to_owned());
    let mut both = root.file("both", "site:root", 0o755);
    both.capabilities = capable.capabilities.clone();
    let mut ghost = root.file("it's gone", "site:site", 0o4755);
    ghost.marks = FileMarks::GHOST;
    let files = [capable, both, ghost, root.file("other", "root:root", 0o4755)];
    let given =
        |unkept| attribute_commands(&files, unkept).replace(&format!("{}/", root.0.path().display()), "");
    assert_eq!(given(Unkept::empty() | Unkept::DIRECTORIES), "");
    let setcap = "setcap 'cap_chown=ep' 'both'\n";
    // They go when the owner changes.
    assert_eq!(given(Unkept::OWNERS), format!("chown -h 'site:root' 'both'\n{setcap}"));
    assert_eq!(given(Unkept::CAPABILITIES), format!("{setcap}setcap 'cap_chown=ep' 'capable'\n"));
}

#[test]
fn ghosts_are_removed() {
    let root = Root::new();
    let (kept, gone) = ("kept", "it's $(gone)");
    let mut ghost = root.file(gone, "root:root", 0o644);
    ghost.marks = FileMarks::GHOST;
    for path in [kept, gone] {
        root.unpack(path);
    }
    let commands = ghost_commands(&[root.file(kept, "root:root", 0o644), ghost]);
    assert_eq!(root.run("set -e", &commands.repeat(2)), "");
    assert!(exists(&root.path(kept)) && !exists(&root.path(gone)));
}
