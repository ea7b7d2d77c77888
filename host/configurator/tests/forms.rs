//! Forms as browsers understand them, field by field; what is left out, and what is refused.

#![allow(clippy::unwrap_used)]

use opkg_configurator::{AnswerErrorKind, Answers, Field, FieldKind, Form, FormError, FormItem, limits};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

fn read(html: &str) -> Form {
    Form::parse(html.as_bytes(), None).unwrap().0
}

fn diagnostics(html: &str) -> Vec<String> {
    let findings = Form::parse(html.as_bytes(), None).unwrap().1;
    findings.iter().map(|it| format!("{} {:?}: {}", it.line, it.severity, it.message)).collect()
}

/// What an untouched form submits, as `name=value` with `&` between.
fn submitted_values(html: &str) -> String {
    let form = read(html);
    let settled = form.resolve(&Answers::default(), &Answers::default()).unwrap();
    let entries: Vec<String> =
        settled.entries(&form).iter().map(|(name, value)| format!("{name}={value}")).collect();
    entries.join("&")
}

fn labels(html: &str) -> Vec<String> {
    read(html).fields.iter().map(|it| it.label.clone()).collect()
}

#[test]
fn untouched_forms_submit_what_browsers_submit() {
    for (html, expected) in [
        // Texts, of any type that is none of the others.
        ("<input name=a><input name=b value=x><input name=c type=email value=y>", "a=&b=x&c=y"),
        ("<input name=a value='1\n2'><input type=hidden name=b value='1\r\n2'>", "a=12&b=1\n2"),
        ("<input name=a value='&lt;&amp;&quot;&#39;&eacute;&nbsp;x'>", "a=<&\"'é\u{a0}x"),
        ("<textarea name=a>\n 1 &amp;\r\n<b>2</b></textarea>", "a= 1 &\n<b>2</b>"),
        // Boxes and buttons.
        ("<input type=checkbox name=a><input type=checkbox name=b checked>", "b=ON"),
        (
            "<input type=checkbox name=a value='' checked><input type=checkbox name=b value=2 checked>",
            "a=ON&b=2",
        ),
        ("<input type=checkbox name=a value=1 checked><input type=checkbox name=a value=2>", "a=1"),
        (
            "<input type=checkbox name=a value=1 checked><input type=checkbox name=a value=2 checked>",
            "a=1&a=2",
        ),
        ("<input type=radio name=a value=1><input type=radio name=a value=2>", ""),
        ("<input type=radio name=a value=1 checked><input type=radio name=a value=2 checked>", "a=2"),
        ("<input type=radio name=a value='' checked><input type=radio name=b checked>", "a=&b=ON"),
        ("<INPUT TYPE=RADIO NAME=a VALUE=1 CHECKED>", "a=1"),
        // Lists.
        ("<select name=a><option>x <b>y</b>\n z<option>2</select>", "a=x y z"),
        ("<select name=a><option value=''>none<option value=2 selected>two</select>", "a=2"),
        ("<select name=a><option value=''>none<option value=2>two</select>", "a="),
        ("<select name=a><option selected>1<option selected>2</select>", "a=2"),
        ("<select name=a size=3><option>1<option>2</select>", ""),
        ("<select name=a><option disabled>1<option>2</select>", "a=2"),
        ("<select name=a></select><select name=b multiple><option>1<option>2</select>", ""),
        ("<select name=a multiple><option selected>1<option>2<option selected>3</select>", "a=1&a=3"),
        ("<select name=a><optgroup disabled><option>1</optgroup><optgroup><option>2</select>", "a=2"),
        // Names that come again, in the order of the document.
        ("<input name=a value=1><input name=b value=2><input name=a value=3>", "a=1&b=2&a=3"),
        (
            "<input type=radio name=a value=1><input name=b value=2><input type=radio name=a value=3 checked>",
            "b=2&a=3",
        ),
        // What is not submitted.
        ("<input name=a value=1 disabled><input value=2><input name='' value=3>", ""),
        (
            "<fieldset disabled><legend><input name=a value=1></legend><input name=b value=2></fieldset>",
            "a=1",
        ),
        (
            "<input type=submit name=a value=1><input type=image name=b><input type=file name=c><input type=reset name=d><input type=button name=e value=1><button name=f value=1>x</button>",
            "",
        ),
        ("<template><input name=a></template><datalist><input name=b></datalist>", ""),
        ("<script>'<input name=a>'</script><style><input name=b></style><!-- <input name=c> -->", ""),
        // Only the first form is submitted, and what belongs to it wherever it stands.
        ("<form><input name=a></form><form><input name=b></form>", "a="),
        ("<input name=a><form id=f><input name=b></form><input name=c form=f>", "b=&c="),
        ("<form id=f><input name=a form=g></form>", ""),
        ("<table><form><tr><td><input name=a></td></tr></form></table>", "a="),
        ("<form><form><input name=a></form>", "a="),
        // Without one, the page is the form.
        ("<p><input name=a>", "a="),
        ("", ""),
    ] {
        assert_eq!(submitted_values(html), expected, "{html}");
    }
}

