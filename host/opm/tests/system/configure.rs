//! The configurator on real files: which forms are asked, and what is written where.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use opkg_oda::export::Values;
use opkg_oda::{Key, Origin, Row, RunId, Stage, TargetId, Value};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::machine::{Hook, Outcome, Work};

use crate::bench::{Bench, DEMO, IMAGE, SERVER};

const KEY: Key = Key { target: SERVER, package: DEMO };
const HOME: &str = "usr/lib/oscar/packages/demo";

const FORM: &str = "<form>
    <input name=port value=80 maxlength=5> Port <br>
    <input type=checkbox name=log value=YES checked> Keep a log <br>
    <input type=radio name=level value=1> low <br> <input type=radio name=level value=2 checked> high <br>
    <textarea name=motd>a &amp; b</textarea></form>";

fn bench(forms: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new();
    bench.config.answers = bench.path().join("answers.d");
    let home = bench.server().0.join(HOME);
    fs::create_dir_all(&home).unwrap();
    for (name, form) in forms {
        fs::write(home.join(name), form).unwrap();
    }
    bench
}

fn configure(bench: &Bench, known: &Values) -> Report {
    let mut system = bench.system();
    assert!(system.concerns(&bench.cluster, &Work::Configure { key: KEY }));
    system.configure(&bench.cluster, KEY, None, known, RunId(1))
}

fn answered(image: Option<TargetId>, values: &[(&str, &str)]) -> Values {
    let value = |(name, value): &(&str, &str)| Value {
        name: (*name).into(),
        value: (*value).into(),
        origin: Origin::Administrator,
    };
    Values::from([((DEMO, image), values.iter().map(value).collect())])
}

fn failure(report: &Report) -> &str {
    let Outcome::Failed(reason) = &report.outcome else { panic!("{report:?}") };
    reason
}

fn written(bench: &Bench) -> String {
    bench.server().read(&format!("{HOME}/.configurator.values"))
}

