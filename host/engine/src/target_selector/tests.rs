#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use opkg_oda::{Change, Target};
use proptest::prelude::*;

use super::*;
use crate::groups::{GroupPart, GroupSource, GroupSourceError, GroupTable, Members, Place};

const ADDRESSES: [&str; 9] = [
    "server:head",
    "image:compute",
    "image:login",
    "client:n1",
    "client:n2",
    "client:n3",
    "client:n4",
    "client:n10",
    "client:login",
];

fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    for (id, address) in (1..).zip(ADDRESSES) {
        let target = Target { id: TargetId(id), address: address.parse().unwrap(), root: None, image: None };
        cluster.apply(&Change::PutTarget(target));
    }
    cluster
}

fn table(groups: &[(&str, Members)]) -> GroupTable {
    let mut table = GroupTable::default();
    for (line, (name, members)) in (1..).zip(groups) {
        let place = Place { file: "/etc/file".into(), line: Some(line) };
        table.add(name, GroupPart { members: members.clone(), place }).unwrap();
    }
    table
}

fn targets(text: &str) -> Members {
    Members::Targets(text.into())
}

fn nodes(text: &str) -> Members {
    Members::Nodes(text.into())
}

fn catalog() -> GroupCatalog {
    let mut catalog = GroupCatalog::default();
    let own = table(&[
        ("rack1", targets("n[1-2]")),
        ("rack2", targets("n[3-4]")),
        ("racks", targets("@rack[1-2]")),
        ("service", targets("server,image:login")),
        ("service", targets("@slurm:debug")),
        ("but", targets("!n[1-4]")),
        ("empty", targets("")),
        ("gone", targets("x[1-3],y")),
        ("loop1", targets("n1,@loop2")),
        ("loop2", targets("@loop3")),
        ("loop3", targets("@loop1!n2")),
        ("itself", targets("@itself")),
        ("outer", targets("n1,@inner")),
        ("inner", targets("n2,@nobody")),
        ("gpu", targets("n1")),
    ]);
    let genders = table(&[
        ("gpu", nodes("n2")),
        ("big", nodes("n[1-2],mgmt1")),
        ("all", nodes("n[1-4],all,clients")),
        ("rack1", nodes("n4")),
        ("both", nodes("@rack1")),
        ("odd", nodes("n[1-")),
    ]);
    let slurm =
        table(&[("big", nodes("n[3-4]")), ("debug", nodes("n10")), ("up", Members::Group("debug".into()))]);
    let lost = GroupSourceError::Unusable("/etc/lost.yaml cannot be read".into());
    for (name, groups) in [("opm", Ok(own)), ("genders", Ok(genders)), ("slurm", Ok(slurm))] {
        catalog.add(GroupSource { name: name.into(), groups });
    }
    catalog.add(GroupSource { name: "lost".into(), groups: Err(lost) });
    catalog
}

/// The same without the source that cannot be read.
fn sound_catalog() -> GroupCatalog {
    let mut sound = GroupCatalog::default();
    catalog()
        .sources()
        .iter()
        .filter(|source| source.groups.is_ok())
        .for_each(|source| sound.add(source.clone()));
    sound
}

fn try_select(text: &str, catalog: &GroupCatalog) -> Result<String, SelectError> {
    let words: Vec<TargetSelector> = text.split(' ').map(|word| word.parse().unwrap()).collect();
    let cluster = cluster();
    // What a command means that is about clients.
    let otherwise = (4..=9).map(TargetId).collect();
    let chosen = select(&words, &cluster, catalog, &otherwise)?;
    Ok(crate::format::target_label(&cluster, chosen))
}

fn chosen(text: &str) -> String {
    try_select(text, &sound_catalog()).unwrap()
}

#[test]
fn targets_by_kind_name_range_and_pattern() {
    for (word, _) in KEYWORDS {
        assert!(!chosen(word).is_empty(), "{word}");
    }
    for (text, expected) in [
        ("server", "server:head"),
        ("images", "image:[compute,login]"),
        ("client:n[1-2]", "client:n[1-2]"),
        ("n[1-2]", "client:n[1-2]"),
        ("client:n?,login", "client:login,n[1-4]"),
        ("client:*i*", "client:login"),
        ("image:login", "image:login"),
        ("client:n1,n1,n*", "client:n[1-4,10]"),
        ("n[1-2]*", "client:n[1-2,10]"),
        ("server image:login", "server:head image:login"),
    ] {
        assert_eq!(chosen(text), expected.replace("[compute,login]", "compute,login"), "{text}");
    }
}

