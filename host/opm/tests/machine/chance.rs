//! Random clusters, outcomes, deaths and administrators. What must hold in every commit is in `witness`; here is what
//! must hold in the end.

use std::collections::BTreeSet;

use opkg_oda::{Change, Cluster, Key, Kind, PackageId, Phase, Row, Stage, State};
use opkg_opm::machine::{Due, Machine, Verdict, Wait, Work, unseen_images};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::acts::{Act, act, happen, phase};
use crate::site::Site;
use crate::witness;
use crate::world::{Mishap, World};

/// More pieces of work than any of these clusters has.
const ENDLESS: usize = 3_000;

#[derive(Debug, Clone)]
struct Plan {
    images: usize,
    clients: usize,
    /// For each package whether it is of class core, and what it needs.
    packages: Vec<(bool, Vec<usize>)>,
    phase: Phase,
    acts: Vec<Act>,
}

/// What happens to one piece of work.
#[derive(Debug, Clone)]
enum Fate {
    Well,
    Mishap(Mishap),
    /// The engine dies before, during, or after it, with the result not committed.
    Dies(u8),
    /// Somebody does something meanwhile, and the engine hears of it then or later.
    Meanwhile(Act, bool),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop::sample::select(vec![Mishap::Fails, Mishap::Partly, Mishap::Stops, Mishap::Waits])
}

fn plan() -> impl Strategy<Value = Plan> {
    let package = (any::<bool>(), prop::collection::vec(0..5usize, 0..3));
    (0..3usize, 0..3usize, prop::collection::vec(package, 1..5), phase(), prop::collection::vec(act(), 1..8))
        .prop_map(|(images, clients, packages, phase, acts)| Plan { images, clients, packages, phase, acts })
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => Just(Fate::Well),
        2 => mishap().prop_map(Fate::Mishap),
        2 => (0..4u8).prop_map(Fate::Dies),
        2 => (act(), any::<bool>()).prop_map(|(act, heard)| Fate::Meanwhile(act, heard)),
    ];
    prop::collection::vec(fate, 0..60)
}

fn build(plan: &Plan) -> Site {
    let mut site = Site::new().phase(plan.phase);
    for number in 0..plan.images {
        site = site.image(&format!("i{number}"));
    }
    for number in 0..plan.clients {
        site = site.client(&format!("c{number}"));
    }
    for (number, (core, _)) in plan.packages.iter().enumerate() {
        let class = if *core { opkg_oda::Class::Core } else { opkg_oda::Class::Base };
        site = site.package_of(&format!("p{number}"), class, &[]);
    }
    for (number, (_, needs)) in plan.packages.iter().enumerate() {
        for needed in needs {
            site = site.needs(&format!("p{number}"), &format!("p{}", needed % plan.packages.len()));
        }
    }
    for act in &plan.acts {
        happen(&mut site, act);
    }
    site
}

/// Runs to the end with whatever is to happen on the way, then undisturbed.
fn live(site: &mut Site, fates: &[Fate]) {
    let mut machine = site.machine();
    let mut fates = fates.iter();
    for _ in 0..ENDLESS {
        let Some(work) = machine.next() else {
            match fates.next() {
                None => return,
                Some(Fate::Meanwhile(act, _)) => happen(site, act),
                Some(_) => {}
            }
            machine = site.machine();
            continue;
        };
        rightful(&machine, &work, &site.world);
        match fates.next().unwrap_or(&Fate::Well) {
            Fate::Well => site.step(&mut machine, &work),
            Fate::Mishap(mishap) => {
                site.world.mishaps = vec![Some(*mishap)];
                site.step(&mut machine, &work);
                site.world.mishaps.clear();
            }
            Fate::Dies(when) => {
                if *when > 0 {
                    let begun = machine.begin(&work, site.now);
                    site.commit(&begun);
                }
                match when {
                    2 => {
                        site.world.mishaps = vec![Some(Mishap::Fails)];
                        site.world.perform(&site.cluster, &work);
                        site.world.mishaps.clear();
                    }
                    3 => drop(site.world.perform(&site.cluster, &work)),
                    _ => {}
                }
                machine = site.machine();
            }
            Fate::Meanwhile(act, heard) => {
                site.step(&mut machine, &work);
                happen(site, act);
                // What a run maintains is settled when it begins.
                if *heard && machine.cluster().targets.keys().eq(site.cluster.targets.keys()) {
                    machine.renew(site.cluster.clone());
                } else {
                    machine = site.machine();
                }
            }
        }
    }
    panic!("it never ends");
}

