//! The form on the terminal, with somebody scripted in front of it.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;

use anyhow::Result;
use opkg_configurator::{Answers, Form};

use super::asker::{Asker, Check, Reply};
use super::terminal::{Decision, Draft};

/// What a scripted person does at the next question.
enum Act {
    /// Goes to the line that begins so, and takes it.
    Take(&'static str),
    /// Takes the line where the cursor is.
    Enter,
    /// Ticks exactly these lines.
    Tick(&'static [usize]),
    /// Says yes or no.
    Say(bool),
    /// Types; what is refused is followed by another act.
    Type(&'static str),
    Back,
    Away,
}

#[derive(Default)]
struct Script {
    acts: VecDeque<Act>,
    told: String,
}

impl Script {
    fn next<T>(&mut self, question: &str, answer: impl FnOnce(&Act) -> Option<T>) -> Result<Reply<T>> {
        let act =
            self.acts.pop_front().unwrap_or_else(|| panic!("{question} is not scripted\n{}", self.told));
        Ok(match act {
            Act::Back => Reply::Back,
            Act::Away => Reply::Away,
            act => Reply::Given(answer(&act).unwrap_or_else(|| panic!("{question}\n{}", self.told))),
        })
    }

    fn type_in(&mut self, question: &str, check: &Check) -> Result<Reply<String>> {
        loop {
            let reply = self.next(question, |act| match act {
                Act::Type(text) => Some((*text).to_owned()),
                _ => None,
            })?;
            match &reply {
                Reply::Given(text) => match check(text) {
                    Ok(()) => return Ok(reply),
                    Err(flaw) => self.told += &format!("  ! {flaw}\n"),
                },
                _ => return Ok(reply),
            }
        }
    }
}

impl Asker for Script {
    fn say(&mut self, text: &str) {
        self.told += &format!("{}\n", text.trim_start());
    }

    fn choose(&mut self, question: &str, lines: &[String], start: usize, _: &str) -> Result<Reply<usize>> {
        self.told += &format!("? {question}\n");
        for (place, line) in lines.iter().enumerate() {
            self.told += &format!("  {} {}\n", if place == start { '>' } else { ' ' }, line.trim_end());
        }
        self.next(question, |act| match act {
            Act::Take(label) => lines.iter().position(|it| it.starts_with(label)),
            Act::Enter => Some(start),
            _ => None,
        })
    }

    fn choose_several(
        &mut self,
        question: &str,
        lines: &[String],
        chosen: &[usize],
    ) -> Result<Reply<Vec<usize>>> {
        self.told += &format!("? {question} {lines:?} {chosen:?}\n");
        self.next(question, |act| match act {
            Act::Tick(places) => Some(places.to_vec()),
            _ => None,
        })
    }

    fn confirm(&mut self, question: &str, default: bool) -> Result<Reply<bool>> {
        self.told += &format!("? {question} {default}\n");
        self.next(question, |act| match act {
            Act::Say(it) => Some(*it),
            _ => None,
        })
    }

    fn line(&mut self, question: &str, value: &str, help: &str, check: Check) -> Result<Reply<String>> {
        self.told += &format!("? {question} [{value}] ({help})\n");
        self.type_in(question, &check)
    }

    fn secret(&mut self, question: &str, help: &str, check: Check) -> Result<Reply<String>> {
        self.told += &format!("? {question} ({help})\n");
        self.type_in(question, &check)
    }

    fn text(&mut self, question: &str, value: &str, check: Check) -> Result<Reply<String>> {
        self.told += &format!("? {question} [{value:?}]\n");
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

fn fill_in(before: &Answers, acts: Vec<Act>) -> (Decision, Answers, String) {
    let (form, _) = Form::read(FORM.as_bytes(), None).unwrap();
    let file = Answers::default();
    let mut draft = Draft::new(&form, before, &file);
    let mut script = Script { acts: acts.into(), ..Script::default() };
    let decision = draft.fill_in("demo", &mut script).unwrap();
    assert!(script.acts.is_empty(), "{}", script.told);
    (decision, draft.answers, script.told)
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
    use Act::{Enter, Say, Take, Tick, Type};
    let acts = vec![
        Enter,
        Type("80800"),
        Type(""),
        Type("8080"),
        Enter,
        Type(""),
        Type("secret"),
        Enter,
        Say(true),
        Enter,
        Tick(&[1]),
        Enter,
        Take("low"),
        Enter,
        Type("a\nb"),
        Enter,
    ];
    let (decision, given, told) = fill_in(&Answers::default(), acts);
    assert_eq!(decision, Decision::Keep);
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
    use Act::{Enter, Say, Take, Tick, Type};
    let acts = vec![
        Enter,
        Type("80"),
        Take("Keep a log"),
        Say(false),
        Take("Pets"),
        Tick(&[0]),
        Take("Level"),
        Take("high"),
        Take("Keep the answers"),
    ];
    let (decision, given, told) = fill_in(&Answers::default(), acts);
    assert_eq!((decision, given), (Decision::Keep, Answers::default()));
    assert!(told.contains("Keep the answers (1 is still missing)"), "{told}");
}

#[test]
fn going_back_changes_nothing_and_leaving_asks() {
    use Act::{Back, Enter, Say, Take, Type};
    let before = answers(&[("port", &["1"]), ("key", &["old"])]);
    // Nothing was changed: nothing is asked.
    assert_eq!(fill_in(&before, vec![Enter, Back, Back]).0, Decision::Drop);
    let acts = vec![Enter, Type("2"), Back, Say(false), Back, Back, Take("Key"), Type(""), Back, Say(true)];
    let (decision, given, _) = fill_in(&before, acts);
    assert_eq!(decision, Decision::Drop);
    // A password of which nothing was typed stays.
    assert_eq!(given, answers(&[("port", &["2"]), ("key", &["old"])]));
}

#[test]
fn away_at_once_from_every_question() {
    use Act::{Away, Back, Enter, Take, Type};
    for acts in [
        vec![Away],
        vec![Enter, Away],
        vec![Take("Keep a log"), Away],
        vec![Take("Pets"), Away],
        vec![Take("Level"), Away],
        vec![Take("Message"), Away],
        vec![Enter, Type("2"), Back, Away],
    ] {
        assert_eq!(fill_in(&Answers::default(), acts).0, Decision::Away);
    }
}

#[test]
fn an_old_answer_that_does_not_fit_is_asked_anew() {
    use Act::{Enter, Take};
    let before = answers(&[("level", &["7"]), ("key", &["x"])]);
    let (_, given, told) =
        fill_in(&before, vec![Take("Level"), Take("low"), Enter, Act::Back, Take("Keep the")]);
    assert_eq!(given.get("level"), Some(["1".to_owned()].as_slice()));
    assert!(told.contains("Level                                     high"), "{told}");
}
