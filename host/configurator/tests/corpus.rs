//! The forms of real OPKGs, as a person reads them.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use opkg_configurator::{Answers, FieldKind, Form, FormItem};

/// The forms, where they are at hand; they are not part of the project.
fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("OPKG_CORPUS").map_or_else(beside, PathBuf::from);
    if !corpus.is_dir() {
        eprintln!("skipped: no corpus of real OPKGs in $OPKG_CORPUS or ../shared/corpus");
        return None;
    }
    Some(corpus)
}

/// A form as text: its fields, and the headings between them.
fn form_as_text(form: &Form) -> String {
    let mut told = String::new();
    for item in &form.items {
        match item {
            FormItem::Heading(level, text) => told += &format!("{} {text}\n", "#".repeat((*level).into())),
            FormItem::Text(_) => {}
            FormItem::Field(place) => {
                let it = &form.fields[*place];
                told += &format!("{:?} {} | {} | {:?}\n", it.kind, it.name, it.label, it.default);
                if it.choices.len() == 1 {
                    assert_eq!(it.choices[0].label, it.label);
                    told += &format!("  {}\n", it.choices[0].value);
                } else {
                    let choices = it.choices.iter();
                    choices.for_each(|it| told += &format!("  {} | {}\n", it.value, it.label));
                }
                assert!(!it.required && !it.read_only && it.max_length.is_none(), "{}", it.name);
            }
        }
    }
    told
}

fn texts(form: &Form) -> Vec<&str> {
    form.items
        .iter()
        .filter_map(|it| if let FormItem::Text(text) = it { Some(text.as_str()) } else { None })
        .collect()
}

/// Reads a form, compares it with what a person reads, and gives what an untouched form stores.
fn check_form(corpus: &Path, package: &str, file: &str, title: &str, expected: &str) -> (Form, String) {
    let bytes = std::fs::read(corpus.join(package).join(file)).unwrap();
    let (form, findings) = Form::parse(&bytes, Some("compute")).unwrap();
    assert!(findings.is_empty(), "{package}: {findings:?}");
    assert_eq!(form.title.as_deref(), Some(title), "{package}");
    assert_eq!(form_as_text(&form), expected, "{package}");
    let settled = form.resolve(&Answers::default(), &Answers::default()).unwrap();
    assert!(settled.missing.is_empty(), "{package}");
    let entries: Vec<String> =
        settled.entries(&form).iter().map(|(name, value)| format!("{name}={value}")).collect();
    let stored: Vec<String> =
        settled.to_config_values(&form).iter().map(|it| format!("{}={}", it.name, it.value)).collect();
    assert_eq!(entries, stored, "{package}");
    (form, entries.join("\n"))
}

#[test]
fn every_form_is_here() {
    let Some(corpus) = corpus() else { return };
    let mut forms = Vec::new();
    for package in std::fs::read_dir(corpus).unwrap() {
        for file in ["configurator.html", "configurator_image.html"] {
            let path = package.as_ref().unwrap().path();
            if path.join(file).is_file() {
                forms.push(format!("{} {file}", path.file_name().unwrap().to_str().unwrap()));
            }
        }
    }
    forms.sort();
    let global = ["jobmonarch", "naemon", "ntpconfig", "sge", "sis", "slurm", "torque"];
    let mut expected =
        vec!["ganglia configurator.html".to_owned(), "ganglia configurator_image.html".to_owned()];
    expected.extend(global.map(|it| format!("{it} configurator.html")));
    assert_eq!(forms, expected);
}