#[test]
fn groups_and_operators() {
    for (text, expected) in [
        ("@rack1", "client:n[1-2]"),
        ("@racks", "client:n[1-4]"),
        ("@rack[1-2]", "client:n[1-4]"),
        ("@opm:rack*", "client:n[1-4]"),
        ("@service", "server:head image:login client:n10"),
        ("@but", "server:head image:compute,login client:login,n10"),
        ("@gpu", "client:n1"), // the administrator's own comes first
        ("@genders:gpu", "client:n2"),
        ("@debug", "client:n10"),
        ("@up", "client:n10"),
        ("@genders:both", "client:n4"),    // its own source comes first
        ("@genders:all", "client:n[1-4]"), // no words of opm there
        ("@genders:big", "client:n[1-2]"), // mgmt1 is no target
        ("clients!@rack1", "client:login,n[3-4,10]"),
        ("@rack1,@rack2!n2", "client:n[1,3-4]"),
        ("@rack1!n2,n2", "client:n[1-2]"), // from left to right
        ("n3,@rack1&n[1-3]", "client:n[1-3]"),
        ("n[1-3]&@rack2", "client:n3"),
        ("n[1-3]^@rack2", "client:n[1-2,4]"),
        ("clients!@empty", "client:login,n[1-4,10]"),
        ("!@racks", "client:login,n10"),
        ("!login", "client:n[1-4,10]"),
        ("!n1!n2", "client:login,n[3-4,10]"),
        ("@rack1 !n1 n3", "client:n[2-3]"),
        ("!n1 @rack1", "client:n2"), // wherever it stands
        ("!n1 !n10", "client:login,n[2-4]"),
    ] {
        assert_eq!(chosen(text), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_chosen() {
    let cases = [
        "client:n[1-5]",
        "image:x*",
        "server:n1",
        "sever",
        "n1!n99",
        "compute",
        "@rak1",
        "@slurm:rack1",
        "@nothing-like-it",
        "@slrum:big",
        "@big",
        "@empty",
        "@gone",
        "clients!@gone",
        "@loop1",
        "@itself",
        "@outer",
        "@genders:odd",
        "n1&n2",
        "!clients",
        "@x*",
    ];
    let transcript = |text: &str, catalog: &GroupCatalog| {
        let error = try_select(text, catalog).unwrap_err();
        format!("{text}\n  {error}\n  help: {}\n", error.help())
    };
    let mut text: String = cases.iter().map(|text| transcript(text, &sound_catalog())).collect();
    text.push_str("\n-- no groups\n");
    text.push_str(&transcript("@rack1", &GroupCatalog::default()));
    text.push_str("\n-- a source that cannot be read\n");
    for case in ["@big", "@lost:x", "@yaml:x"] {
        text.push_str(&transcript(case, &catalog()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_source_that_cannot_be_read_matters_only_to_its_groups() {
    for text in ["@rack1", "@slurm:debug", "clients!@racks", "@genders:both", "@service", "@genders:all"] {
        assert_eq!(try_select(text, &catalog()), try_select(text, &sound_catalog()), "{text}");
    }
    assert!(matches!(try_select("@debug", &catalog()), Err(SelectError::Source { .. })));
}

#[test]
fn groups_of_groups_cost_no_more_than_they_hold() {
    // Each names the one before it many times over.
    let mut groups = vec![("g00".to_owned(), targets("n1"))];
    for level in 1..30 {
        let below = format!("@g{:02}", level - 1);
        groups.push((format!("g{level:02}"), targets(&vec![below; 10].join(","))));
    }
    let chain: Vec<(String, Members)> =
        (0..50).map(|level| (format!("c{level}"), targets(&format!("@c{}", level + 1)))).collect();
    groups.extend(chain);
    groups.push(("many".into(), nodes(&vec!["m[1-100000]"; 51].join(","))));
    let groups: Vec<(&str, Members)> =
        groups.iter().map(|(name, members)| (name.as_str(), members.clone())).collect();
    let mut catalog = GroupCatalog::default();
    catalog.add(GroupSource { name: "opm".into(), groups: Ok(table(&groups)) });
    assert_eq!(try_select("@g29", &catalog).unwrap(), "client:n1");
    assert!(try_select("@c0", &catalog).unwrap_err().to_string().contains("too deeply"));
    assert_eq!(try_select("@many", &catalog), Err(SelectError::TooManyNames));
}

/// A second way to work out what an expression means, set by set.
fn model(terms: &[(char, &str)]) -> BTreeSet<String> {
    let sets: BTreeMap<&str, &[&str]> = [
        ("all", &ADDRESSES[..]),
        ("server", &ADDRESSES[..1]),
        ("images", &ADDRESSES[1..3]),
        ("clients", &ADDRESSES[3..]),
        ("n[2-4]", &ADDRESSES[4..7]),
        ("client:n*", &ADDRESSES[3..8]),
        ("image:compute", &ADDRESSES[1..2]),
        ("@rack1", &ADDRESSES[3..5]),
        ("@racks", &ADDRESSES[3..7]),
        ("@slurm:big", &ADDRESSES[5..7]),
    ]
    .into();
    let mut chosen: BTreeSet<String> = BTreeSet::new();
    for (operator, term) in terms {
        for address in ADDRESSES {
            let (left, right) = (chosen.contains(address), sets[term].contains(&address));
            let stays = match operator {
                ',' => left || right,
                '!' => left && !right,
                '&' => left && right,
                _ => left != right,
            };
            if stays {
                chosen.insert(address.to_owned());
            } else {
                chosen.remove(address);
            }
        }
    }
    chosen
}

proptest! {
    #[test]
    fn operators_are_those_of_sets(
        terms in proptest::collection::vec(
            (
                proptest::sample::select(vec![',', '!', '&', '^']),
                proptest::sample::select(vec![
                    "all", "server", "images", "clients", "n[2-4]", "client:n*", "image:compute", "@rack1", "@racks", "@slurm:big",
                ]),
            ),
            1..8,
        )
    ) {
        let mut terms = terms;
        terms[0].0 = ',';
        let mut text = String::new();
        for (index, (operator, term)) in terms.iter().enumerate() {
            // Behind a name of an image, `n[2-4]` would be images.
            let term = term.replace("n[2-4]", "client:n[2-4]");
            text.push_str(&if index == 0 { term } else { format!("{operator}{term}") });
        }
        let word: TargetSelector = text.parse().unwrap();
        let cluster = cluster();
        let expected = model(&terms);
        match select(std::slice::from_ref(&word), &cluster, &sound_catalog(), &BTreeSet::new()) {
            Ok(chosen) => {
                let chosen: BTreeSet<String> =
                    chosen.iter().map(|id| cluster.targets[id].address.to_string()).collect();
                prop_assert_eq!(chosen, expected);
            }
            Err(error) => {
                prop_assert_eq!(error, SelectError::NothingLeft(format!("`{word}`")));
                prop_assert!(expected.is_empty());
            }
        }
    }

    #[test]
    fn definitions_of_others_break_nothing(texts in proptest::collection::vec("\\PC{0,20}|[a-c@:,!&^*\\[\\]0-9 -]{0,12}", 1..6)) {
        let names = ["a", "b", "c", "a1", "b1", "c1"];
        let groups: Vec<(&str, Members)> = names.into_iter().zip(texts.iter().map(|text| nodes(text))).collect();
        let mut catalog = GroupCatalog::default();
        catalog.add(GroupSource { name: "x".into(), groups: Ok(table(&groups)) });
        for text in ["@a", "@*", "clients!@b", "@c[1-2]"] {
            if let Err(error) = try_select(text, &catalog) {
                let shown = format!("{error} {}", error.help());
                prop_assert!(!shown.contains(char::is_control), "{:?}", shown);
            }
        }
    }
}
