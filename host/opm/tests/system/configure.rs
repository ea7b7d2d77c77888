//! The configurator on real files: which forms are asked, and what is written where.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Configure, ConfigureOutcome};
use opkg_oda::{ConfigValue, ConfigValues, PackageState, Stage, StateKey, TargetId, ValueOrigin};

use crate::fixture::{DEMO, Fixture, IMAGE, SERVER, failure_reason};

const KEY: StateKey = StateKey { target: SERVER, package: DEMO };
const STEP: Configure = Configure { key: KEY };
const HOME: &str = "usr/lib/oscar/packages/demo";

const FORM: &str = "<form>
    <input name=port value=80 maxlength=5> Port <br>
    <input type=checkbox name=log value=YES checked> Keep a log <br>
    <input type=radio name=level value=1> low <br> <input type=radio name=level value=2 checked> high <br>
    <textarea name=motd>a &amp; b</textarea></form>";

fn fixture_with_forms(forms: &[(&str, &str)]) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.config.answer_directory = fixture.path().join("answers.d");
    let home = fixture.server().0.join(HOME);
    fs::create_dir_all(&home).unwrap();
    for (name, form) in forms {
        fs::write(home.join(name), form).unwrap();
    }
    fixture
}

fn configure(fixture: &Fixture, known: &ConfigValues) -> Report<ConfigureOutcome> {
    let system = fixture.system();
    assert!(system.has_form(&fixture.cluster, &STEP));
    system.configure(&fixture.cluster, &STEP, known)
}

fn administrator_values(image: Option<TargetId>, values: &[(&str, &str)]) -> ConfigValues {
    let value = |(name, value): &(&str, &str)| ConfigValue {
        name: (*name).into(),
        value: (*value).into(),
        origin: ValueOrigin::Administrator,
    };
    ConfigValues::from([((DEMO, image), values.iter().map(value).collect())])
}

fn resolved_values(report: &Report<ConfigureOutcome>) -> &ConfigValues {
    match &report.outcome {
        ConfigureOutcome::Configured(values) => values,
        _ => panic!("{report:?}"),
    }
}

fn configure_error(report: &Report<ConfigureOutcome>) -> &str {
    match &report.outcome {
        ConfigureOutcome::Failed(reason) => reason,
        _ => panic!("{report:?}"),
    }
}

fn read_values_file(fixture: &Fixture) -> String {
    fixture.server().read(&format!("{HOME}/.configurator.values"))
}

