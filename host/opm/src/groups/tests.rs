//! Files as sites have them, and what stands in none.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt, symlink};

use fs_err as fs;
use proptest::prelude::*;

use super::*;
use crate::config::SourcePath;

/// A line for each list of members.
fn shown(table: &Result<GroupTable, GroupSourceError>) -> String {
    let table = match table {
        Ok(table) => table,
        Err(error) => return format!("error: {error}\n"),
    };
    let mut text = String::new();
    for name in table.names() {
        let parts = table.get(name).unwrap();
        let parts: Vec<String> = parts
            .iter()
            .map(|part| {
                let members = match &part.members {
                    Members::Targets(text) | Members::Nodes(text) => text.to_string(),
                    Members::Group(name) => format!("@{name}"),
                };
                format!("{members} ({})", part.place)
            })
            .collect();
        text.push_str(&format!("{name} = {}\n", parts.join(", ")));
    }
    text
}

fn shown_yaml(text: &str) -> String {
    match clustershell::parse_yaml(text, "g.yaml") {
        Ok(sources) => {
            sources.into_iter().map(|(name, table)| format!("[{name}]\n{}", shown(&Ok(table)))).collect()
        }
        Err(error) => format!("error: {error}\n"),
    }
}

#[test]
fn genders() {
    let text = "\
# Genders of the cluster
mgmt1                   mgmt,os=el9          # the head node

login[1-2]\tlogin,os=el9,alias=%n-ext
node[001-128]           compute,rack=r1
node[129-256],fat[1-4]  compute,rack=r2,ib=ib0%%
node[1-2],x3            console=%n.bmc
lonely
";
    insta::assert_snapshot!(shown(&genders::parse(text, "genders")));
    for bad in
        ["n1 a b", "n1 a, b", "n1 a,,b", "n[1- a=%n", "n[1-9][1-9][1-9][1-9][1-9][1-9] a=%n", "n1 a\u{7}b"]
    {
        let error = genders::parse(&format!("# x\n{bad}"), "genders").unwrap_err().to_string();
        assert!(error.starts_with("genders:2: "), "{bad}: {error}");
    }
}

