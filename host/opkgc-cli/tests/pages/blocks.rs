//! Examples in documents: blocks of Markdown between lines of three backquotes.

/// An example, by what follows the first backquotes.
#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    /// `xml`: elements of `config.xml`, in the place of those of the same names.
    Elements(String),
    /// A language and a path: a file with this text.
    File(String, String),
    /// `console`: commands, each behind a `$`.
    Commands(Vec<String>),
}

/// The examples of a text, in their order.
pub fn read_blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let body_text: String = body.iter().map(|line| format!("{line}\n")).collect();
        blocks.push(match info.split_once(' ') {
            Some((_, path)) => Block::File(path.to_owned(), body_text),
            None if info == "xml" => Block::Elements(body_text),
            None if info == "console" => {
                let command =
                    |line: &&str| line.strip_prefix("$ ").expect("a command begins with $").to_owned();
                Block::Commands(body.iter().map(command).collect())
            }
            None => panic!("what is a block of `{info}`?"),
        });
    }
    blocks
}