#[test]
fn labels_are_found_where_people_find_them() {
    for (html, expected) in [
        ("<input name=a> The <b>a</b>\n here</input> not here", "The a here"),
        ("<input name=a></input> behind <br> not here", "behind"),
        ("<input name=a> behind <input name=b>", "behind|b"),
        ("<p>Before: <input name=a><p>not here", "Before"),
        ("<p>not here<br>Before <input name=a><br>not here", "Before"),
        ("Name: <input name=a> (of the cluster)<br>", "Name"),
        ("Name: <input name=a> <input name=b> b", "Name|b"),
        ("<table><tr><td>A</td><td><input name=a></td></tr><tr><td>B<td><input name=b></table>", "A|B"),
        ("<table><tr><td><input name=a></td><td>A</td></tr></table>", "A"),
        ("<label>A <input name=a> more</label> not here", "A more"),
        ("<label for=x>A</label> not here <br> <input id=x name=a> not here", "A"),
        ("<label>A <select name=a><option>not here</select></label>", "A"),
        ("<label for=y>nobody</label><input name=a>", "nobody"),
        ("<input type=checkbox name=a> A <br> <input type=checkbox name=b> B", "A|B"),
        ("Pets: <input type=radio name=a value=1> cat <input type=radio name=a value=2> dog", "Pets"),
        ("<h2>Pets</h2><p>One of them.</p><input type=radio name=a value=1> cat", "Pets"),
        ("<fieldset><legend>Pets:</legend><input type=radio name=a value=1> cat</fieldset>", "Pets"),
        (
            "<p>Pets</p><input type=checkbox name=a value=1> cat <input type=checkbox name=a value=2> dog",
            "Pets",
        ),
        ("<input name=a type=hidden> not here", "a"),
        ("<input name=a>", "a"),
        ("<input name=a> \u{1b}[31m\u{202e}red\0", "[31m red"),
    ] {
        assert_eq!(labels(html).join("|"), expected, "{html}");
    }
}

#[test]
fn choices_have_labels_of_their_own() {
    let choices = |html: &str| -> Vec<String> {
        let form = read(html);
        form.fields[0].choices.iter().map(|it| format!("{}: {}", it.value, it.label)).collect()
    };
    assert_eq!(
        choices("Pets: <input type=radio name=a value=1> cat <input type=radio name=a value=2> dog"),
        ["1: cat", "2: dog"]
    );
    assert_eq!(choices("<input type=radio name=a value=cat>"), ["cat: cat"]);
    assert_eq!(
        choices("<select name=a><optgroup label=G><option value=1 label=L>x<option>y</select>"),
        ["1: G: L", "y: G: y"]
    );
}

#[test]
fn the_page_between_fields_is_text() {
    let form = read(
        "<title> The\n title </title><style>p { }</style><h1>A <i>heading</i></h1>Text<br>and a <a href=x>link</a>
        <ul><li>one<li>two</ul><input name=a> A<script>x</script><h6>End<p>here</h6><img src=x alt=no>",
    );
    assert_eq!(form.title.as_deref(), Some("The title"));
    let text = |it: &str| FormItem::Text(it.into());
    assert_eq!(
        form.items,
        [
            FormItem::Heading(1, "A heading".into()),
            text("Text\nand a link"),
            text("- one"),
            text("- two"),
            FormItem::Field(0),
            FormItem::Heading(6, "End".into()),
            FormItem::Heading(6, "here".into()),
        ]
    );
}