/// What is chosen may be done now.
fn rightful(machine: &Machine, work: &Work, world: &World) {
    let cluster = machine.cluster();
    let rows = work.rows();
    for key in &rows {
        let row = cluster.row(*key).expect("a row");
        assert_ne!(row.state, State::Error, "{work:?}");
        let server = cluster.targets[&key.target].kind() == Kind::Server;
        let interrupted = row.state == State::Running;
        match work {
            Work::Remove { to, .. } => {
                assert!(row.leaving());
                if server {
                    let kept = cluster.all_rows().any(|(other, it)| {
                        other.package == key.package && other.target != key.target && it.present()
                    });
                    assert!(!kept, "the server keeps it while anybody has it: {work:?}");
                }
                for (needing, package) in &cluster.packages {
                    let circle = depends(cluster, key.package, *needing);
                    if package.needs.contains(&key.package) && !circle {
                        let other = cluster.row(Key { package: *needing, ..*key });
                        assert!(other.is_none_or(|it| it.current <= *to), "dependents first: {work:?}");
                    }
                }
            }
            Work::Mark { .. } if interrupted => {}
            Work::Install { stage, .. } | Work::Mark { stage, .. } | Work::Hook { stage, .. }
                if !row.leaving() =>
            {
                let gate = stage.gate(cluster.targets[&key.target].kind());
                assert!(gate.is_none_or(|it| it <= cluster.phase), "gates: {work:?}");
                assert!(cluster.row(*key).is_some_and(|it| it.requested > Stage::ShouldNotBeInstalled));
                for needed in &cluster.packages[&key.package].needs {
                    let circle = depends(cluster, *needed, key.package);
                    let beside = rows.contains(&Key { package: *needed, ..*key });
                    let other = cluster.row(Key { package: *needed, ..*key });
                    let asked = |it: &Row| it.requested > Stage::ShouldNotBeInstalled;
                    assert!(
                        circle || beside || other.is_none_or(|it| it.current >= *stage || !asked(it)),
                        "dependencies first: {work:?}"
                    );
                }
            }
            _ => {}
        }
    }
    // Nothing of an earlier stage is left. What stage 6 hands over is taken up when all packages are through it.
    let stage = match work {
        Work::Install { stage, .. } | Work::Hook { stage, .. } => *stage,
        Work::Configure { .. } => Stage::RunConfigurator,
        _ => return,
    };
    let others = cluster.all_rows().map(|(key, _)| key).filter(|it| !world.stopped.contains(it));
    for key in others.filter(|_| stage != Stage::PostClients) {
        if let Verdict::Due(Due::Up(earlier)) = machine.verdict(key) {
            assert!(earlier >= stage, "stage-major: {work:?} before {key:?} has come through {earlier}");
        }
    }
}

fn depends(cluster: &Cluster, from: PackageId, on: PackageId) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if id == on {
            return true;
        }
        let needs = cluster.packages.get(&id).into_iter().flat_map(|it| &it.needs);
        open.extend(needs.copied().filter(|it| seen.insert(*it)));
    }
    false
}

