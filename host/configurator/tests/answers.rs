//! Answers to a form: which ones fit, which one counts, and what is missing.

#![allow(clippy::unwrap_used)]

use opkg_configurator::{AnswerErrorKind, Answers, Form, limits};
use opkg_oda::{ConfigValue, ValueOrigin};

fn read(html: &str) -> Form {
    Form::parse(html.as_bytes(), None).unwrap().0
}

fn answers(values: &[(&str, &[&str])]) -> Answers {
    let mut answers = Answers::default();
    for (name, values) in values {
        answers.set(name, values.iter().map(|it| (*it).to_owned()).collect());
    }
    answers
}

const FORM: &str = "<input name=port value=80 maxlength=4><input name=pair value=1><input name=pair value=2>
    <textarea name=text></textarea>
    <input type=checkbox name=log value=YES checked>
    <input type=checkbox name=pets value=cat checked><input type=checkbox name=pets value=dog>
    <input type=radio name=level value=low><input type=radio name=level value=high checked>
    <input type=radio name=free value=1><select name=list multiple><option selected>x<option>y</select>";

#[test]
fn answers_that_fit_and_those_that_do_not() {
    let form = read(FORM);
    let check = |name: &str, values: &[&str]| {
        let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
        form.check(name, &values)
    };
    for (name, given, stored) in [
        ("port", vec!["8080"], vec!["8080"]),
        ("port", vec![], vec![""]),
        ("port", vec!["é😀é"], vec!["é😀é"]),
        ("pair", vec!["x"], vec!["x", ""]),
        ("text", vec!["a\r\nb\rc"], vec!["a\nb\nc"]),
        ("log", vec![""], vec![]),
        ("log", vec![], vec![]),
        ("pets", vec!["dog", "cat", "dog"], vec!["cat", "dog"]),
        ("level", vec!["low"], vec!["low"]),
        ("free", vec![""], vec![]),
        ("list", vec![""], vec![]),
    ] {
        assert_eq!(check(name, &given).unwrap(), stored, "{name} {given:?}");
    }
    for (name, given, flaw) in [
        ("prot", vec![], "is not a field of the form; did you mean `port`?"),
        ("port", vec!["80800"], "has 5 characters, and takes at most 4"),
        ("port", vec!["😀😀x"], "has 5 characters, and takes at most 4"),
        ("port", vec!["1", "2"], "takes at most 1 value, not 2"),
        ("pair", vec!["1", "2", "3"], "takes at most 2 values, not 3"),
        ("port", vec!["1\n2"], "cannot contain a line break"),
        ("text", vec!["\u{1b}[2J"], "cannot contain the control character U+001B"),
        ("text", vec!["\0"], "cannot contain the control character U+0000"),
        ("log", vec!["yes"], "cannot be `yes`, only `YES`; did you mean `YES`?"),
        ("pets", vec!["cat", "cats"], "cannot be `cats`, only `cat` or `dog`; did you mean `cat`?"),
        ("level", vec!["mid"], "cannot be `mid`, only `low` or `high`"),
        ("level", vec![""], "cannot be ``, only `low` or `high`"),
        ("level", vec![], "cannot be ``, only `low` or `high`"),
        ("level", vec!["low", "high"], "takes at most 1 value, not 2"),
    ] {
        assert_eq!(check(name, &given).unwrap_err().to_string(), flaw, "{name} {given:?}");
    }
    let long = "x".repeat(10_000);
    assert_eq!(check("text", &[&long]).unwrap(), [long]);
    let endless = "x".repeat(limits::VALUE_UNITS + 1);
    assert!(matches!(check("text", &[&endless]), Err(AnswerErrorKind::TooLong { .. })));
    // What the form has itself is never found fault with.
    let odd = read("<input name=a maxlength=1 value=12345>");
    assert_eq!(odd.check("a", &["12345".into()]).unwrap(), ["12345"]);
}