#[test]
fn what_attributes_say() {
    let form = read(
        "<input name=a required maxlength=5><input name=b maxlength=-1 readonly><textarea name=c maxlength=' 7x'>
         </textarea><input type=hidden name=d required><input type=checkbox name=e maxlength=3 required>",
    );
    let of = |it: &Field| (it.kind, it.required, it.read_only, it.max_length);
    assert_eq!(
        form.fields.iter().map(of).collect::<Vec<_>>(),
        [
            (FieldKind::Text, true, false, Some(5)),
            (FieldKind::Text, false, true, None),
            (FieldKind::TextArea, false, false, Some(7)),
            (FieldKind::Hidden, false, false, None),
            (FieldKind::Checkbox, true, false, None),
        ]
    );
    assert_eq!(form.items.len(), 4, "hidden fields are not seen");
}

#[test]
fn the_name_of_the_image_is_put_in_and_nothing_but_text() {
    let html = "<title>@IMAGENAME@</title><p>for @IMAGENAME@<input name=a_@IMAGENAME@ value='@IMAGENAME@!'>
        <select name=b><option>@IMAGENAME@</select>";
    let (form, _) = Form::parse(html.as_bytes(), Some("west")).unwrap();
    assert_eq!(form.title.as_deref(), Some("west"));
    assert_eq!((form.fields[0].name.as_str(), form.fields[0].label.as_str()), ("a_west", "for west"));
    assert_eq!((form.fields[0].default[0].as_str(), form.fields[1].default[0].as_str()), ("west!", "west"));
    let (form, _) = Form::parse(b"<input name=a value=@IMAGENAME@>", Some("<b>&amp;")).unwrap();
    assert_eq!(form.fields[0].default, ["<b>&amp;"]);
    assert_eq!(submitted_values("<input name=a value=@IMAGENAME@>"), "a=@IMAGENAME@");
}

#[test]
fn what_is_left_out_is_said() {
    let all = diagnostics(
        "<script>x</script>
<form action=/x onsubmit=y><a href=z>l</a><img src=q>
<input type=file name=a><input type=submit><input type=reset><button>b</button>
<input name=b type=number min=1><input type=checkbox name=b>
<input><input name=c disabled><iframe src=x></iframe>
<input type=radio name=d value=1><input type=radio name=d value=1>
<select name=e multiple><option value=''>x</select><input name=f value='&#7;'>
</form><input name=g><svg onload=x></svg>",
    );
    assert_eq!(
        all,
        [
            "1 Warning: the element `script` is left out",
            "2 Note: `action` is left out: the configurator takes the answers itself",
            "2 Warning: the event handler `onsubmit` is left out",
            "2 Note: a link is left out; its text stays",
            "2 Note: an image is left out",
            "3 Note: a button is left out",
            "3 Note: an input of the type `file` is left out",
            "3 Note: an input of the type `submit` is left out",
            "4 Note: the type `number` is taken for `text`",
            "4 Note: `min` of `b` is not checked",
            "4 Warning: `b` is left out here, since line 4 has another field of the same name",
            "5 Warning: the element `iframe` is left out",
            "5 Warning: the field has no name, so it has no value, and is left out",
            "5 Note: `c` is disabled, and is left out",
            "6 Warning: duplicate choice `1` of `d`",
            "7 Warning: a choice of `e` has no value, and is left out",
            "7 Warning: a value of `f` holds control characters, which are left out",
            "8 Warning: the element `svg` is left out",
            "8 Warning: the event handler `onload` is left out",
            "8 Warning: `g` stands outside of the form, and is left out",
        ]
    );
    assert_eq!(diagnostics(&"<script></script>".repeat(1000)).len(), limits::DIAGNOSTICS);
}

#[test]
fn encodings() {
    let (form, findings) = Form::parse(b"\xef\xbb\xbf<input name=a value='\xc3\xa9'>", None).unwrap();
    assert_eq!((form.fields[0].default[0].as_str(), findings.len()), ("é", 0));
    let (form, findings) = Form::parse(b"<input name=a value='\xe9'>", None).unwrap();
    assert_eq!((form.fields[0].default[0].as_str(), findings.len()), ("é", 1));
    // Quotes, dashes and letters of Windows.
    for (bytes, meant) in [(&b"\x93\x80\x94"[..], "“€”"), (b"\x8eofie", "Žofie"), (b"5 \x96 6", "5 – 6")]
    {
        let html = [b"<input name=a value='", bytes, b"'>"].concat();
        let (form, findings) = Form::parse(&html, None).unwrap();
        assert_eq!((form.fields[0].default[0].as_str(), findings.len()), (meant, 1));
    }
    assert_eq!(Form::parse(b"\xff\xfe<\0", None), Err(FormError::UnsupportedEncoding));
}