#[test]
fn ganglia() {
    let Some(corpus) = corpus() else { return };
    let (form, entries) = check_form(
        &corpus,
        "ganglia",
        "configurator.html",
        "Configuration for ganglia",
        r#"# Configuring ganglia
Text cluster__name | Name of Cluster | ["OSCAR Cluster"]
Text gridname | Name of Grid | ["OSCAR"]
Text cluster__owner | Owner of Cluster (Department, Company, etc...) | ["OSCAR"]
Text udp_send_channel__mcast_if | Sending Network Interface for ***Client*** nodes | ["eth0"]
Text udp_recv_channel__mcast_if | Receiving Network Interface for ***Client*** nodes | ["eth0"]
Checkbox gmond_per_image | Enable per-image ganglia gmond configuration | []
  YES
Text udp_send_channel__port | Sending Network Port for ***Client*** nodes | ["8649"]
Text udp_recv_channel__port | Receiving Network Port for ***Client*** nodes | ["8649"]
"#,
    );
    assert_eq!(
        entries,
        "cluster__name=OSCAR Cluster\ngridname=OSCAR\ncluster__owner=OSCAR\nudp_send_channel__mcast_if=eth0\n\
         udp_recv_channel__mcast_if=eth0\nudp_send_channel__port=8649\nudp_recv_channel__port=8649"
    );
    assert_eq!(texts(&form).len(), 3);
}

#[test]
fn ganglia_for_an_image() {
    let Some(corpus) = corpus() else { return };
    let (form, _) = check_form(
        &corpus,
        "ganglia",
        "configurator_image.html",
        "Ganglia config for image compute",
        r#"# Configuring ganglia for image compute
Text cluster__name | Name of (sub)cluster | ["OSCAR Cluster"]
Text udp_send_channel__mcast_if | Sending Network Interface for ***Client*** nodes | ["eth0"]
Text udp_recv_channel__mcast_if | Receiving Network Interface for ***Client*** nodes | ["eth0"]
Text udp_send_channel__port | Sending Network Port for ***Client*** nodes | ["8649"]
Text udp_recv_channel__port | Receiving Network Port for ***Client*** nodes | ["8649"]
"#,
    );
    assert!(texts(&form)[0].starts_with(
        "This configuration is specific to the nodes attributed to the image compute. You might want"
    ));
}

#[test]
fn jobmonarch() {
    let Some(corpus) = corpus() else { return };
    let (form, entries) = check_form(
        &corpus,
        "jobmonarch",
        "configurator.html",
        "Configuration for Job Monarch",
        r#"# Configuring Job Monarch Options
Text clustername | Name of Cluster | ["OSCAR Cluster"]
Radio drm | Your Cluster's batch queueing system | ["pbs"]
  sge | Gridengine
  pbs | PBS
  slurm | SLURM
  lsf | LSF
Checkbox archived | Enable Job Monarch's archiving daemon | []
  yes
"#,
    );
    assert_eq!(entries, "clustername=OSCAR Cluster\ndrm=pbs");
    assert_eq!(texts(&form).len(), 1);
}

#[test]
fn naemon() {
    let Some(corpus) = corpus() else { return };
    let (form, entries) = check_form(
        &corpus,
        "naemon",
        "configurator.html",
        "OSCAR monitoring configuration.",
        r#"## Naemon adminitrator informations
Text admin_fullname | Full name | ["Naemon Administrator"]
Text admin_login | Login name | ["admin"]
Text admin_email | Contact email | ["admin@localhost.localdomain"]
Password admin_passwd | Web UI Password (*) | ["oscar"]
Password admin_passwd2 | Password confirm (*) | ["oscar"]
"#,
    );
    assert_eq!(
        entries,
        "admin_fullname=Naemon Administrator\nadmin_login=admin\nadmin_email=admin@localhost.localdomain\n\
         admin_passwd=oscar\nadmin_passwd2=oscar"
    );
    assert!(form.has_password());
    let [text] = texts(&form)[..] else { panic!() };
    assert!(text.starts_with("(*) Password are stored in clear text in oscar database."));
    assert!(text.ends_with(
        "\nhtpasswd /etc/naemon/htpasswd <admin>\nwhere <admin> is the login name you've chosen above."
    ));
}