#[test]
fn yaml_of_clustershell() {
    let text = "\
---
# Groups by role
roles:
    adm: 'mgmt[1-2]'
    \"login\": \"login[1-2]\"   # with a comment
    compute: node[0001-0288]
    servers:
        - 'server001'
        - server002,server101
        - \"server[003-006]\"
    flat:
    - a1
    - '@roles:adm'
    flow: ['b1', \"b2\", b3 ]
    long: node[1-3],
        node5,
        node[7-9]
    cpu_only: '@compute!@gpu'
    1: node1
    nobody:
    it's: x#1

'racks':
  r[1]: 'it''s'
empty: {}
";
    insta::assert_snapshot!(shown_yaml(text));
    assert_eq!(shown_yaml(""), "");
}

#[test]
fn yaml_that_groups_do_not_take() {
    let cases = [
        "roles: x",
        "roles:\n\tadm: x",
        "roles:\n  adm: @x",
        "roles:\n  adm: 'x",
        "roles:\n  adm: \"a\\nb\"",
        "roles:\n  adm: &anchor x",
        "roles:\n  adm: *alias",
        "roles:\n  adm: !!str x",
        "roles:\n  adm: |\n    x",
        "roles:\n  adm: {a: b}",
        "roles:\n  adm:\n    deep: x",
        "roles:\n  adm:\n    - - x",
        "roles:\n  adm:\n    - a: x",
        "roles:\n  adm: x\n  adm: y",
        "roles:\n  adm: x\nroles:\n  b: y",
        "roles:\n  adm: x\n    b: y",
        "roles:\n    adm: x\n  b: y",
        "roles:\n  adm: [a, [b]]",
        "roles:\n  adm: ['a'b]",
        "roles:\n  adm: [a",
        "- roles",
        "roles:\n  - adm",
        "  roles:\n  a: b",
        "roles:\n  ? a",
        "roles:\n  'a': b: c",
        "roles:\n  a: x\n---\nb:\n",
        "roles:\n  \"a\u{202e}\": b",
    ];
    let text: String =
        cases.iter().map(|text| format!("{}\n  {}", text.escape_debug(), shown_yaml(text))).collect();
    assert_eq!(text.matches("error: g.yaml:").count(), cases.len(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn lines_of_clustershell() {
    let text = "# old\nadm: mgmt[1-2]\ncompute:node[1-3],node5   # half a rack\n\nall: @adm,@compute\nempty:\nadm: mgmt3\n";
    insta::assert_snapshot!(shown(&clustershell::parse_lines(text, "local.cfg")), @r"
    adm = mgmt[1-2] (local.cfg:2), mgmt3 (local.cfg:7)
    all = @adm,@compute (local.cfg:5)
    compute = node[1-3],node5 (local.cfg:3)
    empty =  (local.cfg:6)
    ");
    let error = clustershell::parse_lines("a: b\nnodes", "local.cfg").unwrap_err();
    assert_eq!(error.to_string(), "local.cfg:2: what stands here is not `GROUP: NODES`");
}

fn records(text: &str, file: &str) -> Result<Vec<slurm::Record>, GroupSourceError> {
    let records = slurm::parse(text, file)?.into_iter().filter_map(|statement| match statement {
        slurm::Statement::Record(record) => Some(record),
        slurm::Statement::Include { .. } => None,
    });
    Ok(records.collect())
}

#[test]
fn partitions_of_slurm() {
    let text = "\
ClusterName=oscar
SlurmctldHost=mgmt1(10.0.0.1)   # the first one
# NodeName=gone[1-9] \\
NodeName=DEFAULT CPUs=64 State=UNKNOWN
NodeName=node[001-128] NodeAddr=10.0.1.[1-128] \\
    RealMemory=256000 \\
    Feature=skylake,ib
nodename=r[1-2]n[1-4] Feature=\"bigmem,ib\" Reason=\"has \\# in it\"
NodeName=login1 State=FUTURE
NodeSet=fat Feature=bigmem
NodeSet=some Nodes=node[001-004],login1
PartitionName=DEFAULT MaxTime=1-0
PartitionName=DEFAULT Nodes=node[001-064] State=UP
PartitionName=debug Default=YES
PartitionName = long Nodes = node[065-128],r1n[1-4] MaxTime=INFINITE
PartitionName=all Nodes=ALL
PartitionName=big Nodes=fat,some,node128
PartitionName=none Nodes=\"\"
PartitionName=long Nodes+=r2n1
";
    insta::assert_snapshot!(shown(&slurm::partitions(&records(text, "slurm.conf").unwrap())));
    for bad in [
        "NodeName=n1 oops CPUs=1",
        "PartitionName=",
        "PartitionName=a Nodes=\"b",
        "NodeName=n1 a-b=c",
        "NodeName=n1 oops",
    ] {
        let error = records(&format!("\n{bad}"), "slurm.conf").unwrap_err().to_string();
        assert!(error.starts_with("slurm.conf:2: "), "{bad}: {error}");
    }
}

#[test]
fn lines_of_slurm_go_on_within_a_word() {
    let text = "\
NodeName=node[1-2],\\
node3 Feature=a,\\
b
NodeSet=set Feature=b
PartitionName=p \\
    Nodes=set,\\
login1,\\  # who comes from outside
login2
PartitionName=q Nodes=node1 Reason=ends\\\\
PartitionName=r Nodes=node2
";
    insta::assert_snapshot!(shown(&slurm::partitions(&records(text, "slurm.conf").unwrap())), @r"
    p = node[1-2],node3 (slurm.conf:5), login1 (slurm.conf:5), login2 (slurm.conf:5)
    q = node1 (slurm.conf:9)
    r = node2 (slurm.conf:10)
    ");
}

#[test]
fn nodes_of_slurm_have_the_features_of_the_template_before_them() {
    let text = "\
NodeName=n1
NodeName=DEFAULT Features=a,b CPUs=64
NodeName=n2
NodeName=n3 Feature=c
NodeName=n4 Features=\"\"
nodename=default CPUs=32
NodeName=n5
NodeName=DEFAULT Feature=c
NodeName=n6
NodeSet=a Feature=a
NodeSet=c Feature=c
PartitionName=of-a Nodes=a
PartitionName=of-c Nodes=c
PartitionName=all Nodes=ALL
";
    insta::assert_snapshot!(shown(&slurm::partitions(&records(text, "slurm.conf").unwrap())), @r"
    all = n1,n2,n3,n4,n5,n6 (slurm.conf:14)
    of-a = n2,n5 (slurm.conf:12)
    of-c = n3,n6 (slurm.conf:13)
    ");
}

#[test]
fn large_files_of_slurm_stay_small() {
    // A line for each node, as generators write them, and partitions of all nodes.
    let nodes: String =
        (0..5000).map(|node| format!("NodeName=node{node} Feature=a,b{}\n", node % 7)).collect();
    let partitions: String =
        (0..500).map(|number| format!("PartitionName=p{number} Nodes=ALL,set,node{number}\n")).collect();
    let records = records(&format!("{nodes}NodeSet=set Feature=a\n{partitions}"), "slurm.conf").unwrap();
    let table = slurm::partitions(&records).unwrap();
    assert!(table.names().all(|name| table.get(name).unwrap().len() == 3));
    let sets: String = (0..2000).map(|set| format!("NodeSet=s{set} Feature=a\n")).collect();
    let error = slurm::partitions(&self::records(&sets, "slurm.conf").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "slurm.conf:1001: there are too many sets of nodes");
}

#[test]
fn switches_of_slurm() {
    let text = "\
##################################################################
# Slurm's network topology
##################################################################
SwitchName=s0 Nodes=node[001-016] LinkSpeed=100
SwitchName=s1 Nodes=node[017-032]
SWITCHNAME=s2 SWITCHES=s[0-1]
SwitchName=core Switches=s2,s9 Nodes=login1
BlockName=b1 Nodes=node[001-018]
BlockSizes=18
";
    insta::assert_snapshot!(shown(&slurm::switches(&records(text, "topology.conf").unwrap())), @r"
    b1 = node[001-018] (topology.conf:8)
    core = login1 (topology.conf:7), @s2 (topology.conf:7), @s9 (topology.conf:7)
    s0 = node[001-016] (topology.conf:4)
    s1 = node[017-032] (topology.conf:5)
    s2 = @s0 (topology.conf:6), @s1 (topology.conf:6)
    ");
}

struct Site {
    directory: tempfile::TempDir,
    settings: GroupSettings,
}

impl Site {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let at = |name: &str| SourcePath::At(directory.path().join(name));
        let files = GroupFiles {
            clustershell: at("clustershell"),
            genders: at("genders"),
            slurm: at("slurm.conf"),
            topology: SourcePath::Usual,
        };
        let settings = GroupSettings { path: "/etc/opm/opm.toml".into(), files, ..GroupSettings::default() };
        Self { directory, settings }
    }

    /// All that is found, the same wherever the test runs.
    fn shown(&self) -> String {
        let found = load(&self.settings);
        let sources =
            found.sources().iter().map(|source| format!("[{}]\n{}", source.name, shown(&source.groups)));
        sources.collect::<String>().replace(&self.directory.path().display().to_string(), "DIR")
    }
}

#[test]
fn all_files_of_a_site() {
    let site = Site::new(&[
        ("clustershell/groups.d/a.yaml", "roles:\n  adm: mgmt1\nracks:\n  r1: node1\n"),
        ("clustershell/groups.d/b.yaml", "racks:\n  r2: node2\n"),
        ("clustershell/groups.d/bad.yaml", "x\n"),
        ("clustershell/groups.d/local.cfg", "compute: node[1-3]\n"),
        ("clustershell/groups.d/.hidden.yaml", "y:\n"),
        ("clustershell/groups.d/notes.txt", "no groups"),
        ("genders", "node1 gpu\n"),
        ("slurm.conf", "Include nodes.conf\ninclude parts/all.conf\nPartitionName=p Nodes=ALL\n"),
        ("nodes.conf", "NodeName=node[1-3]\n"),
        ("parts/all.conf", "Include more.conf\n"),
        ("more.conf", "NodeName=node4\n"),
        ("topology.conf", "SwitchName=s1 Nodes=node1\n"),
    ]);
    insta::assert_snapshot!(site.shown());
}

#[test]
fn files_that_cannot_be_used() {
    let site = Site::new(&[
        ("clustershell/groups.d/a.yaml", "roles:\n  adm: mgmt1\n"),
        ("slurm.conf", "Include slurm.conf\n"),
        ("topology.conf", "SwitchName=s1 Nodes=node1\n"),
    ]);
    let topology = site.directory.path().join("topology.conf");
    fs::set_permissions(topology, PermissionsExt::from_mode(0o666)).unwrap();
    let pipe = site.directory.path().join("clustershell/groups.d/pipe.yaml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    symlink("/dev/zero", site.directory.path().join("clustershell/groups.d/zero.cfg")).unwrap();
    insta::assert_snapshot!(site.shown());
}

#[test]
fn what_is_switched_off_or_not_there_is_no_source() {
    let mut site = Site::new(&[("genders", "node1 gpu\n"), ("topology.conf", "SwitchName=s Nodes=n1\n")]);
    site.settings.files =
        GroupFiles { slurm: SourcePath::Off, clustershell: SourcePath::Off, ..site.settings.files };
    let names = |settings: &GroupSettings| -> Vec<String> {
        load(settings).sources().iter().map(|source| source.name.clone()).collect()
    };
    assert_eq!(names(&site.settings), ["opm", "genders"]);
    site.settings.files.topology = SourcePath::At(site.directory.path().join("topology.conf"));
    assert_eq!(names(&site.settings), ["opm", "genders", "topology"]);
}

proptest! {
    #[test]
    fn no_text_breaks_a_parser(text in "(\\PC|\n|\t){0,60}|([a-c]|[@:,'\"=%#\\\\ \\[\\]{}|-]|\n|  |%n|NodeName=|Nodes=|Switches=|\\[1-9\\]|Include ){0,24}") {
        for parsed in [
            genders::parse(&text, "f"),
            clustershell::parse_lines(&text, "f"),
            records(&text, "f").and_then(|records| slurm::partitions(&records)),
            records(&text, "f").and_then(|records| slurm::switches(&records)),
        ] {
            if let Err(error) = parsed {
                prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
            }
        }
        if let Err(error) = clustershell::parse_yaml(&text, "f") {
            prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
        }
    }

    #[test]
    fn what_is_written_as_yaml_is_read(groups in proptest::collection::btree_map("[a-z0-9_]{1,6}", "[a-z0-9@,!#' -]{0,12}", 0..5)) {
        let mut text = String::from("source:\n");
        for (name, nodes) in &groups {
            text.push_str(&format!("  {name}: '{}'\n", nodes.replace('\'', "''")));
        }
        let sources = clustershell::parse_yaml(&text, "f").unwrap();
        let table = &sources[0].1;
        for (name, nodes) in &groups {
            let parts = table.get(name).unwrap();
            prop_assert_eq!(&parts[0].members, &Members::Nodes(nodes.as_str().into()));
        }
    }
}