/// Every row has come to its end, or says truly why not.
fn settled(site: &Site) {
    let (cluster, machine) = (&site.cluster, site.machine());
    for (key, row) in cluster.all_rows() {
        witness::honest(cluster, key, row, &site.world);
        assert_ne!(row.state, State::Running);
        match machine.verdict(key) {
            Verdict::Due(due) => panic!("{key:?} {row:?} has {due:?} left"),
            Verdict::Failed => assert_eq!(row.state, State::Error),
            Verdict::Idle => {
                let removed = row.requested == Stage::ShouldNotBeInstalled && row.current == row.requested;
                assert!(
                    removed || row.requested > Stage::ShouldNotBeInstalled && row.current >= row.requested
                );
                assert!(!cluster.reruns.contains_key(&key), "{key:?} {:?}", cluster.reruns);
                if row.current >= Stage::PostImage && cluster.targets[&key.target].kind() == Kind::Server {
                    assert_eq!(unseen_images(cluster, key.package).count(), 0);
                }
            }
            Verdict::Waits(Wait::Phase(phase)) => assert!(phase > cluster.phase),
            Verdict::Waits(Wait::HandOver) => assert!(!cluster.handed_over(key)),
            Verdict::Waits(Wait::Configuration(what)) => {
                assert_eq!(cluster.packages[&key.package].awaits, Some(what));
            }
            Verdict::Waits(Wait::StillOn(target)) => {
                assert!(cluster.row(Key { target, ..key }).is_some_and(Row::present));
            }
            Verdict::Blocked(by) => {
                let other = Key { package: by, ..key };
                assert!(cluster.row(other).is_some());
                assert!(
                    depends(cluster, by, key.package) || depends(cluster, key.package, by),
                    "{key:?} has nothing to do with {by:?}"
                );
            }
        }
    }
}

/// Everything is answered, cleared, and in the last phase; then nothing but what is requested may be left.
fn relieve(site: &mut Site) {
    happen(site, &Act::Phase(Phase::TestInstall));
    happen(site, &Act::Answer);
    happen(site, &Act::Clear);
    live(site, &[]);
}

/// What is left of a database when times and attempts do not matter.
fn gist(cluster: &Cluster) -> Cluster {
    let mut gist = cluster.clone();
    let keys: Vec<Key> = cluster.all_rows().map(|(key, _)| key).collect();
    for key in keys {
        let row = Row { changed: 0, attempts: 0, ..cluster.row(key).unwrap().clone() };
        gist.apply(&Change::Progress(key, row));
    }
    for (package, clients) in &cluster.assignments {
        for (client, told) in clients {
            let handed_over = told.map(|_| 0);
            gist.apply(&Change::Assign { package: *package, client: *client, handed_over });
        }
    }
    gist
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn whatever_happens_every_row_ends_where_the_rules_say(plan in plan(), fates in fates()) {
        let mut site = build(&plan);
        live(&mut site, &fates);
        live(&mut site, &[]);
        settled(&site);
        relieve(&mut site);
        settled(&site);
        let failed = site.cluster.all_rows().filter(|(_, row)| row.state == State::Error).count();
        prop_assert_eq!(failed, 0);
    }

    #[test]
    fn deaths_change_nothing_in_the_end(plan in plan(), deaths in prop::collection::vec((0..8usize, 0..4u8), 0..30)) {
        let mut calm = build(&plan);
        let mut haunted = calm.clone();
        live(&mut calm, &[]);
        let fates: Vec<Fate> = deaths
            .into_iter()
            .flat_map(|(after, when)| std::iter::repeat_n(Fate::Well, after).chain([Fate::Dies(when)]))
            .collect();
        live(&mut haunted, &fates);
        prop_assert_eq!(gist(&haunted.cluster), gist(&calm.cluster));
        prop_assert_eq!((&haunted.world.api, &haunted.world.part), (&calm.world.api, &calm.world.part));
    }

    #[test]
    fn a_failure_changes_no_row_of_another_package(plan in plan(), at in 0..40usize) {
        let mut site = build(&plan);
        let mut machine = site.machine();
        for _ in 0..at {
            let Some(work) = machine.next() else { return Ok(()) };
            site.step(&mut machine, &work);
        }
        let Some(work) = machine.next() else { return Ok(()) };
        let before = site.cluster.clone();
        site.world.mishaps = vec![Some(Mishap::Fails)];
        site.step(&mut machine, &work);
        let own: BTreeSet<PackageId> = work.rows().into_iter().map(|it| it.package).collect();
        for (key, row) in site.cluster.all_rows().filter(|(key, _)| !own.contains(&key.package)) {
            prop_assert_eq!(before.row(key), Some(row));
        }
    }
}