#[test]
fn what_no_form_is_like_is_refused() {
    let refused = |html: &str| Form::parse(html.as_bytes(), None).unwrap_err();
    assert_eq!(refused(&"x".repeat(limits::FORM_BYTES + 1)), FormError::TooLarge);
    assert_eq!(refused(&"<div>".repeat(1_000)), FormError::TooDeep);
    assert_eq!(refused(&"<template>".repeat(10_000)), FormError::TooDeep);
    assert_eq!(refused(&"<p>".repeat(30_000)), FormError::TooManyNodes);
    // Every paragraph opens all of them again.
    let bold: String = (0..50).map(|it| format!("<b id={it}>")).collect();
    assert_eq!(refused(&format!("<p>{bold}{}", "</p><p>x".repeat(2_000))), FormError::TooManyNodes);
    let fields: String = (0..=limits::CHOICES).map(|it| format!("<input name=a{it}>")).collect();
    assert_eq!(refused(&fields), FormError::TooManyFields);
    let options = "<option>".repeat(limits::CHOICES + 1);
    assert_eq!(refused(&format!("<select name=a>{options}</select>")), FormError::TooManyFields);
    for name in ["a b", "1", "a:b", "a[]", "<a>", "é", "a/../b", "-x"] {
        let html = format!("\n<input name='{name}'>");
        assert_eq!(refused(&html), FormError::InvalidName { line: 2, name: name.into() });
    }
    // Attributes without end take their time, but not long.
    let attributes: String = (0..15_000).map(|it| format!(" a{it}")).collect();
    read(&format!("<p{attributes}>"));
}

/// Pieces of HTML that are put together at random.
const HTML_FRAGMENTS: [&str; 40] = [
    "<form>",
    "</form>",
    "<input name=a>",
    "<input name=b type=radio value=",
    "1>",
    "2 checked>",
    "</input>",
    "<select name=c>",
    "<select name=c multiple>",
    "<option>",
    "<option selected value=x>",
    "</select>",
    "<textarea name=d>",
    "</textarea>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<p>",
    "<b>",
    "</b>",
    "<h1>",
    "</h1>",
    "<label>",
    "<label for=i>",
    "</label>",
    "<br>",
    "text",
    " ",
    ":",
    "<template>",
    "</template>",
    "<svg>",
    "<input name=e type=checkbox checked required>",
    "<fieldset disabled>",
    "<legend>",
    "<!--",
    "-->",
    "<frameset>",
    "<math><mi><input name=f id=i>",
];

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_bytes_are_a_form_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Form::parse(&bytes, Some("image"));
    }

    #[test]
    fn any_page_is_consistent(pieces in prop::collection::vec(prop::sample::select(HTML_FRAGMENTS.to_vec()), 0..60)) {
        let html = pieces.concat();
        let Ok((form, _)) = Form::parse(html.as_bytes(), None) else { return Ok(()) };
        let seen: Vec<usize> =
            form.items.iter().filter_map(|it| if let FormItem::Field(it) = it { Some(*it) } else { None }).collect();
        let visible: Vec<usize> =
            (0..form.fields.len()).filter(|it| form.fields[*it].kind != FieldKind::Hidden).collect();
        let mut sorted = seen;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, visible);
        for field in &form.fields {
            prop_assert!(!field.label.is_empty());
            prop_assert_eq!(field.has_choices(), field.input_count == 0);
            if !field.has_choices() {
                prop_assert_eq!(field.default.len(), field.input_count);
            }
            // The defaults fit, but that something may be missing.
            prop_assert!(matches!(field.check(&field.default), Ok(_) | Err(AnswerErrorKind::Required)));
        }
        let settled = form.resolve(&Answers::default(), &Answers::default()).unwrap();
        let text = opkg_configurator::values_file::to_xml(&settled.entries(&form));
        let read: Vec<(String, String)> = opkg_configurator::values_file::parse_xml(&text).unwrap();
        let entries: Vec<(String, String)> =
            settled.entries(&form).into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        prop_assert_eq!(read, entries);
    }
}
