//! The form on the terminal, with somebody scripted in front of it.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;

use opkg_configurator::{Answers, Form};

use super::form_editor::{EditOutcome, FormDraft};
use super::prompter::{PromptOutcome, Prompter, Validator};
use crate::errors::CliError;

/// What a scripted person does at the next question.
enum ScriptedAction {
    /// Goes to the line that begins so, and takes it.
    SelectLine(&'static str),
    /// Takes the line where the cursor is.
    Enter,
    /// Ticks exactly these lines.
    CheckItems(&'static [usize]),
    /// Says yes or no.
    Confirm(bool),
    /// Types; what is refused is followed by another act.
    Type(&'static str),
    GoBack,
    Abort,
}

#[derive(Default)]
struct ScriptedPrompter {
    actions: VecDeque<ScriptedAction>,
    transcript: String,
}

impl ScriptedPrompter {
    fn answer_next<T>(
        &mut self,
        question: &str,
        answer: impl FnOnce(&ScriptedAction) -> Option<T>,
    ) -> Result<PromptOutcome<T>, CliError> {
        let act = self
            .actions
            .pop_front()
            .unwrap_or_else(|| panic!("{question} is not scripted\n{}", self.transcript));
        Ok(match act {
            ScriptedAction::GoBack => PromptOutcome::GoBack,
            ScriptedAction::Abort => PromptOutcome::Aborted,
            act => PromptOutcome::Answered(
                answer(&act).unwrap_or_else(|| panic!("{question}\n{}", self.transcript)),
            ),
        })
    }

    fn type_in(&mut self, question: &str, check: &Validator) -> Result<PromptOutcome<String>, CliError> {
        loop {
            let reply = self.answer_next(question, |act| match act {
                ScriptedAction::Type(text) => Some((*text).to_owned()),
                _ => None,
            })?;
            match &reply {
                PromptOutcome::Answered(text) => match check(text) {
                    Ok(()) => return Ok(reply),
                    Err(flaw) => self.transcript += &format!("  ! {flaw}\n"),
                },
                _ => return Ok(reply),
            }
        }
    }
}

impl Prompter for ScriptedPrompter {
    fn print(&mut self, text: &str) {
        self.transcript += &format!("{}\n", text.trim_start());
    }

    fn select(
        &mut self,
        question: &str,
        lines: &[String],
        start: usize,
        _: &str,
    ) -> Result<PromptOutcome<usize>, CliError> {
        self.transcript += &format!("? {question}\n");
        for (place, line) in lines.iter().enumerate() {
            self.transcript += &format!("  {} {}\n", if place == start { '>' } else { ' ' }, line.trim_end());
        }
        self.answer_next(question, |act| match act {
            ScriptedAction::SelectLine(label) => lines.iter().position(|it| it.starts_with(label)),
            ScriptedAction::Enter => Some(start),
            _ => None,
        })
    }

    fn multi_select(
        &mut self,
        question: &str,
        lines: &[String],
        chosen: &[usize],
    ) -> Result<PromptOutcome<Vec<usize>>, CliError> {
        self.transcript += &format!("? {question} {lines:?} {chosen:?}\n");
        self.answer_next(question, |act| match act {
            ScriptedAction::CheckItems(places) => Some(places.to_vec()),
            _ => None,
        })
    }

    fn confirm(&mut self, question: &str, default: bool) -> Result<PromptOutcome<bool>, CliError> {
        self.transcript += &format!("? {question} {default}\n");
        self.answer_next(question, |act| match act {
            ScriptedAction::Confirm(it) => Some(*it),
            _ => None,
        })
    }

    fn input(
        &mut self,
        question: &str,
        value: &str,
        help: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError> {
        self.transcript += &format!("? {question} [{value}] ({help})\n");
        self.type_in(question, &check)
    }

    fn password(
        &mut self,
        question: &str,
        help: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError> {
        self.transcript += &format!("? {question} ({help})\n");
        self.type_in(question, &check)
    }

    fn editor(
        &mut self,
        question: &str,
        value: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError> {
        self.transcript += &format!("? {question} [{value:?}]\n");
        self.type_in(question, &check)
    }
}

const FORM: &str = "<title>Demo</title><h2>Network</h2><p>Where it listens.</p>
    <input name=port value=80 maxlength=4 required> Port <br>
    <input type=password name=key required> Key <br>
    <input type=checkbox name=log value=YES> Keep a log <br>
    <h2>Pets</h2><input type=checkbox name=pet value=cat checked> cat <input type=checkbox name=pet value=dog> dog <br>
    <h2>Level</h2> <input type=radio name=level value=1> low <input type=radio name=level value=2 checked> high <br>
    <textarea name=motd></textarea> Message <br> <input type=hidden name=v value=1> <input name=fix readonly value=x>";

fn run_script(before: &Answers, acts: Vec<ScriptedAction>) -> (EditOutcome, Answers, String) {
    let (form, _) = Form::parse(FORM.as_bytes(), None).unwrap();
    let file = Answers::default();
    let mut draft = FormDraft::new(&form, before, &file);
    let mut script = ScriptedPrompter { actions: acts.into(), ..ScriptedPrompter::default() };
    let decision = draft.run("demo", &mut script).unwrap();
    assert!(script.actions.is_empty(), "{}", script.transcript);
    (decision, draft.answers, script.transcript)
}

fn answers(values: &[(&str, &[&str])]) -> Answers {
    let mut answers = Answers::default();
    for (name, values) in values {
        answers.set(name, values.iter().map(|it| (*it).to_owned()).collect());
    }
    answers
}

#[test]
fn from_the_first_field_to_the_last() {
    use ScriptedAction::{CheckItems, Confirm, Enter, SelectLine, Type};
    let acts = vec![
        Enter,
        Type("80800"),
        Type(""),
        Type("8080"),
        Enter,
        Type(""),
        Type("secret"),
        Enter,
        Confirm(true),
        Enter,
        CheckItems(&[1]),
        Enter,
        SelectLine("low"),
        Enter,
        Type("a\nb"),
        Enter,
    ];
    let (decision, given, told) = run_script(&Answers::default(), acts);
    assert_eq!(decision, EditOutcome::Save);
    let expected = answers(&[
        ("port", &["8080"]),
        ("key", &["secret"]),
        ("log", &["YES"]),
        ("pet", &["dog"]),
        ("level", &["1"]),
        ("motd", &["a\nb"]),
    ]);
    assert_eq!(given, expected);
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_not_changed_is_no_answer() {
    use ScriptedAction::{CheckItems, Confirm, Enter, SelectLine, Type};
    let acts = vec![
        Enter,
        Type("80"),
        SelectLine("Keep a log"),
        Confirm(false),
        SelectLine("Pets"),
        CheckItems(&[0]),
        SelectLine("Level"),
        SelectLine("high"),
        SelectLine("Save the answers"),
    ];
    let (decision, given, told) = run_script(&Answers::default(), acts);
    assert_eq!((decision, given), (EditOutcome::Save, Answers::default()));
    assert!(told.contains("Save the answers (1 is still missing)"), "{told}");
}

#[test]
fn going_back_changes_nothing_and_leaving_asks() {
    use ScriptedAction::{Confirm, Enter, GoBack, SelectLine, Type};
    let before = answers(&[("port", &["1"]), ("key", &["old"])]);
    // Nothing was changed: nothing is asked.
    assert_eq!(run_script(&before, vec![Enter, GoBack, GoBack]).0, EditOutcome::Discard);
    let acts = vec![
        Enter,
        Type("2"),
        GoBack,
        Confirm(false),
        GoBack,
        GoBack,
        SelectLine("Key"),
        Type(""),
        GoBack,
        Confirm(true),
    ];
    let (decision, given, _) = run_script(&before, acts);
    assert_eq!(decision, EditOutcome::Discard);
    // A password of which nothing was typed stays.
    assert_eq!(given, answers(&[("port", &["2"]), ("key", &["old"])]));
}

#[test]
fn away_at_once_from_every_question() {
    use ScriptedAction::{Abort, Enter, GoBack, SelectLine, Type};
    for acts in [
        vec![Abort],
        vec![Enter, Abort],
        vec![SelectLine("Keep a log"), Abort],
        vec![SelectLine("Pets"), Abort],
        vec![SelectLine("Level"), Abort],
        vec![SelectLine("Message"), Abort],
        vec![Enter, Type("2"), GoBack, Abort],
    ] {
        assert_eq!(run_script(&Answers::default(), acts).0, EditOutcome::Abort);
    }
}

#[test]
fn an_old_answer_that_does_not_fit_is_asked_anew() {
    use ScriptedAction::{Enter, SelectLine};
    let before = answers(&[("level", &["7"]), ("key", &["x"])]);
    let (_, given, told) = run_script(
        &before,
        vec![SelectLine("Level"), SelectLine("low"), Enter, ScriptedAction::GoBack, SelectLine("Save the")],
    );
    assert_eq!(given.get("level"), Some(["1".to_owned()].as_slice()));
    assert!(told.contains("Level                                     high"), "{told}");
}
