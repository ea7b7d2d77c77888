//! What plugins want to have run: what they say, and what they are granted.

use opkg_interface::artefacts::{BuildCommand, NativeBuild};
use opkg_interface::package_manager::{PackageRequest, Place};
use opkg_runtime::{
    DistributionPlugin, InstallRequest, ProgramGrants, Registry, RuntimeOptions, inspect, install,
};

use crate::guest::{GuestBuilder, PluginFixture};

fn place() -> Place {
    Place {
        root: "/".into(),
        repositories: Vec::new(),
        version: None,
        arch: "x86_64".into(),
        available: Vec::new(),
    }
}

fn request() -> PackageRequest {
    PackageRequest { name: "x".into(), version: None }
}

fn guest(commands: &[&'static str]) -> GuestBuilder {
    GuestBuilder {
        programs: vec!["pacman", "makepkg"],
        commands: commands.to_vec(),
        ..GuestBuilder::default()
    }
}

/// A plugin that wants to have these run, of which some are granted.
fn load(fixture: &PluginFixture, commands: &[&'static str], granted: &[&str]) -> DistributionPlugin {
    let path = fixture.write_file("guest.wasm", &guest(commands).build());
    let grants_file = fixture.root.path().join("grants.json");
    let mut grants = ProgramGrants::default();
    grants.add("demo", granted.iter().map(ToString::to_string));
    grants.write(&grants_file).unwrap();
    fixture.load_with(RuntimeOptions { user_grants: Some(grants_file), ..fixture.options_with_file(&path) })
}

#[test]
fn nothing_is_run_that_was_not_declared_and_granted() {
    let fixture = PluginFixture::new();
    let install = |commands: &[&'static str], granted: &[&str]| {
        load(&fixture, commands, granted).install(&[request()], &place()).map(|commands| commands.len())
    };
    assert_eq!(install(&["pacman", "pacman"], &["pacman"]).unwrap(), 2);
    let errors = [
        install(&["pacman"], &[]),
        install(&["pacman", "makepkg"], &["pacman"]),
        install(&["sh"], &["pacman", "makepkg", "sh"]),
        install(&["pacman", "/usr/bin/pacman"], &["pacman", "/usr/bin/pacman"]),
        install(&["./pacman"], &["pacman"]),
    ]
    .map(|result| result.unwrap_err().to_string());
    insta::assert_snapshot!(errors.join("\n"), @r"
    the plugin demo 1.2 may not run `pacman`: `opkgc plugin grant demo pacman` allows it
    the plugin demo 1.2 may not run `makepkg`: `opkgc plugin grant demo makepkg` allows it
    the plugin demo 1.2 returned something invalid: a command `sh`, which is none of its programs
    the plugin demo 1.2 returned something invalid: a command `/usr/bin/pacman`, which is none of its programs
    the plugin demo 1.2 returned something invalid: a command `./pacman`, which is none of its programs
    ");
}

#[test]
fn a_native_build_is_held_to_the_same() {
    let fixture = PluginFixture::new();
    let check = |program: &str, granted: &[&str]| {
        let argv = vec![program.to_owned(), "-b".to_owned()];
        let command = BuildCommand { argv, env: Vec::new(), directory: String::new() };
        let build = NativeBuild { commands: vec![command], results: Vec::new() };
        load(&fixture, &[], granted).check_native_build(&build).map_err(|error| error.to_string())
    };
    assert_eq!(check("makepkg", &["makepkg"]), Ok(()));
    assert!(check("makepkg", &["pacman"]).unwrap_err().contains("`opkgc plugin grant demo makepkg`"));
    assert!(check("bash", &["bash"]).unwrap_err().contains("none of its programs"));
}

#[test]
fn grants_that_others_could_have_written_count_for_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = PluginFixture::new();
    let _ = load(&fixture, &["pacman"], &["pacman"]);
    let file = fixture.root.path().join("grants.json");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    let options = fixture.options_with_file(&fixture.root.path().join("guest.wasm"));
    let plugin = fixture.load_with(RuntimeOptions { user_grants: Some(file), ..options });
    assert!(plugin.install(&[request()], &place()).is_err());
    let said = fixture.messages.lock().unwrap();
    assert!(said.iter().any(|message| message.text.contains("count for nothing")), "{said:?}");
}

#[test]
fn who_takes_over_says_so_when_it_is_installed_and_when_it_is_used() {
    let fixture = PluginFixture::new();
    let guest = GuestBuilder { aliases: vec!["debian", "rocky"], ..guest(&[]) };
    let path = fixture.write_file("guest.wasm", &guest.build());
    let options =
        RuntimeOptions { user_directory: Some(fixture.root.path().join("user")), ..fixture.options() };
    let inspection = inspect(&path, &options).unwrap();
    assert_eq!(inspection.programs, ["pacman", "makepkg"]);
    assert_eq!(inspection.programs_to_grant, ["pacman", "makepkg"]);
    let installed = install(&InstallRequest::of_file(&path), &options).unwrap();
    let mut replaces = installed.replaces;
    replaces.sort();
    assert_eq!((replaces.join(" ").as_str(), installed.programs_to_grant.len()), ("debian rocky", 2));

    let registry = Registry::discover(RuntimeOptions { embedded: true, ..options });
    for (id, warns) in [("debian-12", true), ("rocky", true), ("demo", false), ("rhel", false)] {
        fixture.messages.lock().unwrap().clear();
        registry.load(&registry.parse_target(id).unwrap()).unwrap();
        let said = fixture.messages.lock().unwrap();
        let warned =
            said.iter().any(|message| message.text.contains("in place of the plugin that is built in"));
        assert_eq!(warned, warns, "{id}: {said:?}");
    }
}