#[test]
fn ntpconfig() {
    let Some(corpus) = corpus() else { return };
    let (form, _) = check_form(
        &corpus,
        "ntpconfig",
        "configurator.html",
        "Configuration for ntpconfig",
        "# Configuring ntpconfig\nText ntpserver | NTP Server | [\"pool.ntp.org\"]\n",
    );
    assert_eq!(texts(&form).len(), 3);
    assert!(!form.has_password());
}

#[test]
fn sge() {
    let Some(corpus) = corpus() else { return };
    let (form, _) = check_form(
        &corpus,
        "sge",
        "configurator.html",
        "Configuration for SGE",
        r#"# Configuring SGE Options
Text fullserver | Full installation on OSCAR SERVER (qmaster and execd) [good for small clusters] | ["true"]
Text cellname | Cell name for the SGE installation | ["default"]
Text gidrange | SGE Jobs' Unix Group ID Range | ["20000-20100"]
Text spooltype | Spooling method option (berkeleydb|classic) | ["classic"]
"#,
    );
    assert_eq!(texts(&form).len(), 1);
}

#[test]
fn sis() {
    let Some(corpus) = corpus() else { return };
    let (_, entries) = check_form(
        &corpus,
        "sis",
        "configurator.html",
        "SIS Configuration",
        r#"# Configuring SIS and kernel boot options
## Global options valid for all images
Text kernel_append | Additional kernel boot options | [""]
Checkbox sis_per_image | Check to enable per-image configuration (and select default boot kernel) | []
  YES
"#,
    );
    assert_eq!(entries, "kernel_append=");
}

#[test]
fn slurm() {
    let Some(corpus) = corpus() else { return };
    let (form, entries) = check_form(
        &corpus,
        "slurm",
        "configurator.html",
        "SLURM Batch System Configuration",
        r#"Text cluster_name | Cluster Name | ["OSCAR Cluster"]
Text control_machine | Control Machine | ["oscar-server"]
Radio auth_type | AuthType | ["auth/munge"]
  auth/munge | Munge
  auth/authd | authd
  auth/none | None
Radio checkpoint_type | CheckpointType | ["checkpoint/none"]
  checkpoint/blcr | BLCR
  checkpoint/ompi | OpenMPI
  checkpoint/none | None
Radio crypto_type | CryptoType | ["crypto/munge"]
  crypto/munge | Munge
  crypto/openssl | OpenSSL
## Head node as compute node.
Checkbox compute_on_head | Run jobs on head node as well. | []
  YES
"#,
    );
    assert_eq!(
        entries,
        "cluster_name=OSCAR Cluster\ncontrol_machine=oscar-server\nauth_type=auth/munge\n\
         checkpoint_type=checkpoint/none\ncrypto_type=crypto/munge"
    );
    assert_eq!(
        texts(&form),
        [
            "For smaller clusters, some admins may wish to use the head node (OSCAR server)\nas a compute node too. \
          This is not recommended for larger clusters."
        ]
    );
}

#[test]
fn torque() {
    let Some(corpus) = corpus() else { return };
    let (form, entries) = check_form(
        &corpus,
        "torque",
        "configurator.html",
        "Torque Batch System Configuration",
        r#"## Head node as compute node.
Checkbox compute_on_head | Run batch system client (pbs_mom) on head node | []
  YES
## Server log level
Radio loglevel | Server log level | ["64"]
  1 | 1 - Error Events
  2 | 2 - Batch System/Server Events
  4 | 4 - Administration Events
  8 | 8 - Job Events
  16 | 16 - Job Resource Usage
  32 | 32 - Security Violations
  64 | 64 - Scheduler Calls (recommended, default)
  128 | 128 - Debug Messages
  256 | 256 - Extra Debug Messages
  511 | 511 - Everything On
"#,
    );
    assert_eq!(entries, "loglevel=64");
    assert_eq!(form.field("loglevel").map(|it| it.kind), Some(FieldKind::Radio));
    assert_eq!(texts(&form)[1], "Each level includes those before it. Select one:");
}
