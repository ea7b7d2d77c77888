//! Packages in a real system, by a real apt and dpkg: they come, are replaced by newer ones, and go.

use std::collections::BTreeSet;
use std::process::Command;

use opkg_tests::{corpus, inspect, process, require_tools, scratch};

use crate::builds;
use crate::debian_system::{DebianSystem, PACKAGES, external_requirements, proof_package};

/// What follows the release of every package's version.
const TAG: &str = "+deb12";

fn proofs_of_part<'a>(proofs: &'a [String], part: &str) -> Vec<&'a str> {
    proofs.iter().map(String::as_str).filter(|line| line.starts_with(part)).collect()
}

/// Debian's policy, section 6.5 to 6.8, says which script runs when and with what.
#[test]
fn the_life_of_a_package() {
    let Some(system) = DebianSystem::new() else { return };
    let home = "/usr/lib/oscar/packages/life";
    system.publish(&[proof_package("life", "1.0-1", None)]);

    // The server part brings the api part along, by its relation to it.
    system.apt_succeeds(&["install", "opkg-life-server", "opkg-life-client"]);
    let proofs = system.take_proofs();
    for part in ["api", "server", "client"] {
        let expected = [
            format!("{part}-pre-install of 1.0-1: install; {home}"),
            format!("{part}-post-install of 1.0-1: configure ; {home}"),
        ];
        assert_eq!(proofs_of_part(&proofs, part), expected, "{proofs:#?}");
    }
    let place = |line: &str| proofs.iter().position(|proof| proof.starts_with(line)).unwrap();
    assert!(place("api-post-install") < place("server-post-install"), "{proofs:#?}");
    system.verify(&["opkg-life", "opkg-life-server", "opkg-life-client"]);
    assert!(system.files(home).contains("config.xml"));
    for package in ["opkg-life", "opkg-life-server", "opkg-life-client"] {
        assert_eq!(system.listed_files(package), system.installed_files(package), "{package}");
    }

    // Same date, same directory: apt must see that the index is another one.
    system.publish(&[proof_package("life", "2.0~rc1-1", None)]);
    system.publish(&[proof_package("life", "2.0-1", None)]);
    system.apt_succeeds(&["dist-upgrade"]);
    let proofs = system.take_proofs();
    for part in ["api", "server", "client"] {
        let expected = [
            format!("{part}-pre-uninstall of 1.0-1: upgrade 2.0-1{TAG}; {home}"),
            format!("{part}-pre-install of 2.0-1: upgrade 1.0-1{TAG} 2.0-1{TAG}; {home}"),
            format!("{part}-post-uninstall of 1.0-1: upgrade 2.0-1{TAG}; {home}"),
            format!("{part}-post-install of 2.0-1: configure 1.0-1{TAG}; {home}"),
        ];
        assert_eq!(proofs_of_part(&proofs, part), expected, "{proofs:#?}");
    }
    let all = ["opkg-life", "opkg-life-client", "opkg-life-server"];
    let installed = all.map(|name| format!("{name} 2.0-1{TAG} install ok installed"));
    assert_eq!(system.states_of("life"), installed);
    let guide = fs_err::read_to_string(system.root.resolve("/usr/share/doc/opkg-life/guide.txt")).unwrap();
    assert_eq!(guide, "Of 2.0-1.\n");
    system.verify(&all);

    let refused = system.apt(&["install", "opkg-life=1.0-1+deb12", "opkg-life-server=1.0-1+deb12"]);
    assert!(
        refused.code == Some(100) && refused.stderr.contains("downgraded"),
        "{}",
        refused.combined_output()
    );
    assert_eq!(system.states_of("life"), installed);
    assert_eq!(system.take_proofs(), [""; 0]);

    system.apt_succeeds(&["remove", "opkg-life", "opkg-life-client"]);
    let proofs = system.take_proofs();
    for part in ["api", "server", "client"] {
        let expected = [
            format!("{part}-pre-uninstall of 2.0-1: remove; {home}"),
            format!("{part}-post-uninstall of 2.0-1: remove; {home}"),
        ];
        assert_eq!(proofs_of_part(&proofs, part), expected, "{proofs:#?}");
    }
    let place = |line: &str| proofs.iter().position(|proof| proof.starts_with(line)).unwrap();
    assert!(place("server-pre-uninstall") < place("api-pre-uninstall"), "{proofs:#?}");
    assert_eq!(
        system.states_of("life"),
        all.map(|name| format!("{name} 2.0-1{TAG} deinstall ok config-files"))
    );
    assert!(!system.root.resolve(home).exists(), "a directory of its own is left");
    assert!(system.root.resolve("/usr/lib/oscar/testing/tests.d").is_dir());
    system.apt_succeeds(&["autoremove", "--purge"]);
    assert!(!system.root.resolve("/usr/lib/oscar").exists(), "what they shared is left");

    system.apt_succeeds(&["purge", "opkg-life", "opkg-life-client", "opkg-life-server"]);
    let proofs = system.take_proofs();
    for part in ["api", "server", "client"] {
        assert_eq!(proofs_of_part(&proofs, part), [format!("{part}-post-uninstall of 2.0-1: purge; {home}")]);
    }
    assert_eq!(system.states_of("life"), [""; 0]);
    let left =
        system.root.run_successfully(["find", "/usr", "/etc", "/var/lib/dpkg/info", "-name", "*opkg-life*"]);
    assert_eq!(left, "");
}

