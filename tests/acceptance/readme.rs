//! The README's commands are commands: each line in its code blocks that calls the program can be parsed.

use opkg_tests::opkgc::{self, OpkgcEnvironment};

#[test]
fn commands_of_the_readme_are_accepted() {
    let readme = fs_err::read_to_string(opkgc::workspace().join("README.md")).unwrap();
    let lines = readme.lines().filter_map(|line| line.strip_prefix("    ")).map(str::trim);
    let program = |line| ["opkgc ", "cargo run -- "].iter().find_map(|start| str::strip_prefix(line, start));
    let commands: Vec<&str> = lines.filter_map(program).collect();
    assert!(!commands.is_empty(), "the README shows no command of opkgc");
    for command in commands {
        let words = command.split_whitespace().take_while(|word| *word != "#");
        // Asking for help parses the rest, and does nothing.
        let arguments: Vec<&str> = words.chain(["--help"]).collect();
        let ended = OpkgcEnvironment::new().run(arguments);
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.combined_output());
    }
}

#[test]
fn the_two_commands_are_there() {
    let readme = fs_err::read_to_string(opkgc::workspace().join("README.md")).unwrap();
    let mut commands = readme.lines().filter_map(|line| line.strip_prefix("    "));
    assert!(
        commands.next().is_some_and(|line| line.starts_with("cargo run -- --dist=rhel,debian examples/"))
    );
    let tests = commands.next().and_then(|line| line.split_whitespace().next()).unwrap();
    assert!(opkgc::workspace().join(tests).is_file());
}
