//! Files of other programs that define groups of nodes, and what is written about targets.

use opkg_engine::groups::{GroupCatalog, GroupSource};
use opkg_engine::target_selector::{TargetSelector, select};
use opkg_oda::Cluster;
use opkg_opm::groups::parsers;

use super::target::Target;

pub const TARGET: Target = Target {
    name: "group_files",
    run,
    seeds,
    dictionary: &[
        "\n",
        "  ",
        ": ",
        "- ",
        "'",
        "\"",
        "#",
        "\\\n",
        "@",
        "!",
        "&",
        "^",
        "%n",
        "NodeName=",
        "PartitionName=",
        "NodeSet=",
        "Nodes=ALL",
        "SwitchName=",
        "Switches=",
        "DEFAULT",
        "Feature=",
        "[1-9]",
        "[001-100]",
        "roles:\n",
        "@a:b*",
    ],
};

/// Reads the text as each of the formats, and works out what a group of it means.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = text.parse::<TargetSelector>().map(|word| word.to_string().parse::<TargetSelector>());
    let mut catalog = GroupCatalog::default();
    let mut add = |name: &str, groups| catalog.add(GroupSource { name: name.to_owned(), groups });
    add("genders", parsers::genders(&text, "genders"));
    add("local", parsers::clustershell_lines(&text, "local.cfg"));
    for (name, table) in parsers::clustershell_yaml(&text, "groups.yaml").unwrap_or_default() {
        add(&name, Ok(table));
    }
    let records = parsers::slurm(&text, "slurm.conf").map(|statements| {
        let records = statements.into_iter().filter_map(|statement| match statement {
            parsers::Statement::Record(record) => Some(record),
            parsers::Statement::Include { .. } => None,
        });
        records.collect::<Vec<_>>()
    });
    add("slurm", records.clone().and_then(|records| parsers::partitions(&records)));
    add("topology", records.and_then(|records| parsers::switches(&records)));
    for label in catalog.labels().iter().take(8) {
        if let Ok(word) = label.parse::<TargetSelector>() {
            let _ = select(&[word], &Cluster::default(), &catalog, &Default::default());
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "node[1-4],login os=el9,console=%n.bmc # x\n",
        "roles:\n  adm: 'mgmt[1-2]'\n  all:\n    - '@adm'\n    - node[1-4]\n",
        "adm: mgmt[1-2]\nall: @adm,node1!node2\n",
        "NodeName=node[1-4] \\\n  Feature=a,b\nNodeSet=s Feature=a\nPartitionName=p Nodes=s,node9\n",
        "SwitchName=s0 Nodes=node[1-4]\nSwitchName=s1 Switches=s0\n",
        "@gpu!node[3-4]&@slurm:a*",
    ]
    .map(Into::into)
    .to_vec()
}