#[test]
fn a_failing_pre_install_stops_the_installation() {
    let Some(system) = DebianSystem::new() else { return };
    system.publish(&[
        proof_package("fail", "1.0-1", Some("server-pre-install")),
        proof_package("fine", "1.0-1", None),
    ]);
    // What it needs comes first: apt stops where a package fails, with whatever else it has in hand.
    system.apt_succeeds(&["install", "opkg-fail"]);
    let ended = system.apt(&["install", "opkg-fail-server"]);
    assert_eq!(ended.code, Some(100), "{}", ended.combined_output());
    assert!(ended.combined_output().contains("opkg-fail-server"), "{}", ended.combined_output());
    let proofs = system.take_proofs();
    let home = "/usr/lib/oscar/packages/fail";
    let expected = [
        format!("server-pre-install of 1.0-1: install; {home}"),
        format!("server-post-uninstall of 1.0-1: abort-install; {home}"),
    ];
    assert_eq!(proofs_of_part(&proofs, "server"), expected, "{proofs:#?}");
    assert!(!system.states_of("fail").iter().any(|state| state.starts_with("opkg-fail-server")));
    assert!(
        !system
            .files("/usr")
            .iter()
            .any(|path| path.contains("fail-server") || path.contains("fail/server-"))
    );
    // The system is none the worse for it.
    assert_eq!(system.root.run_successfully(["dpkg", "--audit"]), "");
    system.apt_succeeds(&["install", "opkg-fine-server", "opkg-fine-client"]);
    system.verify(&["opkg-fine", "opkg-fine-server", "opkg-fine-client"]);

    // An upgrade that fails leaves the old version, configured again.
    system.take_proofs();
    system.publish(&[proof_package("fine", "2.0-1", Some("client-pre-install"))]);
    let ended = system.apt(&["install", "opkg-fine-client"]);
    assert_eq!(ended.code, Some(100), "{}", ended.combined_output());
    assert_eq!(system.package_states()["opkg-fine-client"], format!("1.0-1{TAG} install ok installed"));
    let home = "/usr/lib/oscar/packages/fine";
    let expected = [
        format!("client-pre-uninstall of 1.0-1: upgrade 2.0-1{TAG}; {home}"),
        format!("client-pre-install of 2.0-1: upgrade 1.0-1{TAG} 2.0-1{TAG}; {home}"),
        format!("client-post-uninstall of 2.0-1: abort-upgrade 1.0-1{TAG} 2.0-1{TAG}; {home}"),
        format!("client-post-install of 1.0-1: abort-upgrade 2.0-1{TAG}; {home}"),
    ];
    assert_eq!(proofs_of_part(&system.take_proofs(), "client"), expected);
    assert_eq!(system.root.run_successfully(["dpkg", "--verify"]), "");
}