fn mode(bench: &Bench) -> u32 {
    let file = bench.server().0.join(HOME).join(".configurator.values");
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_strongest_answers_are_written_and_kept_with_their_origins() {
    let bench = bench(&[("configurator.html", FORM)]);
    fs::create_dir(&bench.config.answers).unwrap();
    fs::write(bench.config.answers.join("demo.toml"), "port = 8080\nlevel = \"1\"\n").unwrap();
    let report = configure(&bench, &answered(None, &[("port", "443"), ("log", "")]));
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(
        written(&bench),
        "<config>\n  <port>443</port>\n  <level>1</level>\n  <motd>a &amp; b</motd>\n</config>\n"
    );
    assert_eq!(mode(&bench), 0o644);
    let kept: Vec<String> = report.settled[&(DEMO, None)]
        .iter()
        .map(|it| format!("{}={} {}", it.name, it.value, it.origin))
        .collect();
    assert_eq!(
        kept,
        ["port=443 administrator", "log= administrator", "level=1 answers", "motd=a & b default"]
    );
    assert_eq!(
        report.tail,
        format!(
            "/{HOME}/.configurator.values: 4 fields, 2 answered by the administrator, 1 by file, 1 as the form has \
             them"
        )
    );
    // What was kept leads to the same again.
    let again = configure(&bench, &report.settled);
    assert_eq!((again.outcome, &again.settled), (Outcome::Done, &report.settled));
}

#[test]
fn no_form_no_work() {
    let bench = bench(&[]);
    let work = Work::Configure { key: KEY };
    assert!(!bench.system().concerns(&bench.cluster, &work));
    fs::remove_dir(bench.server().0.join(HOME)).unwrap();
    assert!(!bench.system().concerns(&bench.cluster, &work));
    // A form for images concerns nobody where no image has the package.
    let mut bench = self::bench(&[("configurator_image.html", FORM)]);
    assert!(bench.system().concerns(&bench.cluster, &work));
    let row = bench.cluster.rows.entry(IMAGE).or_default().get_mut(DEMO).unwrap();
    *row = Row::new(Stage::ShouldNotBeInstalled, 0);
    assert!(!bench.system().concerns(&bench.cluster, &work));
}

#[test]
fn images_have_values_of_their_own() {
    let form = "<form><input name=cluster value='@IMAGENAME@ nodes'></form>";
    let bench = bench(&[("configurator_image.html", form)]);
    let report = configure(&bench, &answered(None, &[("cluster", "not of the image")]));
    assert_eq!(report.outcome, Outcome::Done);
    let file = format!("{HOME}/.configs/compute/.configurator.values");
    assert_eq!(bench.server().read(&file), "<config>\n  <cluster>compute nodes</cluster>\n</config>\n");
    assert!(!bench.server().0.join(HOME).join(".configurator.values").exists());
    configure(&bench, &answered(Some(IMAGE), &[("cluster", "west")]));
    assert_eq!(bench.server().read(&file), "<config>\n  <cluster>west</cluster>\n</config>\n");
    assert_eq!(report.settled.keys().copied().collect::<Vec<_>>(), [(DEMO, Some(IMAGE))]);
}

#[test]
fn an_image_that_comes_later_is_configured_before_its_hook() {
    let bench = bench(&[
        ("configurator.html", FORM),
        ("configurator_image.html", "<form><input name=a required><input name=b value=@IMAGENAME@></form>"),
    ]);
    let mut system = bench.system();
    let mut configure = |known: &Values| system.configure(&bench.cluster, KEY, Some(IMAGE), known, RunId(1));
    assert!(bench.system().concerns(&bench.cluster, &bench.hook(Hook::PostImage)));
    assert_eq!(
        failure(&configure(&Values::new())),
        "it needs an answer to `a` for the image compute (`--image compute`): `opm configure demo` gives it"
    );
    let report = configure(&answered(Some(IMAGE), &[("a", "1")]));
    assert_eq!(report.settled.keys().copied().collect::<Vec<_>>(), [(DEMO, Some(IMAGE))]);
    let file = format!("{HOME}/.configs/compute/.configurator.values");
    let values = "<config>\n  <a>1</a>\n  <b>compute</b>\n</config>\n";
    assert_eq!(bench.server().read(&file), values);
    // Later answers are for the next time that the package is configured; so are those for the whole cluster.
    let report = configure(&answered(Some(IMAGE), &[("a", "2")]));
    assert!(report.settled.is_empty());
    assert_eq!(bench.server().read(&file), values);
    assert!(!bench.server().0.join(HOME).join(".configurator.values").exists());
    assert!(!bench.system().concerns(&bench.cluster, &bench.hook(Hook::PostImage)));
}

#[test]
fn a_form_with_a_password_is_for_root_alone() {
    let bench = bench(&[("configurator.html", "<form><input type=password name=key value=x></form>")]);
    // Something that everybody could read is no hindrance.
    let file = bench.server().0.join(HOME).join(".configurator.values");
    fs::write(&file, "old").unwrap();
    fs::write(file.with_extension("values.new"), "left behind").unwrap();
    assert_eq!(configure(&bench, &Values::new()).outcome, Outcome::Done);
    assert_eq!((mode(&bench), written(&bench).as_str()), (0o600, "<config>\n  <key>x</key>\n</config>\n"));
    assert!(!file.with_extension("values.new").exists());
}

#[test]
fn what_must_be_answered_is_waited_for() {
    let bench = bench(&[
        ("configurator.html", "<form><input name=a required> <input name=b required value=1></form>"),
        ("configurator_image.html", "<form><input name=c required> <input name=d required></form>"),
    ]);
    let report = configure(&bench, &answered(Some(IMAGE), &[("d", "")]));
    let waits = "an answer to `a`, `c`, `d` for the image compute (`--image compute`)";
    assert_eq!(report.outcome, Outcome::Waits(waits.into()));
    assert!(report.settled.is_empty() && !bench.server().0.join(HOME).join(".configurator.values").exists());
    let mut known = answered(Some(IMAGE), &[("c", "1"), ("d", "2")]);
    known.extend(answered(None, &[("a", "3")]));
    assert_eq!(configure(&bench, &known).outcome, Outcome::Done);
}

#[test]
fn wrong_answers_are_named_with_the_command_that_mends_them() {
    let bench = bench(&[("configurator.html", FORM), ("configurator_image.html", FORM)]);
    let mut said = Vec::new();
    for (image, name, value) in
        [(None, "port", "123456"), (None, "log", "yes"), (None, "prot", "80"), (Some(IMAGE), "level", "3")]
    {
        let report = configure(&bench, &answered(image, &[(name, value)]));
        assert!(report.settled.is_empty());
        said.push(failure(&report).to_owned());
    }
    said.push(failure(&configure(&bench, &answered(None, &[("x", "1"), ("y", "2")]))).to_owned());
    fs::create_dir(&bench.config.answers).unwrap();
    for text in ["level = 7", "level = true", "level"] {
        fs::write(bench.config.answers.join("demo.toml"), text).unwrap();
        said.push(failure(&configure(&bench, &Values::new())).to_owned());
    }
    insta::assert_snapshot!(said.join("\n").replace(bench.path().to_str().unwrap(), "BENCH"));
    assert!(!bench.server().0.join(HOME).join(".configurator.values").exists());
}

#[test]
fn homes_lead_nowhere_outside() {
    let bench = bench(&[("configurator.html", FORM)]);
    let outside = bench.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let home = bench.server().0.join(HOME);
    // The file is replaced, not followed.
    symlink(outside.join("file"), home.join(".configurator.values")).unwrap();
    assert_eq!(configure(&bench, &Values::new()).outcome, Outcome::Done);
    assert!(fs::symlink_metadata(home.join(".configurator.values")).unwrap().is_file());
    // Neither are directories.
    fs::write(home.join("configurator_image.html"), FORM).unwrap();
    symlink(&outside, home.join(".configs")).unwrap();
    assert!(failure(&configure(&bench, &Values::new())).contains("cannot be written"));
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    // Nor is a form read that is none.
    fs::remove_file(home.join("configurator.html")).unwrap();
    for text in [vec![b'x'; 200_000], b"<input name='a b'>".to_vec()] {
        fs::write(home.join("configurator.html"), text).unwrap();
        let report = configure(&bench, &Values::new());
        assert!(
            failure(&report).starts_with("the form /usr/lib/oscar/packages/demo/configurator.html cannot be")
        );
    }
}