#[test]
fn the_strongest_answer_counts_and_an_empty_one_is_an_answer() {
    let form = read(FORM);
    let administrator = answers(&[("port", &["443"]), ("log", &[""]), ("list", &[])]);
    let file = answers(&[("port", &["8080"]), ("level", &["low"])]);
    let settled = form.resolve(&administrator, &file).unwrap();
    let stored: Vec<String> = settled
        .to_config_values(&form)
        .iter()
        .map(|it| format!("{}={} {}", it.name, it.value, it.origin))
        .collect();
    assert_eq!(
        stored,
        [
            "port=443 administrator",
            "pair=1 default",
            "pair=2 default",
            "text= default",
            "log= administrator",
            "pets=cat default",
            "level=low answers",
            "list= administrator",
        ]
    );
    assert!(!settled.entries(&form).iter().any(|(name, _)| ["log", "list", "free"].contains(name)));
    // From the database it is the same again.
    let again = Answers::from_values(&settled.to_config_values(&form), ValueOrigin::Administrator);
    assert_eq!(form.resolve(&again, &file).unwrap(), settled);
    let values = again.to_values(ValueOrigin::Administrator);
    assert_eq!(Answers::from_values(&values, ValueOrigin::Administrator), again);
    assert_eq!(
        values[0],
        ConfigValue { name: "list".into(), value: String::new(), origin: ValueOrigin::Administrator }
    );
}

#[test]
fn what_is_required_is_missing_until_it_is_answered() {
    let form = read(
        "<input name=a required><input name=b required value=1><input type=checkbox name=c required>
        <select name=d required><option value=''>?<option>1</select><input type=radio name=e required value=1>",
    );
    let missing = |administrator: &Answers| -> Vec<String> {
        let settled = form.resolve(administrator, &Answers::default()).unwrap();
        settled.missing.iter().map(|it| form.fields[*it].name.clone()).collect()
    };
    assert_eq!(missing(&Answers::default()), ["a", "c", "d", "e"]);
    let some = answers(&[("a", &["x"]), ("b", &[""]), ("c", &["ON"]), ("d", &["1"]), ("e", &["1"])]);
    assert_eq!(missing(&some), ["b"]);
    assert_eq!(form.check("a", &[String::new()]), Err(AnswerErrorKind::Required));
    assert_eq!(form.check("c", &[]), Err(AnswerErrorKind::Required));
}

#[test]
fn all_wrong_answers_are_refused_at_once() {
    let form = read(FORM);
    let refused = form
        .resolve(&answers(&[("port", &["12345"]), ("x", &["1"])]), &answers(&[("level", &["mid"])]))
        .unwrap_err();
    let refused: Vec<String> = refused.iter().map(|it| format!("{}: {it}", it.origin)).collect();
    assert_eq!(
        refused,
        [
            "administrator: `port` has 5 characters, and takes at most 4",
            "administrator: `x` is not a field of the form",
            "answers: `level` cannot be `mid`, only `low` or `high`",
        ]
    );
}

#[test]
fn a_submitted_form_changes_what_was_changed() {
    let form = read(FORM);
    let before = answers(&[("text", &["a\nb"]), ("pets", &["dog"])]);
    let shown = form.resolve(&before, &answers(&[("port", &["8080"])])).unwrap();
    let mut entries: Vec<(String, String)> =
        shown.entries(&form).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for it in &mut entries {
        it.1 = it.1.replace('\n', "\r\n");
    }
    assert_eq!(form.answers_from_submission(&entries, &shown), before, "untouched");
    entries.retain(|(name, _)| name != "log");
    entries.iter_mut().filter(|it| it.0 == "port").for_each(|it| it.1 = "1".into());
    entries.push(("evil".into(), "x".into()));
    let mut expected = before;
    expected.set("log", Vec::new());
    expected.set("port", vec!["1".into()]);
    expected.set("evil", vec!["x".into()]);
    assert_eq!(form.answers_from_submission(&entries, &shown), expected);
}
