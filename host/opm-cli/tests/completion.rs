//! What shells offer while a command line of `opm` is typed.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

fn opm(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opm"));
    command
        .env("OPM_DATABASE", directory.join("oda.db"))
        .env("OPM_CONF", directory.join("opm.conf"))
        .env("OPM_SETTINGS", directory.join("etc"));
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A cluster with a head node, an image and two nodes.
fn cluster() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::create_dir(path.join("compute")).unwrap();
    stdout(opm(path).args(["init", "--name", "head", "--root"]).arg(path));
    stdout(opm(path).args(["target", "add", "image:compute", "--root"]).arg(path.join("compute")));
    stdout(opm(path).args(["target", "add", "client:node[1-2]", "--image", "compute"]));
    stdout(opm(path).args(["package", "add"]).arg(examples().join("hello-cluster")));
    directory
}

fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The values that begin with the last word, as bash itself gets to see them.
fn offered_by_bash(directory: &Path, words: &[&str]) -> Vec<String> {
    let script = format!(
        r#"
        opm() {{ {program} "$@"; }}
        COMP_WORDBREAKS=$' \t\n"=:'
        source <({program} completions bash)
        [[ $COMP_WORDBREAKS != *:* ]] || exit 3
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
        _clap_complete_opm opm "${{COMP_WORDS[COMP_CWORD]}}"
        printf '%s\n' "${{COMPREPLY[@]}}"
        "#,
        program = env!("CARGO_BIN_EXE_opm")
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script, "bash"]).args(words).env("OPM_DATABASE", directory.join("oda.db"));
    bash.env("OPM_SETTINGS", directory.join("etc"));
    let path = Path::new(env!("CARGO_BIN_EXE_opm")).parent().unwrap();
    bash.env("PATH", format!("{}:{}", path.display(), std::env::var("PATH").unwrap()));
    stdout(&mut bash).lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_what_the_database_knows() {
    let cluster = cluster();
    let offered = |words: &[&str]| offered_by_bash(cluster.path(), words);
    assert_eq!(offered(&["opm", "stat"]), ["status"]);
    assert_eq!(offered(&["opm", "request", "he"]), ["hello-cluster"]);
    assert_eq!(offered(&["opm", "request", "hello-cluster", "--on", "image:"]), ["image:compute"]);
    assert_eq!(
        offered(&["opm", "request", "hello-cluster", "--on", "cli"]),
        ["clients", "client:node1", "client:node2"]
    );
    assert_eq!(
        offered(&["opm", "assign", "hello-cluster", "--clients", "node1,n"]),
        ["node1,node1", "node1,node2"]
    );
    let etc = cluster.path().join("etc");
    std::fs::create_dir(&etc).unwrap();
    let files = "clustershell = false\ngenders = false\nslurm = false\n";
    std::fs::write(
        etc.join("opm.toml"),
        format!("[groups]\nrack1 = \"node1\"\nrack2 = \"\"\n[group_sources]\n{files}"),
    )
    .unwrap();
    assert_eq!(offered(&["opm", "request", "hello-cluster", "--on", "@"]), ["@rack1", "@rack2"]);
    assert_eq!(offered(&["opm", "status", "--on", "clients!@rack1"]), ["clients!@rack1"]);
    assert_eq!(offered(&["opm", "target", "groups", "@rack2"]), ["@rack2"]);
    assert_eq!(offered(&["opm", "rerun", "--stage", "post-c"]), ["post-clients"]);
    assert_eq!(offered(&["opm", "phase", "set", "build"]), ["build_image"]);
    assert_eq!(offered(&["opm", "configure", "hel"]), ["hello-cluster"]);
    assert_eq!(offered(&["opm", "target", "add", "client:x", "--image", "com"]), ["compute"]);
}

#[test]
fn without_a_database_words_of_the_program_are_offered_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(offered_by_bash(directory.path(), &["opm", "stat"]), ["status"]);
    assert_eq!(offered_by_bash(directory.path(), &["opm", "request", "x", "--on", "cl"]), ["clients"]);
}

#[test]
fn zsh_and_fish_are_offered_the_same() {
    let cluster = cluster();
    for shell in ["zsh", "fish"] {
        let mut ask = opm(cluster.path());
        ask.env("OPKG_COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "4");
        let offered = stdout(ask.args(["--", "opm", "request", "hello-cluster", "--on", "image"]));
        let values: Vec<&str> =
            offered.lines().map(|line| line.split(['\t']).next().unwrap_or(line)).collect();
        assert!(values.iter().any(|value| value.starts_with("images")), "{shell}: {offered}");
        assert!(
            values.iter().any(|value| value.replace('\\', "").starts_with("image:compute")),
            "{shell}: {offered}"
        );
        let script = stdout(opm(cluster.path()).args(["completions", shell]));
        assert!(script.contains("OPKG_COMPLETE"), "{shell}: {script}");
    }
}
