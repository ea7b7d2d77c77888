//! Options that both programs have.

use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};

/// Options that every command has.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Say more: what plugins report, what is run; twice: what happens inside
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// How results are printed
    #[arg(long, global = true, default_value = "text", value_parser = OutputFormat::text_or_json_parser())]
    pub format: OutputFormat,

    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Text,
    /// For programs: one JSON document on standard output
    Json,
    /// For systems that build and test: JUnit's XML
    Junit,
}

impl OutputFormat {
    /// Takes those that every command knows.
    fn text_or_json_parser() -> impl TypedValueParser<Value = Self> {
        let known = [Self::Text, Self::Json];
        let names = known.iter().filter_map(ValueEnum::to_possible_value);
        PossibleValuesParser::new(names.collect::<Vec<_>>()).try_map(|name| Self::from_str(&name, false))
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into pipes
    Always,
    /// Never
    Never,
}

/// Ends the program for what is wrong with its command line, or with the help that was asked for. Words of the command
/// line may come from elsewhere, a name from a list for example: what cannot be seen in them is shown.
pub fn exit_for(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let shown = opkg::escape_hidden(&text);
    if shown == text {
        error.exit()
    }
    // Nobody can be told that nobody can be told.
    let _ = io::stderr().write_all(shown.as_bytes());
    std::process::exit(error.exit_code())
}
