//! The forms of packages: HTML of any kind, and the values that come back.

use opkg_configurator::{Answers, Form, values_file};

use super::target::{Target, example};

pub const TARGET: Target = Target {
    name: "configurator_form",
    run,
    seeds,
    dictionary: &[
        "<form>",
        "</form>",
        "<input name=a type=checkbox checked value=1>",
        "<input name=\"@IMAGENAME@\" type=radio>",
        "</input>",
        "<select name=b multiple><option selected>",
        "<optgroup label=x disabled>",
        "<textarea name=c>",
        "<label for=a>",
        "<fieldset disabled><legend>",
        "<table><tr><td>",
        "<template>",
        "<svg><foreignObject>",
        "<script>",
        "<!--",
        "maxlength=99999999999999999999",
        "required",
        "readonly",
        "&NotEqualTilde;",
    ],
};

/// Parses a form, and takes its defaults through everything that is done with answers.
pub fn run(bytes: &[u8]) {
    let Ok((form, _)) = Form::parse(bytes, Some("compute")) else { return };
    let Ok(resolved) = form.resolve(&Answers::default(), &Answers::default()) else { return };
    let entries = resolved.entries(&form);
    let _ = values_file::parse_xml(&values_file::to_xml(&entries));
    let submitted: Vec<(String, String)> =
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let _ = form.resolve(&form.answers_from_submission(&submitted, &resolved), &Answers::default());
}

fn seeds() -> Vec<Vec<u8>> {
    let small = "<html><head><title>Ports</title></head><body><form><h2>Server</h2>\
                 <p>Port: <input type=text name=port value=4000 maxlength=5 required><br>\
                 <input type=checkbox name=log value=yes checked> Log</input>\
                 <p>Mode <input type=radio name=mode value=a> A <input type=radio name=mode value=b checked> B\
                 <select name=net multiple><option selected>ib0<option>eth0</select>\
                 <textarea name=text>one\ntwo</textarea></form></body></html>";
    vec![example("jobwatch/configurator.html"), small.into()]
}