/// What apt fetches builds the packages that lie beside it.
#[test]
fn sources_are_fetched_and_built_again() {
    require_tools!("dpkg-source", "dpkg-buildpackage", "dpkg-deb");
    let Some(system) = DebianSystem::new() else { return };
    system.publish(&builds::example_directories());
    fs_err::create_dir(system.root.resolve("/root/sources")).unwrap();
    for name in ["opkg-hello-cluster", "opkg-jobwatch"] {
        // From a directory of the same machine, apt fetches links.
        let fetch = "cd /tmp && apt-get source -q --download-only \"$1\" && cp -L \"$1\"_* /root/sources";
        system.root.run_successfully(["sh", "-euc", fetch, "fetch", name]);
    }
    let files =
        fs_err::read_dir(system.root.resolve("/root/sources")).unwrap().map(|entry| entry.unwrap().path());
    let sources: Vec<_> = files.filter(|file| file.extension().is_some_and(|it| it == "dsc")).collect();
    assert_eq!(sources.len(), 2);
    let mut compared = 0;
    for dsc in sources {
        let unpacked = scratch::create_directory("rebuild").join("source");
        process::run_successfully(
            Command::new("dpkg-source").args(["-q", "--no-check", "-x"]).arg(dsc).arg(&unpacked),
        );
        let mut build = Command::new("dpkg-buildpackage");
        process::run_successfully(build.args(["-b", "-us", "-uc"]).current_dir(&unpacked));
        for rebuilt in inspect::package_files(unpacked.parent().unwrap()) {
            let published = system.root.resolve(PACKAGES).join(rebuilt.file_name().unwrap());
            let [rebuilt, published] = [rebuilt, published].map(|file| {
                let list = process::run_successfully(Command::new("dpkg-deb").arg("-c").arg(&file));
                // Sizes of what was compressed by another program may differ.
                let of_interest = list.lines().filter(|line| !line.ends_with("changelog.Debian.gz"));
                let version =
                    process::run_successfully(Command::new("dpkg-deb").arg("-f").arg(&file).arg("Version"));
                (version, of_interest.map(str::to_owned).collect::<BTreeSet<_>>())
            });
            assert_eq!(rebuilt, published);
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
}

/// Examples and real packages, each installed with all three parts, verified and purged.
#[test]
fn real_packages() {
    let samples = corpus::samples();
    let Some(system) = DebianSystem::new() else { return };
    let opkgs: Vec<_> = builds::example_directories()
        .into_iter()
        .chain(samples.iter().step_by(4).map(corpus::CorpusPackage::write_to_scratch))
        .collect();
    system.publish(&opkgs);
    let before = system.package_states();
    let inside: BTreeSet<String> = before.keys().cloned().collect();
    let stubs = external_requirements(&system.root.resolve(PACKAGES), &inside);
    let stubs: Vec<_> = stubs.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
    system.add_stub_packages(&stubs);
    system.publish(&opkgs);

    let packages: Vec<String> = inspect::package_files(&system.root.resolve(PACKAGES))
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().split('_').next().unwrap().to_owned())
        .filter(|name| name.starts_with("opkg-"))
        .collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    assert!(packages.len() >= opkgs.len() * 2, "{packages:?}");
    system.apt_succeeds(&[&["install"], packages.as_slice()].concat());
    let states = system.package_states();
    for package in &packages {
        assert!(states[*package].ends_with(" install ok installed"), "{package}: {}", states[*package]);
    }
    system.verify(&packages);
    system.apt_succeeds(&[&["purge"], packages.as_slice()].concat());
    system.apt_succeeds(&["purge", "--autoremove"]);
    assert_eq!(system.states_of(""), [""; 0]);
    let left = system.files("/usr/lib/oscar");
    assert!(left.is_empty(), "{left:?}");
}
