//! The README's commands are commands: each line in its code blocks that calls the program can be parsed.

use opkg_tests::opkgc::{self, Opkgc};

#[test]
fn commands_of_the_readme_are_accepted() {
    let readme = fs_err::read_to_string(opkgc::workspace().join("README.md")).unwrap();
    let lines = readme.lines().filter_map(|line| line.strip_prefix("    "));
    let commands: Vec<&str> = lines.map(str::trim).filter(|line| line.starts_with("opkgc ")).collect();
    assert!(!commands.is_empty(), "the README shows no command of opkgc");
    for command in commands {
        let words = command.split_whitespace().skip(1).take_while(|word| *word != "#");
        // Asking for help parses the rest, and does nothing.
        let arguments: Vec<&str> = words.chain(["--help"]).collect();
        let ended = Opkgc::new().run(arguments);
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.output());
    }
}