fn values_file_mode(fixture: &Fixture) -> u32 {
    let file = fixture.server().0.join(HOME).join(".configurator.values");
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_strongest_answers_are_written_and_kept_with_their_origins() {
    let fixture = fixture_with_forms(&[("configurator.html", FORM)]);
    fs::create_dir(&fixture.config.answer_directory).unwrap();
    fs::write(fixture.config.answer_directory.join("demo.toml"), "port = 8080\nlevel = \"1\"\n").unwrap();
    let report = configure(&fixture, &administrator_values(None, &[("port", "443"), ("log", "")]));
    let resolved = resolved_values(&report);
    assert_eq!(
        read_values_file(&fixture),
        "<config>\n  <port>443</port>\n  <level>1</level>\n  <motd>a &amp; b</motd>\n</config>\n"
    );
    assert_eq!(values_file_mode(&fixture), 0o644);
    let kept: Vec<String> =
        resolved[&(DEMO, None)].iter().map(|it| format!("{}={} {}", it.name, it.value, it.origin)).collect();
    assert_eq!(
        kept,
        ["port=443 administrator", "log= administrator", "level=1 answers", "motd=a & b default"]
    );
    assert_eq!(
        report.trace.tail,
        format!(
            "/{HOME}/.configurator.values: 4 fields, 2 answered by the administrator, 1 by file, 1 from defaults"
        )
    );
    // What was kept leads to the same again.
    assert_eq!(resolved_values(&configure(&fixture, resolved)), resolved);
}

#[test]
fn no_form_no_work() {
    let fixture = fixture_with_forms(&[]);
    assert!(!fixture.system().has_form(&fixture.cluster, &STEP));
    fs::remove_dir(fixture.server().0.join(HOME)).unwrap();
    assert!(!fixture.system().has_form(&fixture.cluster, &STEP));
    // A form for images concerns nobody where no image has the package.
    let mut fixture = self::fixture_with_forms(&[("configurator_image.html", FORM)]);
    assert!(fixture.system().has_form(&fixture.cluster, &STEP));
    let row = fixture.cluster.states.entry(IMAGE).or_default().get_mut(DEMO).unwrap();
    *row = PackageState::new(Stage::ShouldNotBeInstalled, 0);
    assert!(!fixture.system().has_form(&fixture.cluster, &STEP));
}

#[test]
fn images_have_values_of_their_own() {
    let form = "<form><input name=cluster value='@IMAGENAME@ nodes'></form>";
    let fixture = fixture_with_forms(&[("configurator_image.html", form)]);
    let report = configure(&fixture, &administrator_values(None, &[("cluster", "not of the image")]));
    let resolved = resolved_values(&report);
    let file = format!("{HOME}/.configs/compute/.configurator.values");
    assert_eq!(fixture.server().read(&file), "<config>\n  <cluster>compute nodes</cluster>\n</config>\n");
    assert!(!fixture.server().0.join(HOME).join(".configurator.values").exists());
    configure(&fixture, &administrator_values(Some(IMAGE), &[("cluster", "west")]));
    assert_eq!(fixture.server().read(&file), "<config>\n  <cluster>west</cluster>\n</config>\n");
    assert_eq!(resolved.keys().copied().collect::<Vec<_>>(), [(DEMO, Some(IMAGE))]);
}

#[test]
fn an_image_that_comes_later_is_configured_before_its_hook() {
    let fixture = fixture_with_forms(&[
        ("configurator.html", FORM),
        ("configurator_image.html", "<form><input name=a required><input name=b value=@IMAGENAME@></form>"),
    ]);
    let system = fixture.system();
    let configure = |known: &ConfigValues| system.configure_image(&fixture.cluster, KEY, IMAGE, known);
    assert!(fixture.system().needs_image_configuration(&fixture.cluster, KEY, IMAGE));
    assert_eq!(
        failure_reason(&configure(&ConfigValues::new())),
        "it needs an answer to `a` for the image compute (`--image compute`): run `opm configure demo`"
    );
    let report = configure(&administrator_values(Some(IMAGE), &[("a", "1")]));
    assert_eq!(report.outcome.unwrap().keys().copied().collect::<Vec<_>>(), [(DEMO, Some(IMAGE))]);
    let file = format!("{HOME}/.configs/compute/.configurator.values");
    let values = "<config>\n  <a>1</a>\n  <b>compute</b>\n</config>\n";
    assert_eq!(fixture.server().read(&file), values);
    // Later answers are for the next time that the package is configured; so are those for the whole cluster.
    let report = configure(&administrator_values(Some(IMAGE), &[("a", "2")]));
    assert!(report.outcome.unwrap().is_empty());
    assert_eq!(fixture.server().read(&file), values);
    assert!(!fixture.server().0.join(HOME).join(".configurator.values").exists());
    assert!(!fixture.system().needs_image_configuration(&fixture.cluster, KEY, IMAGE));
}

#[test]
fn a_form_with_a_password_is_for_root_alone() {
    let fixture =
        fixture_with_forms(&[("configurator.html", "<form><input type=password name=key value=x></form>")]);
    // Something that everybody could read is no hindrance.
    let file = fixture.server().0.join(HOME).join(".configurator.values");
    fs::write(&file, "old").unwrap();
    fs::write(file.with_extension("values.new"), "left behind").unwrap();
    resolved_values(&configure(&fixture, &ConfigValues::new()));
    assert_eq!(
        (values_file_mode(&fixture), read_values_file(&fixture).as_str()),
        (0o600, "<config>\n  <key>x</key>\n</config>\n")
    );
    assert!(!file.with_extension("values.new").exists());
}

#[test]
fn what_must_be_answered_is_waited_for() {
    let fixture = fixture_with_forms(&[
        ("configurator.html", "<form><input name=a required> <input name=b required value=1></form>"),
        ("configurator_image.html", "<form><input name=c required> <input name=d required></form>"),
    ]);
    let report = configure(&fixture, &administrator_values(Some(IMAGE), &[("d", "")]));
    let waits = "an answer to `a`, `c`, `d` for the image compute (`--image compute`)";
    assert_eq!(report.outcome, ConfigureOutcome::ActionRequired(waits.into()));
    assert!(!fixture.server().0.join(HOME).join(".configurator.values").exists());
    let mut known = administrator_values(Some(IMAGE), &[("c", "1"), ("d", "2")]);
    known.extend(administrator_values(None, &[("a", "3")]));
    resolved_values(&configure(&fixture, &known));
}

#[test]
fn wrong_answers_are_named_with_the_command_that_fixes_them() {
    let fixture = fixture_with_forms(&[("configurator.html", FORM), ("configurator_image.html", FORM)]);
    let mut said = Vec::new();
    for (image, name, value) in
        [(None, "port", "123456"), (None, "log", "yes"), (None, "prot", "80"), (Some(IMAGE), "level", "3")]
    {
        let report = configure(&fixture, &administrator_values(image, &[(name, value)]));
        said.push(configure_error(&report).to_owned());
    }
    said.push(
        configure_error(&configure(&fixture, &administrator_values(None, &[("x", "1"), ("y", "2")])))
            .to_owned(),
    );
    fs::create_dir(&fixture.config.answer_directory).unwrap();
    for text in ["level = 7", "level = true", "level"] {
        fs::write(fixture.config.answer_directory.join("demo.toml"), text).unwrap();
        said.push(configure_error(&configure(&fixture, &ConfigValues::new())).to_owned());
    }
    insta::assert_snapshot!(said.join("\n").replace(fixture.path().to_str().unwrap(), "BENCH"));
    assert!(!fixture.server().0.join(HOME).join(".configurator.values").exists());
}

#[test]
fn homes_lead_nowhere_outside() {
    let fixture = fixture_with_forms(&[("configurator.html", FORM)]);
    let outside = fixture.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let home = fixture.server().0.join(HOME);
    // The file is replaced, not followed.
    symlink(outside.join("file"), home.join(".configurator.values")).unwrap();
    resolved_values(&configure(&fixture, &ConfigValues::new()));
    assert!(fs::symlink_metadata(home.join(".configurator.values")).unwrap().is_file());
    // Neither are directories.
    fs::write(home.join("configurator_image.html"), FORM).unwrap();
    symlink(&outside, home.join(".configs")).unwrap();
    assert!(configure_error(&configure(&fixture, &ConfigValues::new())).contains("cannot be written"));
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    // Nor is a form read that is none.
    fs::remove_file(home.join("configurator.html")).unwrap();
    for text in [vec![b'x'; 200_000], b"<input name='a b'>".to_vec()] {
        fs::write(home.join("configurator.html"), text).unwrap();
        let report = configure(&fixture, &ConfigValues::new());
        assert!(
            configure_error(&report)
                .starts_with("the form /usr/lib/oscar/packages/demo/configurator.html cannot be")
        );
    }
}
